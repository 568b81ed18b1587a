/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that is packed: pack_units.c says what lies where, and where it may go, format/packing.c
 * compresses and moves it, and pack.c makes tables and counts say so.
 */
#ifndef QCOW2_PACK_H
#define QCOW2_PACK_H

#include "format/packing.h"
#include "format/qcow2/move.h"

/* The clusters [from, to) of a file. */
struct qcow2_window {
	struct qcow2 *q;
	struct qcow2_refs *refs;	/* owned */
	struct img_picture pic;
	/* A bit for each cluster of the file: what refers to it; owned. */
	uint8_t *plain, *packed, *other;
	uint64_t from, to;
	struct img_pack_units units;
	bool failed;			/* a callback did; why ... */
	struct img_err why;		/* ... is here */
	uint64_t at;			/* the first unit goes here, or behind it */
};

/* ---- pack_units.c --------------------------------------------------------------------------------- */

/*
 * Fills in units of about `most` bytes from cluster w->from on; q and refs are there.  For
 * qcow2_window_clear(), also after a failure.  IMG_E_CORRUPT, IMG_E_IO, IMG_E_NOMEM.
 */
bool qcow2_window_open(struct qcow2_window *w, uint64_t most, struct img_err *err) IMG_MUST_CHECK;
void qcow2_window_clear(struct qcow2_window *w);
/* The first place from `at` on for len bytes, which a count can be kept for; ctx: a window. */
uint64_t qcow2_window_room(void *ctx, uint64_t at, uint64_t len, uint32_t align);

#endif
