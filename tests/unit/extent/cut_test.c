/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An extent that is cut to what is all in a set, or not at all. */
#include <criterion/criterion.h>
#include "extent/extent.h"

/* What is left of [start, end) when [10, 20) and [30, 40) are in the set. */
static void expect(uint64_t start, uint64_t end, uint64_t cut, bool within)
{
	struct img_rangeset set = { 0 };
	struct img_extent ex = { .start = start, .len = end - start, .kind = IMG_EXTENT_HOLE };

	cr_assert(img_rangeset_include(&set, 10, 10, NULL));
	cr_assert(img_rangeset_include(&set, 30, 10, NULL));
	cr_assert_eq(img_extent_cut(&ex, &set), within, "from %lu", (unsigned long)start);
	cr_assert_eq(ex.start, start);
	cr_assert_eq(ex.start + ex.len, cut, "from %lu: to %lu", (unsigned long)start,
		     (unsigned long)(ex.start + ex.len));
	img_rangeset_clear(&set);
}

Test(cut, by_a_set)
{
	expect(0, 50, 10, false);
	expect(0, 5, 5, false);
	expect(10, 50, 20, true);
	expect(12, 15, 15, true);
	expect(20, 50, 30, false);
	expect(35, 40, 40, true);
	expect(40, 50, 50, false);
}

Test(cut, by_nothing)
{
	const struct img_rangeset set = { 0 };
	struct img_extent ex = { .start = 3, .len = 4, .kind = IMG_EXTENT_HOLE };

	cr_assert_not(img_extent_cut(&ex, &set));
	cr_assert_eq(ex.len, 4);
}
