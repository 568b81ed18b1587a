/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which clusters move down so that the file ends as early as it can.
 *
 * Pieces of several clusters come first, from the last one down: each goes to the first room that
 * takes it, or slides down over room just below it.  Where one cannot, the file ends behind it.  Then
 * single clusters above that go, in their order, to what room there is below.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "base/num.h"
#include "format/moves.h"

/* Room for pieces of more clusters than that is looked for as for this many. */
enum { LONG_PIECE = 64 };

struct planning {
	struct img_picture *pic;
	struct img_moves *moves;
	uint64_t floor;			/* what lies below stays */
	uint64_t from[LONG_PIECE + 1];	/* no room for so many clusters begins below */
};

/* ---- The list ------------------------------------------------------------------------------------- */

void img_moves_clear(struct img_moves *moves)
{
	free(moves->v);
	*moves = (struct img_moves){ 0 };
}

/* In any order; neighbours that stay neighbours are one. */
static bool add(struct img_moves *moves, struct img_shift one, struct img_err *err)
{
	struct img_shift *last = moves->n ? &moves->v[moves->n - 1] : NULL, *v;

	if (last && last->from + last->n == one.from && last->to + last->n == one.to) {
		last->n += one.n;
		return true;
	}
	v = img_grow_by_one(moves->v, moves->n, &moves->cap, sizeof(*v), err);
	if (!v)
		return false;
	moves->v = v;
	v[moves->n++] = one;
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct img_shift *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

uint64_t img_moves_find(const struct img_moves *moves, uint64_t cluster)
{
	size_t low = 0, high = moves->n;

	while (low < high) {
		const size_t middle = (low + high) / 2;
		const struct img_shift *one = &moves->v[middle];

		if (cluster < one->from)
			high = middle;
		else if (cluster - one->from >= one->n)
			low = middle + 1;
		else
			return one->to + (cluster - one->from);
	}
	return cluster;
}

/* ---- The picture ---------------------------------------------------------------------------------- */

bool img_picture_start(struct img_picture *pic, uint64_t n, struct img_err *err)
{
	const size_t len = img_max_u64(img_div_up(n, 8), 1);

	*pic = (struct img_picture){ .n = n };
	pic->used = img_calloc(len, 1, err);
	pic->open = img_calloc(len, 1, err);
	pic->tied = img_calloc(len, 1, err);
	return pic->used && pic->open && pic->tied;
}

void img_picture_clear(struct img_picture *pic)
{
	free(pic->used);
	free(pic->open);
	free(pic->tied);
	*pic = (struct img_picture){ 0 };
}

/* The next cluster from i on that is set; pic->n: none. */
static uint64_t next(const struct img_picture *pic, const uint8_t *bits, uint64_t i)
{
	while (i < pic->n && !img_picture_get(bits, i))
		i += bits[i / 8] >> i % 8 ? 1 : 8 - i % 8;
	return img_min_u64(i, pic->n);
}

/* ---- Pieces --------------------------------------------------------------------------------------- */

static bool ties(const struct img_picture *pic, uint64_t i)
{
	return i + 1 < pic->n && img_picture_get(pic->tied, i);
}

static bool is_single(const struct img_picture *pic, uint64_t i)
{
	return img_picture_get(pic->used, i) && !ties(pic, i) && !(i && ties(pic, i - 1));
}

/* The first of the piece that ends with cluster `last`. */
static uint64_t start_of(const struct img_picture *pic, uint64_t last)
{
	while (last && ties(pic, last - 1))
		last--;
	return last;
}

/* Whether a piece may lie in cluster i: there is room, or it lies there itself. */
static bool is_room(const struct img_picture *pic, uint64_t i, uint64_t start)
{
	return i >= start || img_picture_get(pic->open, i);
}

/* The first place for n clusters that lie at start now, which is one. */
static uint64_t find_room(struct planning *p, uint64_t start, uint64_t n)
{
	const struct img_picture *pic = p->pic;
	uint64_t *hint = &p->from[img_min_u64(n, LONG_PIECE)], at = *hint, len;
	bool sure = true;

	for (;; at += len + 1) {
		at = img_min_u64(next(pic, pic->open, at), start);
		if (sure)
			*hint = at;
		for (len = 0; len < n && is_room(pic, at + len, start); len++)
			;
		if (len == n)
			return at;
		/* What is too short for this piece may do for another long one. */
		sure &= len < LONG_PIECE;
	}
}

/* The room is taken; what they leave is room for nobody, as they are moved in no order. */
static bool move_piece(struct planning *p, struct img_shift one, struct img_err *err)
{
	for (uint64_t i = 0; i < one.n; i++) {
		img_picture_set(p->pic->open, one.to + i, false);
		img_picture_set(p->pic->used, one.from + i, false);
	}
	return add(p->moves, one, err);
}

static bool plan_pieces(struct planning *p, struct img_err *err)
{
	for (uint64_t end = p->pic->n; end > p->floor;) {
		const uint64_t start = start_of(p->pic, end - 1), n = end - start;
		const uint64_t to = n > 1 ? find_room(p, start, n) : start;

		if (n > 1 && to == start)
			p->floor = end;
		else if (to < start && !move_piece(p, (struct img_shift){ start, to, n }, err))
			return false;
		end = start;
	}
	return true;
}

/* ---- Single clusters ------------------------------------------------------------------------------ */

/* As many as there is room for below them; the first of them. */
static uint64_t count_singles(const struct planning *p, uint64_t *n)
{
	const struct img_picture *pic = p->pic;
	uint64_t room = next(pic, pic->open, 0), at = pic->n, first = pic->n;

	*n = 0;
	while (at > p->floor && at-- > room) {
		if (!is_single(pic, at))
			continue;
		++*n;
		first = at;
		room = next(pic, pic->open, room + 1);
	}
	return first;
}

static bool plan_singles(struct planning *p, struct img_err *err)
{
	uint64_t n, room = 0;

	for (uint64_t at = count_singles(p, &n); n; at++) {
		if (!is_single(p->pic, at))
			continue;
		room = next(p->pic, p->pic->open, room);
		if (!add(p->moves, (struct img_shift){ at, room++, 1 }, err))
			return false;
		n--;
	}
	return true;
}

/* All that is in use would end here, if it lay without gaps. */
static uint64_t count_used(const struct img_picture *pic)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < img_div_up(pic->n, 8); i++)
		n += (unsigned)__builtin_popcount(pic->used[i]);
	return n;
}

bool img_moves_plan(struct img_picture *pic, struct img_moves *out, struct img_err *err)
{
	struct planning p = { .pic = pic, .moves = out, .floor = count_used(pic) };

	*out = (struct img_moves){ 0 };
	if (!plan_pieces(&p, err) || !plan_singles(&p, err)) {
		img_moves_clear(out);
		return false;
	}
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), compare);
	return true;
}

/* ---- Fewer of them -------------------------------------------------------------------------------- */

uint64_t img_moves_count(const struct img_moves *moves)
{
	uint64_t n = 0;

	for (size_t i = 0; i < moves->n; i++)
		n += moves->v[i].n;
	return n;
}

uint64_t img_moves_end(const struct img_moves *moves, const struct img_picture *pic)
{
	uint64_t end = pic->n;

	while (end && (!img_picture_get(pic->used, end - 1) ||
		       img_moves_find(moves, end - 1) != end - 1))
		end--;
	for (size_t i = 0; i < moves->n; i++)
		end = img_max_u64(end, moves->v[i].to + moves->v[i].n);
	return end;
}

/* Pieces of a shift from the last one down; the clusters below *from are left. */
static void count_down(const struct img_picture *pic, struct img_shift one, uint64_t most,
		       uint64_t *n, uint64_t *from, uint64_t *left)
{
	for (uint64_t end = one.from + one.n; end > one.from;) {
		const uint64_t start = img_max_u64(start_of(pic, end - 1), one.from);
		const uint64_t len = end - start;

		if (*left || (len <= most && *n + len > most))
			*left += len <= most ? len : 0;
		else if (len <= most) {
			*n += len;
			*from = start;
		}
		end = start;
	}
}

/* The end of the piece with cluster `at`, inside of what moves with it. */
static uint64_t end_of_piece(const struct img_picture *pic, uint64_t at, uint64_t limit)
{
	while (++at < limit && ties(pic, at - 1))
		;
	return at;
}

/* Pieces of a shift, from `from` on, that are short enough. */
static bool keep_pieces(struct img_moves *out, const struct img_picture *pic, struct img_shift one,
			uint64_t from, uint64_t most, struct img_err *err)
{
	uint64_t end;

	for (uint64_t at = one.from; at < one.from + one.n; at = end) {
		end = end_of_piece(pic, at, one.from + one.n);
		if (at >= from && end - at <= most &&
		    !add(out, (struct img_shift){ at, one.to + (at - one.from), end - at }, err))
			return false;
	}
	return true;
}

bool img_moves_limit(struct img_moves *moves, const struct img_picture *pic, uint64_t most,
		     uint64_t *left, struct img_err *err)
{
	struct img_moves kept = { 0 };
	uint64_t n = 0, from = UINT64_MAX;
	bool ok = true;

	*left = 0;
	for (size_t i = moves->n; i-- > 0;)
		count_down(pic, moves->v[i], most, &n, &from, left);
	for (size_t i = 0; ok && i < moves->n; i++)
		ok = keep_pieces(&kept, pic, moves->v[i], from, most, err);
	img_moves_clear(moves);
	*moves = kept;
	return ok;
}

/* ---- Without gaps --------------------------------------------------------------------------------- */

bool img_moves_slide(const struct img_picture *pic, struct img_moves *out, struct img_err *err)
{
	uint64_t to = 0;

	*out = (struct img_moves){ 0 };
	for (uint64_t at = next(pic, pic->used, 0); at < pic->n; at = next(pic, pic->used, at + 1)) {
		if (at > to && !add(out, (struct img_shift){ at, to, 1 }, err)) {
			img_moves_clear(out);
			return false;
		}
		to++;
	}
	return true;
}

void img_moves_head(struct img_moves *moves, const struct img_picture *pic, uint64_t most,
		    uint64_t *left)
{
	const uint64_t all = img_moves_count(moves);
	uint64_t n = 0;

	*left = 0;
	for (size_t i = 0; i < moves->n; i++) {
		struct img_shift *one = &moves->v[i];
		const uint64_t limit = one->from + one->n;
		uint64_t at = one->from, end = at;

		for (; at < limit; n += end - at, at = end) {
			end = end_of_piece(pic, at, limit);
			if (n + (end - at) > most)
				break;
		}
		if (at == limit)
			continue;
		*left = end - at <= most ? all - n : 0;
		one->n = at - one->from;
		moves->n = i + (one->n > 0);
		return;
	}
}
