/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables told by their shape alone: what a cluster of the file looks like, whoever refers to it. */
#ifndef QCOW2_SHAPE_H
#define QCOW2_SHAPE_H

#include "format/qcow2/qcow2.h"

enum {
	QCOW2_SHAPE_L2 = 1 << 0,	/* all entries are legal, and some lead to clusters of the file */
	QCOW2_SHAPE_L1 = 1 << 1,	/* the same of an L1 table, or a piece of one */
};

/* Looks at clusters of one file.  One thread. */
struct qcow2_shapes {
	struct img_store *file;		/* borrowed */
	struct qcow2_geometry geo;
	uint64_t file_size;
	uint8_t *raw;			/* of the cluster that was looked at last; owned */
	struct img_extent around;	/* of the file, where it was asked last */
};

bool qcow2_shapes_start(struct qcow2_shapes *s, const struct qcow2_header *hdr,
			struct img_store *file, struct img_err *err) IMG_MUST_CHECK;
void qcow2_shapes_end(struct qcow2_shapes *s);
/*
 * *shapes: QCOW2_SHAPE_* of the cluster at host; if not 0, its bytes are in s->raw.  A hole is none:
 * *next is the first cluster behind it.
 */
bool qcow2_shapes_look(struct qcow2_shapes *s, uint64_t host, unsigned *shapes, uint64_t *next,
		       struct img_err *err) IMG_MUST_CHECK;
/* Entry number index of a table; false: it leads to no cluster.  Legal entries only. */
bool qcow2_shapes_entry(const struct qcow2_shapes *s, const uint8_t *raw, size_t index,
			struct qcow2_cluster *out);

#endif
