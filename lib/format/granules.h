/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A table of a disk in use (a bitmap, a map of blocks) that is changed in memory first: which
 * granules of it the file does not have yet, and how a flush writes them.  A flush takes them as
 * they are at one moment, with the lock of the disk held, and writes them without it.
 */
#ifndef IMG_FORMAT_GRANULES_H
#define IMG_FORMAT_GRANULES_H

#include "format/format.h"

enum { IMG_GRANULE = 4096 };	/* bytes of the table that are written together */

struct img_granules {
	/* Set by the owner: */
	struct img_store *file;
	uint64_t off, len;		/* of the table in the file; the last granule may be short */
	/* Bytes [at, at + IMG_GRANULE) of the table, as they are in memory, in the file's order. */
	void (*encode)(const void *ctx, uint64_t at, uint8_t *raw);
	const void *ctx;
	/* And not: */
	uint64_t *dirty;		/* a bit for each granule; owned */
	size_t n_dirty;
};

/* Granules as they were at one moment. */
struct img_granules_taken {
	uint64_t *numbers;		/* rising; owned */
	uint8_t *raw;			/* IMG_GRANULE bytes of the file each; owned */
	size_t n;
};

/* Of which the owner has set its part: nothing is dirty. */
bool img_granules_init(struct img_granules *g, struct img_err *err) IMG_MUST_CHECK;
/* Accepts one that is zeroed. */
void img_granules_clear(struct img_granules *g);
/* Bytes [from, to) of the table were changed, from < to. */
void img_granules_mark(struct img_granules *g, uint64_t from, uint64_t to);
/* Takes what is dirty, which it is no longer.  *out is to be cleared, on failure too. */
bool img_granules_take(struct img_granules *g, struct img_granules_taken *out,
		       struct img_err *err) IMG_MUST_CHECK;
/* Neighbours go in one write. */
bool img_granules_write(const struct img_granules *g, const struct img_granules_taken *taken,
			struct img_err *err) IMG_MUST_CHECK;
/* They were not written: they are dirty again. */
void img_granules_give_back(struct img_granules *g, const struct img_granules_taken *taken);
void img_granules_taken_clear(struct img_granules_taken *taken);

#endif
