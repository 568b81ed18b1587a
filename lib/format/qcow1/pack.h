/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file that is packed: pack_units.c says what lies where, pack.c makes the tables say where it went. */
#ifndef QCOW1_PACK_H
#define QCOW1_PACK_H

#include "format/packing.h"
#include "format/qcow1/qcow1.h"

/* What of a file is packed in one round. */
struct qcow1_window {
	const struct qcow1_header *hdr;
	struct img_store *file;		/* of whole clusters */
	const struct img_job *job;	/* or NULL */
	const uint8_t *l1;		/* as in the file; borrowed */
	uint32_t n_l1;			/* its entries */
	uint64_t from, to, size;	/* bytes of the file; to == size: up to its end */
	struct img_pack_units units;
};

/*
 * Fills in `to` and the units that begin in the window; `most`: bytes of it that are in use, about.  For
 * img_pack_units_clear(), also after a failure.  IMG_E_CANCELLED, IMG_E_CORRUPT, IMG_E_IO, IMG_E_NOMEM.
 */
bool qcow1_window_open(struct qcow1_window *w, uint64_t most, struct img_err *err) IMG_MUST_CHECK;

#endif
