/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The runs of equal and of different bytes agree with a comparison byte by byte. */
#include <criterion/criterion.h>
#include <string.h>
#include "extent/extent.h"

#define ROOM 9000

Test(same_run, one_difference_anywhere)
{
	static unsigned char a[ROOM], b[ROOM];
	bool same;

	memset(a, 7, sizeof(a));
	memset(b, 7, sizeof(b));
	cr_assert_eq(img_same_run(a, b, ROOM, &same), ROOM);
	cr_assert(same);
	for (size_t at = 1; at < ROOM; at++) {
		b[at] ^= 0x10;
		cr_assert_eq(img_same_run(a, b, ROOM, &same), at);
		cr_assert(same);
		cr_assert_eq(img_same_run(a + at, b + at, ROOM - at, &same), 1);
		cr_assert_not(same);
		b[at] ^= 0x10;
	}
}

Test(same_run, one_agreement_anywhere)
{
	unsigned char a[100], b[100];
	bool same;

	memset(a, 0, sizeof(a));
	memset(b, 1, sizeof(b));
	cr_assert_eq(img_same_run(a, b, sizeof(a), &same), sizeof(a));
	cr_assert_not(same);
	for (size_t at = 1; at < sizeof(a); at++) {
		b[at] = 0;
		cr_assert_eq(img_same_run(a, b, sizeof(a), &same), at);
		cr_assert_not(same);
		b[at] = 1;
	}
}

/* Pairs whose XOR has bytes such as 0x01 and 0x80 next to zero bytes: where a trick would fail. */
Test(same_run, every_pattern_of_three_bytes)
{
	static const unsigned char mixes[] = {0x00, 0x01, 0x7f, 0x80, 0xff};

	for (size_t i = 0; i < 125; i++) {
		const unsigned char a[8] = {0};
		const unsigned char b[8] = {
			mixes[i % 5], mixes[i / 5 % 5], mixes[i / 25], 1, 1, 1, 1, 1,
		};
		size_t expected = 1;
		bool same;

		while (expected < 8 && !b[expected] == !b[0])
			expected++;
		cr_assert_eq(img_same_run(a, b, 8, &same), expected);
		cr_assert_eq(same, !b[0]);
	}
}

Test(same_run, looks_no_further)
{
	const unsigned char a[] = "abcd", b[] = "abXd";
	bool same;

	cr_assert_eq(img_same_run(a, b, 2, &same), 2);
	cr_assert(same);
	cr_assert_eq(img_same_run(a + 2, b + 2, 1, &same), 1);
	cr_assert_not(same);
}
