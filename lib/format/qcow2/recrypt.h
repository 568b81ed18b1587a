/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of a change of the encryption in place know of each other. */
#ifndef QCOW2_RECRYPT_H
#define QCOW2_RECRYPT_H

#include "format/qcow2/qcow2.h"
#include "format/recrypt.h"

/* ---- recrypt_map.c: what the ops promise --------------------------------------------------------- */

bool qcow2_recrypt_look(struct img_store *st, struct img_recrypt_seen *out, struct img_err *err);
bool qcow2_recrypt_visit(struct img_layer *ly, struct img_recrypt_visit *visit, struct img_err *err);

/* ---- recrypt_unpack.c: what the ops promise ------------------------------------------------------ */

bool qcow2_recrypt_unpack(struct img_layer *ly, struct img_recrypt_unpack *how, struct img_err *err);

/* ---- recrypt_mark.c ------------------------------------------------------------------------------ */

/*
 * Makes hdr, which stays the caller's, one that nobody opens, with all that tells the image again.
 * Errors: IMG_E_NOMEM.
 */
bool qcow2_recrypt_put_mark(struct qcow2_header *hdr, const struct img_recrypt_mark *mark,
			    struct img_err *err) IMG_MUST_CHECK;
/* The other way, of the bytes of the first cluster: *hdr is what it was.  IMG_E_CORRUPT, as decoding. */
bool qcow2_recrypt_take_mark(uint8_t *raw, size_t len, struct qcow2_header *hdr,
			     struct img_recrypt_mark *mark, struct img_err *err) IMG_MUST_CHECK;

#endif
