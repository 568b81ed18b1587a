/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A sorted array.  A range in the middle moves all behind it, which for millions of ranges takes
 * as long as a sync does; who adds one has just waited for a sync.
 */
#include "store/ranges.h"

#include <assert.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"

void img_rangeset_clear(struct img_rangeset *set)
{
	free(set->v);
	*set = (struct img_rangeset){ 0 };
}

/* Index of the first range that ends at `at` or later. */
static size_t first_ending(const struct img_rangeset *set, uint64_t at)
{
	size_t low = 0, high = set->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (set->v[middle].end < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool img_rangeset_gap(const struct img_rangeset *set, uint64_t from, uint64_t limit,
		    struct img_stretch *gap)
{
	size_t i = first_ending(set, from);

	if (i < set->n && set->v[i].start <= from)
		from = set->v[i++].end;
	if (from >= limit)
		return false;
	gap->start = from;
	gap->end = i < set->n ? img_min_u64(set->v[i].start, limit) : limit;
	return true;
}

bool img_rangeset_reserve(struct img_rangeset *set, struct img_err *err)
{
	struct img_stretch *v = img_grow_by_one(set->v, set->n, &set->cap, sizeof(*v), err);

	if (!v)
		return false;
	set->v = v;
	return true;
}

void img_rangeset_add(struct img_rangeset *set, uint64_t start, uint64_t end)
{
	const size_t first = first_ending(set, start);
	size_t behind = first;

	if (start >= end)
		return;
	/* All from first on that it meets or touches become one with it. */
	while (behind < set->n && set->v[behind].start <= end) {
		start = img_min_u64(start, set->v[behind].start);
		end = img_max_u64(end, set->v[behind].end);
		behind++;
	}
	assert(behind > first || set->n < set->cap);
	memmove(set->v + first + 1, set->v + behind, (set->n - behind) * sizeof(*set->v));
	set->v[first] = (struct img_stretch){ start, end };
	set->n += first + 1 - behind;
}

bool img_rangeset_include(struct img_rangeset *set, uint64_t start, uint64_t len,
			  struct img_err *err)
{
	if (!img_rangeset_reserve(set, err))
		return false;
	img_rangeset_add(set, start, start + len);
	return true;
}
