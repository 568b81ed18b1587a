/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan: the source's extents, cut into chunks that start on a grain of the target.
 * Never looks at content, and never walks over what does not exist: a hole of any size is one
 * chunk.
 */
#include <stdlib.h>
#include "base/mem.h"
#include "base/num.h"
#include "copy/copy.h"
#include "extent/extent.h"

/* A linear chunk is at most this long, so that cancelling and progress stay alive. */
#define LINEAR_MAX (256 * 1024 * 1024)

static uint64_t end_of(const struct img_extent *ex)
{
	return ex->start + ex->len;
}

static uint64_t plan_end(const struct img_plan *plan)
{
	return plan->end ? plan->end : img_size(plan->src);
}

/* What is at `at`, at most to limit; an answer is used as far as it goes before asking again. */
static bool extent_at(struct img_plan *plan, uint64_t at, uint64_t limit, struct img_extent *out,
		      struct img_err *err)
{
	struct img_extent *ahead = &plan->ahead;

	if ((at < ahead->start || at >= end_of(ahead)) &&
	    !(plan->of_bytes ? img_extent_of_bytes : img_extent)(plan->src, at,
								 plan_end(plan), ahead, err))
		return false;
	*out = *ahead;
	img_extent_clip(out, at, img_min_u64(limit, end_of(ahead)));
	return true;
}

/* Compressed neighbours go to the driver in one read, wherever in the file each of them lies. */
static bool absorb(struct img_extent *last, const struct img_extent *ex)
{
	if (img_extent_join(last, ex))
		return true;
	if (last->kind != IMG_EXTENT_ENCODED || ex->kind != IMG_EXTENT_ENCODED ||
	    last->depth != ex->depth)
		return false;
	last->len += ex->len;
	return true;
}

bool img_extents_add(struct img_extents *list, const struct img_extent *ex, struct img_err *err)
{
	struct img_extent *v = img_grow_by_one(list->v, list->n, &list->cap, sizeof(*v), err);

	if (!v)
		return false;
	list->v = v;
	v[list->n++] = *ex;
	return true;
}

static bool push_extent(struct img_extents *list, const struct img_extent *ex,
			struct img_err *err)
{
	return (list->n && absorb(&list->v[list->n - 1], ex)) || img_extents_add(list, ex, err);
}

bool img_ranges_add(struct img_ranges *ranges, uint64_t at, uint64_t len, struct img_err *err)
{
	struct img_range *last = ranges->n ? &ranges->v[ranges->n - 1] : NULL;
	struct img_range *v;

	if (last && last->at + last->len == at) {
		last->len += len;
		return true;
	}
	v = img_grow_by_one(ranges->v, ranges->n, &ranges->cap, sizeof(*v), err);
	if (!v)
		return false;
	ranges->v = v;
	v[ranges->n++] = (struct img_range){ .at = at, .len = len };
	return true;
}

/* Whether the bytes of ex lie in the same store, at the same distance, as those of first. */
static bool continues(const struct img_extent *first, const struct img_extent *ex)
{
	const bool plain = ex->kind == IMG_EXTENT_DATA ||
			   (ex->kind == IMG_EXTENT_ZERO && ex->zero_in_store);

	return plain && ex->store == first->store &&
	       ex->host - ex->start == first->host - first->start;
}

/* The end of the zeros that start with ex: whole grains only, unless the disk ends. */
static bool zero_end(struct img_plan *plan, const struct img_extent *ex, uint64_t *end,
		     struct img_err *err)
{
	const uint64_t size = plan_end(plan);
	struct img_extent next = *ex;
	uint64_t z = plan->at;

	while (img_extent_reads_as_zero(&next)) {
		z = end_of(&next);
		if (z == size)
			break;
		if (!extent_at(plan, z, size, &next, err))
			return false;
	}
	*end = z == size ? z : img_round_down(z, plan->grain);
	return true;
}

/* The end of the bytes that lie in one piece in the store, from ex on. */
static bool linear_end(struct img_plan *plan, const struct img_extent *ex, uint64_t *end,
		       struct img_err *err)
{
	const uint64_t limit = img_min_u64(plan_end(plan), plan->at + LINEAR_MAX);
	struct img_extent next = *ex;
	uint64_t z = plan->at;

	while (continues(ex, &next)) {
		const uint64_t whole = img_min_u64(img_round_up(next.start, plan->grain), limit);

		/* Zeros that fill a grain of their own are worth a chunk of their own. */
		if (img_extent_reads_as_zero(&next) && end_of(&next) >= whole + plan->grain) {
			*end = whole;
			return true;
		}
		z = end_of(&next);
		if (z >= limit)
			break;
		if (!extent_at(plan, z, limit, &next, err))
			return false;
	}
	*end = z >= limit ? limit : img_round_down(z, plan->grain);
	return true;
}

/* Collects the extents of up to one window, from ex on. */
static bool fill_window(struct img_plan *plan, struct img_chunk *chunk, struct img_extent ex,
			struct img_err *err)
{
	const uint64_t end = img_min_u64(plan_end(plan),
					 img_round_down(plan->at, plan->window) + plan->window);

	chunk->kind = IMG_CHUNK_BYTES;
	img_extent_clip(&ex, plan->at, end);
	for (;;) {
		if (!push_extent(&chunk->extents, &ex, err))
			return false;
		if (end_of(&ex) >= end)
			break;
		if (!extent_at(plan, end_of(&ex), end, &ex, err))
			return false;
	}
	chunk->len = end - plan->at;
	return true;
}

static bool fill_linear(struct img_plan *plan, struct img_chunk *chunk,
			const struct img_extent *ex, struct img_err *err)
{
	struct img_extent whole = *ex;
	uint64_t end;

	if (!linear_end(plan, ex, &end, err))
		return false;
	if (end <= plan->at)
		return fill_window(plan, chunk, *ex, err);
	whole.kind = IMG_EXTENT_DATA;
	whole.len = whole.host_len = end - plan->at;
	chunk->kind = IMG_CHUNK_LINEAR;
	chunk->len = whole.len;
	return push_extent(&chunk->extents, &whole, err);
}

bool img_plan_next(struct img_plan *plan, struct img_chunk *chunk, struct img_err *err)
{
	const uint64_t size = plan_end(plan);
	struct img_extent ex;
	uint64_t end = plan->at;

	chunk->at = plan->at;
	chunk->len = 0;
	chunk->extents.n = 0;
	if (plan->at >= size)
		return true;
	if (!extent_at(plan, plan->at, size, &ex, err))
		return false;
	if (!plan->stores_zeros && img_extent_reads_as_zero(&ex) && !zero_end(plan, &ex, &end, err))
		return false;
	if (end > plan->at) {
		chunk->kind = IMG_CHUNK_ZERO;
		chunk->len = end - plan->at;
	} else if (plan->linear && continues(&ex, &ex)) {
		if (!fill_linear(plan, chunk, &ex, err))
			return false;
	} else if (!fill_window(plan, chunk, ex, err)) {
		return false;
	}
	plan->at += chunk->len;
	return true;
}

bool img_chunk_ranges(const struct img_chunk *chunk, uint64_t grain, struct img_ranges *out,
		      struct img_err *err)
{
	const uint64_t chunk_end = chunk->at + chunk->len;
	uint64_t done = chunk->at;

	for (size_t i = 0; i < chunk->extents.n; i++) {
		const struct img_extent *ex = &chunk->extents.v[i];
		const uint64_t from = img_max_u64(done, img_round_down(ex->start, grain));
		const uint64_t to = img_min_u64(chunk_end, img_round_up(end_of(ex), grain));

		if (img_extent_reads_as_zero(ex) || from >= to)
			continue;
		if (!img_ranges_add(out, from, to - from, err))
			return false;
		done = to;
	}
	return true;
}

void img_chunk_free(struct img_chunk *chunk)
{
	free(chunk->extents.v);
	chunk->extents = (struct img_extents){ 0 };
}
