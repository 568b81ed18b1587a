/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of a change of the size share: resize.c and compact.c. */
#ifndef QCOW1_RESIZE_H
#define QCOW1_RESIZE_H

#include "format/compact.h"
#include "format/qcow1/qcow1.h"

struct qcow1_compacting {
	struct qcow1_header *hdr;	/* places in it change */
	struct img_store *file;
	const struct img_job *job;	/* or NULL */
	uint8_t *l1;			/* as in the file; the entries change */
	size_t n_l1;			/* all that the header speaks of */
	bool no_l1;			/* its place is free from now on */
	uint64_t end;			/* out: behind the last byte in the file that is referred to */
};

/*
 * Moves what lies behind gaps into them, with all that refers to it but the header in the file, which
 * gets no shorter.  IMG_E_CORRUPT: not all references are right.
 */
bool qcow1_compact(struct qcow1_compacting *c, struct img_err *err) IMG_MUST_CHECK;
/* One round of that, in which no more than `room` bytes move; 0: none, they are only counted. */
bool qcow1_compact_some(struct qcow1_compacting *c, uint64_t room, struct img_layer_compacted *out,
			struct img_err *err) IMG_MUST_CHECK;

/* resize.c: makes the last cluster of the file whole, which could not be moved else. */
bool qcow1_fill_up(struct img_store *file, uint32_t cluster, struct img_err *err) IMG_MUST_CHECK;
/* The same: the header into the file. */
bool qcow1_header_write(const struct qcow1 *q, struct img_err *err) IMG_MUST_CHECK;

/*
 * hollow.c: whole clusters of the disk that are in the set lose their entries in the tables of the
 * file, to which l1 leads.
 */
bool qcow1_hollow(const struct qcow1_header *hdr, struct img_store *file, const uint8_t *l1,
		  const struct img_rangeset *hollow, struct img_err *err) IMG_MUST_CHECK;

#endif
