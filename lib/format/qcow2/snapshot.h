/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of changing snapshots know of each other. */
#ifndef QCOW2_SNAPSHOT_H
#define QCOW2_SNAPSHOT_H

#include "format/qcow2/disk.h"
#include "format/qcow2/refs.h"

/* ---- snapshot_table.c ---------------------------------------------------------------------------- */

/* Whether a snapshot can get that name.  IMG_E_ARGUMENT. */
bool qcow2_snapshots_check_name(const struct qcow2_snapshots *list, const char *name,
				struct img_err *err) IMG_MUST_CHECK;
/*
 * Puts one behind the others, with an id that none has; where its L1 table lies and the size of its
 * disk are for the caller to say.  IMG_E_ARGUMENT (the name), IMG_E_RANGE (there are too many).
 */
bool qcow2_snapshots_add(struct qcow2_snapshots *list, const struct img_snapshot_new *what,
			 struct qcow2_snapshot **out, struct img_err *err) IMG_MUST_CHECK;
/* Takes one out. */
void qcow2_snapshots_drop(struct qcow2_snapshots *list, const struct qcow2_snapshot *snap);
/* The bytes of the whole table; img_store_write() gets as many.  NULL: IMG_E_RANGE, IMG_E_NOMEM. */
uint8_t *qcow2_snapshots_encode(const struct qcow2_snapshots *list, uint64_t *len,
				struct img_err *err);

/* ---- snapshot_change.c --------------------------------------------------------------------------- */

/*
 * A change of the snapshots of an image that is open for writing.  First places are taken, while the
 * disk is in use; what lies there is written when that has ended; the header tells of it at last, and
 * counts and flags follow from the tables.
 */
struct qcow2_snapshot_change {
	struct img_layer *ly;
	struct qcow2 *q;
	struct qcow2_snapshots list;	/* as it will be; owned */
	struct qcow2_stretches taken;	/* new places; owned */
	uint64_t table_len, table_off;	/* of the new table; 0: none */
	uint8_t *table;			/* its bytes; owned */
	struct qcow2_refs *before;	/* owned; when the disk has ended */
};

/* Fails where snapshots of the image cannot be changed.  The caller calls end in any case. */
bool qcow2_snapshot_begin(struct qcow2_snapshot_change *change, struct img_layer *ly,
			  struct img_err *err) IMG_MUST_CHECK;
void qcow2_snapshot_end(struct qcow2_snapshot_change *change);
/* A place for an L1 table with n entries; 0 for none. */
bool qcow2_snapshot_take_l1(struct qcow2_snapshot_change *change, uint32_t n, uint64_t *host,
			    struct img_err *err) IMG_MUST_CHECK;
/* The list is complete: a place for it.  The disk is not in use any more. */
bool qcow2_snapshot_settle_disk(struct qcow2_snapshot_change *change, struct img_err *err)
	IMG_MUST_CHECK;
/* Copies n entries of an L1 table to a place that was taken, without their flags. */
bool qcow2_snapshot_copy_l1(struct qcow2_snapshot_change *change, uint64_t from, uint32_t n,
			    uint64_t to, struct img_err *err) IMG_MUST_CHECK;
/* Writes the new table, and the numbers of q->header, which tell of it and of L1. */
bool qcow2_snapshot_commit(struct qcow2_snapshot_change *change, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- snapshot_sizes.c ---------------------------------------------------------------------------- */

/* Tells exclusive and shared of each of the snapshots in list.  IMG_E_IO, IMG_E_NOMEM. */
bool qcow2_snapshot_sizes(struct qcow2 *q, const struct qcow2_snapshots *list,
			  struct img_snapshot *out, struct img_err *err) IMG_MUST_CHECK;

#endif
