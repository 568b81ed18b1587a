/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Granules of a table that are dirty: noted, taken and written. */
#include "format/granules.h"

#include "base/mem.h"
#include "base/num.h"

enum { BITS = 64 };

bool img_granules_init(struct img_granules *g, struct img_err *err)
{
	const uint64_t words = img_div_up(g->len, (uint64_t)IMG_GRANULE * BITS);

	g->n_dirty = 0;
	g->dirty = img_calloc(words + 1, sizeof(*g->dirty), err);
	return g->dirty;
}

void img_granules_clear(struct img_granules *g)
{
	free(g->dirty);
	*g = (struct img_granules){ 0 };
}

static void mark_one(struct img_granules *g, uint64_t number)
{
	const uint64_t bit = UINT64_C(1) << number % BITS;

	g->n_dirty += !(g->dirty[number / BITS] & bit);
	g->dirty[number / BITS] |= bit;
}

void img_granules_mark(struct img_granules *g, uint64_t from, uint64_t to)
{
	for (uint64_t i = from / IMG_GRANULE; i <= (to - 1) / IMG_GRANULE; i++)
		mark_one(g, i);
}

bool img_granules_take(struct img_granules *g, struct img_granules_taken *out, struct img_err *err)
{
	const size_t n = g->n_dirty;

	*out = (struct img_granules_taken){ 0 };
	if (!n)
		return true;
	out->numbers = img_calloc(n, sizeof(*out->numbers), err);
	out->raw = img_calloc(n, IMG_GRANULE, err);
	if (!out->numbers || !out->raw)
		return false;
	for (size_t i = 0; out->n < n; i++) {
		for (uint64_t bits = g->dirty[i]; bits; bits &= bits - 1) {
			const uint64_t number = i * BITS + (unsigned)__builtin_ctzll(bits);

			g->encode(g->ctx, number * IMG_GRANULE, out->raw + out->n * IMG_GRANULE);
			out->numbers[out->n++] = number;
		}
		g->dirty[i] = 0;
	}
	g->n_dirty = 0;
	return true;
}

bool img_granules_write(const struct img_granules *g, const struct img_granules_taken *taken,
			struct img_err *err)
{
	size_t run;

	for (size_t i = 0; i < taken->n; i += run) {
		const uint64_t at = taken->numbers[i] * IMG_GRANULE;

		for (run = 1; i + run < taken->n; run++)
			if (taken->numbers[i + run] != taken->numbers[i] + run)
				break;
		if (!img_store_write(g->file, g->off + at, taken->raw + i * IMG_GRANULE,
				     img_min_u64(run * IMG_GRANULE, g->len - at), err))
			return false;
	}
	return true;
}

void img_granules_give_back(struct img_granules *g, const struct img_granules_taken *taken)
{
	for (size_t i = 0; i < taken->n; i++)
		mark_one(g, taken->numbers[i]);
}

void img_granules_taken_clear(struct img_granules_taken *taken)
{
	free(taken->numbers);
	free(taken->raw);
	*taken = (struct img_granules_taken){ 0 };
}
