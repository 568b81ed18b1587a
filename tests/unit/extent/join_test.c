/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which neighbours are one extent, and what is left of one that is cut. */
#include <criterion/criterion.h>
#include "extent/extent.h"

/* Never looked into: extents only compare the pointer. */
static char disk_a, disk_b;
#define STORE_A ((struct img_store *)&disk_a)
#define STORE_B ((struct img_store *)&disk_b)

static struct img_extent data(uint64_t start, uint64_t len, uint64_t host)
{
	return (struct img_extent){
		.start = start, .len = len, .kind = IMG_EXTENT_DATA, .store = STORE_A,
		.host = host, .host_len = len,
	};
}

Test(join, contiguous_data)
{
	struct img_extent first = data(0, 512, 4096);
	const struct img_extent next = data(512, 1024, 4608);

	cr_assert(img_extent_join(&first, &next));
	cr_assert_eq(first.start, 0);
	cr_assert_eq(first.len, 1536);
	cr_assert_eq(first.host, 4096);
	cr_assert_eq(first.host_len, 1536);
}

Test(join, holes_have_no_place)
{
	struct img_extent first = {.start = 0, .len = 1, .kind = IMG_EXTENT_HOLE};
	const struct img_extent next = {
		.start = 1, .len = 2, .kind = IMG_EXTENT_HOLE, .host = 9, .host_len = 9,
	};

	cr_assert(img_extent_join(&first, &next));
	cr_assert_eq(first.len, 3);
	cr_assert_eq(first.host_len, 0);
}

Test(join, what_differs_stays_apart)
{
	struct img_extent other[] = {
		data(512, 512, 4608), data(512, 512, 4608), data(512, 512, 4608),
		data(512, 512, 4608), data(513, 512, 4608), data(512, 512, 4609),
		data(512, 512, 4608), data(512, 512, 4608),
	};

	other[0].kind = IMG_EXTENT_ENCODED;
	other[1].depth = 1;
	other[2].store = STORE_B;
	other[3].zero_in_store = true;
	other[6].store = NULL;
	other[7].encrypted = true;
	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
		struct img_extent first = data(0, 512, 4096);

		cr_assert_not(img_extent_join(&first, &other[i]), "pair %zu", i);
		cr_assert_eq(first.len, 512);
		cr_assert_eq(first.host_len, 512);
	}
}

static struct img_extent lost(uint64_t start, enum img_code loss, const char *why)
{
	return (struct img_extent){
		.start = start, .len = 1, .kind = IMG_EXTENT_LOST, .loss = loss, .why = why,
	};
}

Test(join, losses_of_one_cause)
{
	const char why[] = "beyond the end", same_why[] = "beyond the end";
	struct img_extent first = lost(0, IMG_E_INCOMPLETE, why);
	const struct img_extent same = lost(1, IMG_E_INCOMPLETE, same_why);
	const struct img_extent class = lost(2, IMG_E_IO, why);
	const struct img_extent words = lost(2, IMG_E_INCOMPLETE, "gone");
	const struct img_extent silent = lost(2, IMG_E_INCOMPLETE, NULL);

	cr_assert(img_extent_join(&first, &same));
	cr_assert_not(img_extent_join(&first, &class));
	cr_assert_not(img_extent_join(&first, &words));
	cr_assert_not(img_extent_join(&first, &silent));
	cr_assert_eq(first.len, 2);
}

Test(clip, plain_bytes_follow)
{
	struct img_extent ex = data(1000, 1000, 50000);

	img_extent_clip(&ex, 1100, 1300);
	cr_assert_eq(ex.start, 1100);
	cr_assert_eq(ex.len, 200);
	cr_assert_eq(ex.host, 50100);
	cr_assert_eq(ex.host_len, 200);
}

Test(clip, wider_range_changes_nothing)
{
	struct img_extent ex = data(1000, 1000, 50000);

	img_extent_clip(&ex, 0, UINT64_MAX);
	cr_assert_eq(ex.start, 1000);
	cr_assert_eq(ex.len, 1000);
	cr_assert_eq(ex.host, 50000);
	cr_assert_eq(ex.host_len, 1000);
}

Test(clip, encoded_stays_whole)
{
	struct img_extent ex = data(65536, 65536, 50000);

	ex.kind = IMG_EXTENT_ENCODED;
	ex.host_len = 700;
	img_extent_clip(&ex, 70000, 80000);
	cr_assert_eq(ex.start, 70000);
	cr_assert_eq(ex.len, 10000);
	cr_assert_eq(ex.host, 50000);
	cr_assert_eq(ex.host_len, 700);
}

Test(clip, hole_gets_no_place)
{
	struct img_extent ex = {.start = 0, .len = 100, .kind = IMG_EXTENT_HOLE};

	img_extent_clip(&ex, 50, 60);
	cr_assert_eq(ex.start, 50);
	cr_assert_eq(ex.len, 10);
	cr_assert_eq(ex.host, 0);
	cr_assert_eq(ex.host_len, 0);
}

Test(join, a_guess_is_not_certain)
{
	struct img_extent first = { .start = 0, .len = 8, .kind = IMG_EXTENT_HOLE };
	struct img_extent next = { .start = 8, .len = 8, .kind = IMG_EXTENT_HOLE, .guessed = true };

	cr_expect(!img_extent_join(&first, &next));
	next.guessed = false;
	cr_expect(img_extent_join(&first, &next));
}
