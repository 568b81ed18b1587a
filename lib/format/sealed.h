/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guest bytes that lie enciphered in a store: read and written with any alignment. */
#ifndef IMG_FORMAT_SEALED_H
#define IMG_FORMAT_SEALED_H

#include "cipher/cipher.h"
#include "format/format.h"

/* A run of bytes that lie behind each other, and are enciphered by whole sectors. */
struct img_sealed {
	struct img_cipher *cipher;
	struct img_store *store;
	uint64_t host;			/* where the first byte lies */
	uint64_t iv;			/* what IVs are counted from there; as far into a sector */
	uint32_t sector;		/* bytes; a power of two, at most IMG_SEALED_SECTOR_MAX */
};

enum { IMG_SEALED_SECTOR_MAX = 4096 };

/* The run from `by` bytes on. */
static inline struct img_sealed img_sealed_from(struct img_sealed run, uint64_t by)
{
	run.host += by;
	run.iv += by;
	return run;
}

/*
 * The next len bytes; whole sectors are deciphered where they are wanted.  A sector of which the file
 * has a part cannot be read.  Any number of threads.
 */
bool img_sealed_read(const struct img_sealed *run, void *buf, size_t len, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * Of a sector that buf has a part of, the rest stays: nobody else may write to it meanwhile.  Other
 * sectors: any number of threads.
 */
bool img_sealed_write(const struct img_sealed *run, const void *buf, size_t len,
		      struct img_err *err) IMG_MUST_CHECK;

#endif
