/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pieces of a long table that were only looked at, of which as many stay in memory as are allowed:
 * each goes when another one needs its place.
 */
#ifndef IMG_FORMAT_LOOKS_H
#define IMG_FORMAT_LOOKS_H

#include <pthread.h>
#include "base/err.h"

struct img_look {
	uint64_t index;
	void *piece;			/* owned; NULL: none yet */
};

struct img_looks {
	pthread_mutex_t lock;		/* guards v */
	struct img_look *v;		/* by index % n; owned; NULL: all pieces stay, elsewhere */
	size_t n;
};

/* Reads the piece with that index into memory that is the caller's. */
typedef void *img_looks_read(const void *ctx, uint64_t index, struct img_err *err);

/* Room for n pieces, one at least.  On failure, too, they may be cleared.  IMG_E_NOMEM. */
bool img_looks_init(struct img_looks *looks, size_t n, struct img_err *err) IMG_MUST_CHECK;
/*
 * For a table of n_pieces of piece_len bytes, of which memory bytes are kept, and one piece at
 * least.  Where that is enough for all of them there is nothing to be done here: v stays NULL.
 */
bool img_looks_init_if_needed(struct img_looks *looks, uint64_t n_pieces, size_t piece_len,
			      uint64_t memory, struct img_err *err) IMG_MUST_CHECK;
/* Accepts zeroed ones. */
void img_looks_clear(struct img_looks *looks);
/*
 * The piece, for as long as the lock is held, which the caller has; read() is called with it.
 * NULL: it cannot be read.
 */
const void *img_looks_at(struct img_looks *looks, uint64_t index, img_looks_read *read,
			 const void *ctx, struct img_err *err);

#endif
