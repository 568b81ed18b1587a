/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"
#include "store/ranges.h"

enum { SPACE = 200 };

/* The bytes of a set, counted one by one. */
struct model {
	bool has[SPACE];
};

static void check_order(const struct img_rangeset *set)
{
	for (size_t i = 0; i < set->n; i++) {
		cr_assert_lt(set->v[i].start, set->v[i].end);
		cr_assert(i == 0 || set->v[i - 1].end < set->v[i].start, "they should be one");
	}
}

static void check_gaps(const struct img_rangeset *set, const struct model *model, size_t from,
		       size_t limit)
{
	size_t start = from, end;
	struct img_stretch gap;

	while (start < limit && model->has[start])
		start++;
	for (end = start; end < limit && !model->has[end]; )
		end++;
	cr_assert_eq(img_rangeset_gap(set, from, limit, &gap), start < limit);
	cr_assert(start >= limit || (gap.start == start && gap.end == end));
}

Test(ranges, agree_with_bytes_counted_one_by_one)
{
	srandom(1);
	for (int round = 0; round < 50; round++) {
		struct img_rangeset set = { 0 };
		struct model model = { 0 };

		for (int step = 0; step < 40; step++) {
			const size_t start = (size_t)random() % SPACE;
			const size_t end = start + (size_t)random() % 12 % (SPACE - start);

			ok(img_rangeset_reserve(&set, &err));
			img_rangeset_add(&set, start, end);
			memset(model.has + start, true, end - start);
			check_order(&set);
			check_gaps(&set, &model, (size_t)random() % SPACE, SPACE);
			check_gaps(&set, &model, start, end);
		}
		img_rangeset_clear(&set);
		cr_assert(set.n == 0 && !set.v);
	}
}
