/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of the disk is certain, guessed and lost. */
#include <stdlib.h>
#include "common/memory.h"
#include "imgcheck/salvage.h"

static bool continues(const struct piece *last, const struct piece *next)
{
	return last->start + last->len == next->start && last->kind == next->kind &&
	       last->why == next->why;
}

void pieces_add(struct pieces *to, const struct piece *one)
{
	struct piece *last = to->n ? &to->v[to->n - 1] : NULL;

	if (last && continues(last, one)) {
		last->len += one->len;
		return;
	}
	if (to->n == to->cap) {
		const size_t cap = to->cap ? 2 * to->cap : 64;
		struct piece *more = reallocarray(to->v, cap, sizeof(*more));

		if (!more) {
			to->failed = true;
			return;
		}
		to->v = more;
		to->cap = cap;
	}
	to->v[to->n++] = *one;
}

static struct piece piece_of(const struct img_extent *ex)
{
	const bool lost = ex->kind == IMG_EXTENT_LOST;

	return (struct piece){
		.start = ex->start, .len = ex->len, .why = lost ? ex->why : NULL,
		.kind = lost ? PIECE_LOST : ex->guessed ? PIECE_GUESSED : PIECE_CERTAIN,
	};
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Adds one, but for what the copy has lost of it; *next is the first loss that may touch it. */
static void add_but_lost(struct salvage_outcome *out, struct piece one, const struct pieces *lost,
			 size_t *next)
{
	const uint64_t end = one.start + one.len;

	while (one.start < end) {
		while (*next < lost->n && lost->v[*next].start + lost->v[*next].len <= one.start)
			(*next)++;
		const struct piece *loss = *next < lost->n ? &lost->v[*next] : NULL;
		const bool inside = loss && loss->start <= one.start;
		struct piece part = inside ? *loss : one;

		part.start = one.start;
		part.len = (inside ? least(end, loss->start + loss->len)
				   : loss ? least(end, loss->start) : end) - one.start;
		out->bytes[part.kind] += part.len;
		pieces_add(&out->pieces, &part);
		one.start += part.len;
	}
}

bool salvage_look(struct img *im, const struct pieces *lost, struct salvage_outcome *out,
		  struct img_err *err)
{
	const uint64_t size = img_size(im);
	struct img_extent ex;
	size_t next = 0;

	img_get_salvage(im, &out->told);
	for (uint64_t at = 0; at < size; at = ex.start + ex.len) {
		if (!img_extent(im, at, size, &ex, err))
			return false;
		add_but_lost(out, piece_of(&ex), lost, &next);
	}
	if (lost->failed || out->pieces.failed)
		return out_of_memory(err);
	return true;
}
