/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that is packed: pack_units.c says what lies where, and where it may go, pack_bytes.c
 * compresses and moves it, and pack.c makes tables and counts say so.
 *
 * All that is used goes down, in the order of the file, to what lies in front of it.  As nothing gets
 * longer nothing is written over that was not read; and what has been seen to is never seen again.
 */
#ifndef QCOW2_PACK_H
#define QCOW2_PACK_H

#include "format/compact.h"
#include "format/qcow2/move.h"

enum qcow2_unit_kind {
	QCOW2_UNIT_FIXED,		/* a cluster that is counted, and that nothing refers to */
	QCOW2_UNIT_CLUSTERS,		/* those of a table, or with bytes that stay as they are */
	QCOW2_UNIT_PLAIN,		/* a cluster that may be compressed */
	QCOW2_UNIT_PACKED,		/* a compressed cluster */
};

/* What moves in one piece. */
struct qcow2_unit {
	uint64_t host, now;		/* where it lies, and where it will */
	uint32_t len, now_len;
	enum qcow2_unit_kind kind;
	bool recoded;			/* its bytes are now_len new ones, compressed */
};

struct qcow2_units {
	struct qcow2_unit *v;		/* rising by host; owned */
	size_t n, cap;
};

/* The clusters [from, to) of a file. */
struct qcow2_window {
	struct qcow2 *q;
	struct qcow2_refs *refs;	/* owned */
	struct img_picture pic;
	/* A bit for each cluster of the file: what refers to it; owned. */
	uint8_t *plain, *packed, *other;
	uint64_t from, to;
	struct qcow2_units units;
	bool failed;			/* a callback did; why ... */
	struct img_err why;		/* ... is here */
	uint64_t at;			/* the next unit goes here, or behind it */
};

/* ---- pack_units.c --------------------------------------------------------------------------------- */

/*
 * Fills in units of about `most` bytes from cluster w->from on; q and refs are there.  For
 * qcow2_window_clear(), also after a failure.  IMG_E_CORRUPT, IMG_E_IO, IMG_E_NOMEM.
 */
bool qcow2_window_open(struct qcow2_window *w, uint64_t most, struct img_err *err) IMG_MUST_CHECK;
void qcow2_window_clear(struct qcow2_window *w);
/* The first place from w->at on for len bytes, which a count can be kept for. */
uint64_t qcow2_window_room(const struct qcow2_window *w, uint64_t len, bool aligned);
/* The unit with that byte of the file; NULL: none of the window. */
const struct qcow2_unit *qcow2_window_find(const struct qcow2_window *w, uint64_t host);

/* ---- pack_bytes.c --------------------------------------------------------------------------------- */

/* Gives all units their places, and writes them there. */
bool qcow2_window_pack(struct qcow2_window *w, const struct img_layer_pack *how, int level,
		       struct img_err *err) IMG_MUST_CHECK;

#endif
