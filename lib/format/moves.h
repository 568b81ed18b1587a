/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clusters of a file that move down, so that it gets shorter: which ones, and where to. */
#ifndef IMG_FORMAT_MOVES_H
#define IMG_FORMAT_MOVES_H

#include "format/format.h"

/* n clusters of the file, by number, from the first on; `to` is below `from`, and they may overlap. */
struct img_shift {
	uint64_t from, to, n;
};

struct img_moves {
	struct img_shift *v;		/* owned; rising by from */
	size_t n, cap;
};

void img_moves_clear(struct img_moves *moves);
/* Where the cluster is afterwards.  Pure. */
uint64_t img_moves_find(const struct img_moves *moves, uint64_t cluster);

/* What is known of the clusters of a file: a bit for each, the lowest of a byte first. */
struct img_picture {
	uint64_t n;			/* clusters */
	uint8_t *used;			/* something refers to it; owned, as the others */
	uint8_t *open;			/* free, and may be used */
	uint8_t *tied;			/* something goes on in the one behind it */
};

bool img_picture_start(struct img_picture *pic, uint64_t n, struct img_err *err) IMG_MUST_CHECK;
void img_picture_clear(struct img_picture *pic);
/* Cluster number i of one of the three. */
static inline bool img_picture_get(const uint8_t *bits, uint64_t i)
{
	return bits[i / 8] >> i % 8 & 1;
}

static inline void img_picture_set(uint8_t *bits, uint64_t i, bool value)
{
	bits[i / 8] = (uint8_t)((bits[i / 8] & ~(1u << i % 8)) | (unsigned)value << i % 8);
}

/*
 * What has to move so that the file ends as early as it can: clusters that are tied move together or
 * not at all.  pic is changed.  IMG_E_NOMEM.
 */
bool img_moves_plan(struct img_picture *pic, struct img_moves *out, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * Of moves that img_moves_plan() made of pic: no more than `most` clusters, those that lie last.  Pieces
 * stay whole, so that one of more clusters than that never moves.  *left: clusters that are left out and
 * could move in another round.  IMG_E_NOMEM.
 */
bool img_moves_limit(struct img_moves *moves, const struct img_picture *pic, uint64_t most,
		     uint64_t *left, struct img_err *err) IMG_MUST_CHECK;
/* The end of the last cluster that is in use when all that img_moves_plan() gave are done.  Pure. */
uint64_t img_moves_end(const struct img_moves *moves, const struct img_picture *pic);
/* Clusters that move. */
uint64_t img_moves_count(const struct img_moves *moves);
/*
 * The same without a gap in any case, for which all that lies behind the first one moves.  Each of
 * them may be done once those before it are.
 */
bool img_moves_slide(const struct img_picture *pic, struct img_moves *out, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * Of moves that img_moves_slide() made of pic: no more than `most` clusters, those that lie first.  The
 * same rules as of img_moves_limit(), and what lies behind a piece that never moves does not either.
 */
void img_moves_head(struct img_moves *moves, const struct img_picture *pic, uint64_t most,
		    uint64_t *left);

#endif
