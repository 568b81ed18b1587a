/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images that are made around data that lie in their file already: what adopt.c and its tables share. */
#ifndef QCOW2_ADOPT_H
#define QCOW2_ADOPT_H

#include "format/placement.h"
#include "format/qcow2/qcow2.h"

extern const struct img_adopt_ops qcow2_adopt_ops;

/* ---- adopt_tables.c ------------------------------------------------------------------------------ */

/*
 * All tables of such an image, in clusters that follow each other behind the data: L1, the L2 tables,
 * the refcount table, its blocks.  There are as many of the last as the data will ever need.
 */
struct qcow2_adopted {
	struct qcow2_header header;	/* owned */
	struct qcow2_geometry geo;
	uint64_t start;			/* cluster of the file: the first of the tables */
	uint64_t n_l1, n_l2, n_reftable, n_blocks;	/* clusters of each */
	uint32_t *l2_of;		/* of each L1 entry: 1 + number of its table, 0: none; owned */
	uint32_t *block_of;		/* the same of each entry of the refcount table */
	uint32_t *l2_index, *block_index;	/* the inverses; owned */
	uint64_t reach;			/* refcount blocks that block_of has */
};

/* Finds out what is needed, with header, geo and start set; completes the header.  IMG_E_RANGE. */
bool qcow2_adopted_plan(struct qcow2_adopted *a, const struct img_placement *where,
			struct img_err *err) IMG_MUST_CHECK;
bool qcow2_adopted_write(const struct qcow2_adopted *a, const struct img_placement *where,
			 struct img_store *st, struct img_err *err) IMG_MUST_CHECK;
/* L2 entries of clusters [first, end) of the disk, in tables that there are. */
bool qcow2_adopted_put_l2(const struct qcow2_adopted *a, const struct img_placement *where,
			  struct img_store *st, uint64_t first, uint64_t end, struct img_err *err)
	IMG_MUST_CHECK;
/* The counts, 16 bits wide, of clusters [first, end) of the file, in blocks that there are. */
bool qcow2_adopted_put_counts(const struct qcow2_adopted *a, const struct img_placement *where,
			      struct img_store *st, uint64_t first, uint64_t end, struct img_err *err)
	IMG_MUST_CHECK;
static inline uint64_t qcow2_adopted_clusters(const struct qcow2_adopted *a)
{
	return a->n_l1 + a->n_l2 + a->n_reftable + a->n_blocks;
}

#endif
