/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a commit and a rebase have in common: pieces of one disk that go into another. */
#ifndef IMG_COPY_CHAIN_H
#define IMG_COPY_CHAIN_H

#include "image/image.h"

/* ---- Pouring (pour.c) ---------------------------------------------------------------------------- */

/* A piece that has to be read is no longer. */
#define IMG_POUR_WINDOW (UINT64_C(1) << 20)

enum img_piece_kind {
	IMG_PIECE_NOTHING,	/* the target has it already */
	IMG_PIECE_ZERO,		/* is to read as zeros */
	IMG_PIECE_BYTES,
};

struct img_piece {
	uint64_t at, len;	/* guest bytes, len > 0 */
	enum img_piece_kind kind;
};

/* What one thread works with: as many buffers of a window as there may be sides. */
struct img_pour_bufs { uint8_t *a, *b; };

struct img_pour {
	uint64_t from, to;	/* guest bytes to go through */
	unsigned threads;	/* 0: one for each core */
	/* The piece at `at`, up to limit; called in rising order, by one thread at a time. */
	bool (*look)(void *ctx, uint64_t at, uint64_t limit, struct img_piece *out,
		     struct img_err *err);
	/* Does what the piece, which is not IMG_PIECE_NOTHING, needs; any number of threads. */
	bool (*work)(void *ctx, const struct img_piece *piece, const struct img_pour_bufs *bufs,
		     struct img_err *err);
	void *ctx;
	const struct img_job *job;	/* or NULL */
	uint64_t done, total;		/* bytes of work, for job */
};

/* Cuts a piece to what of it lies up to the end of a window. */
void img_piece_cut(struct img_piece *piece);
/* Looks at all pieces, and works on none: call is told of each that needs something. */
bool img_pour_look(const struct img_pour *pour,
		   bool (*call)(void *ctx, const struct img_piece *piece, struct img_err *err),
		   struct img_err *err) IMG_MUST_CHECK;
/* Of several failures the one that comes first on the disk is reported.  pour->done grows. */
bool img_pour_run(struct img_pour *pour, struct img_err *err) IMG_MUST_CHECK;

/* ---- Room and warnings (room.c) -------------------------------------------------------------------- */

/* What the tables of a format may need besides `bytes` of data in units of that many. */
uint64_t img_room_for(uint64_t bytes, uint64_t unit);
/* Fills moved->free for the file at path. */
bool img_room_look(const char *path, struct img_moved *moved, struct img_err *err) IMG_MUST_CHECK;
/* IMG_E_NOSPACE when there is too little. */
bool img_room_check(const char *path, const struct img_moved *moved, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * How many snapshots the first n layers of im have: through their holes shows whatever lies below, and
 * nobody copies that.  job is told.
 */
bool img_count_snapshots(const struct img *im, size_t n, const struct img_job *job, size_t *count,
			 struct img_err *err) IMG_MUST_CHECK;
/* Tells job what is odd about the layers of im. */
void img_warn_of_oddities(const struct img *im, const struct img_job *job);

#endif
