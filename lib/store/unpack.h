/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compressed files, as streams of what is in them. */
#ifndef IMG_STORE_UNPACK_H
#define IMG_STORE_UNPACK_H

#include "store/produced.h"

/* Bytes that tell how a file is compressed. */
enum { IMG_PACKING_BYTES = 16 };

struct img_packing;
/*
 * By the first len bytes of a file; NULL: it is not compressed in a way that is known.  said: it is known
 * to be no disk, so that fewer bytes are proof.  Pure.
 */
const struct img_packing *img_packing_of(const uint8_t *head, size_t len, bool said);
/* "gzip" */
const char *img_packing_name(const struct img_packing *packing);
/*
 * What is in packed, as img_store_produced() gives it; of several streams one after the other all.
 * Checksums are looked at.  Owns packed from then on; on failure it stays the caller's.
 */
struct img_store *img_store_unpacked(struct img_store *packed, const struct img_packing *packing,
				     uint64_t most, struct img_err *err);

/* ---- For unpack.c alone: one for each way ------------------------------------------------------- */

struct img_producer *img_unpack_gzip(struct img_store *packed, struct img_err *err);
struct img_producer *img_unpack_xz(struct img_store *packed, struct img_err *err);
/* Whatever libarchive can. */
struct img_producer *img_unpack_other(struct img_store *packed, struct img_err *err);

#endif
