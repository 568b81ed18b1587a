/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Zeros are found at every length, alignment and place of the one byte that is not. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>
#include "base/zero.h"

#define ROOM 200

Test(is_zero, every_length_and_place)
{
	unsigned char buf[ROOM] = {0};

	for (size_t start = 0; start < 8; start++) {
		for (size_t len = 0; start + len < ROOM; len++) {
			cr_assert(img_is_zero(buf + start, len));
			for (size_t at = start; at < start + len; at++) {
				buf[at] = 0x80;
				cr_assert_not(img_is_zero(buf + start, len),
					      "%zu bytes, byte %zu", len, at - start);
				buf[at] = 0;
			}
		}
	}
}

Test(is_zero, looks_no_further)
{
	unsigned char buf[3] = {1, 0, 1};

	cr_assert(img_is_zero(buf + 1, 1));
}

struct run {
	const char *grains;	/* "0" a zero grain, "x" one that is not */
	size_t len, grain;
	size_t expected;
	bool zero;
};

static const struct run runs[] = {
	{"0", 1, 16, 1, true},
	{"x", 16, 16, 16, false},
	{"00x", 48, 16, 32, true},
	{"xx0", 48, 16, 32, false},
	{"000", 40, 16, 40, true},
	{"00x", 33, 16, 32, true},
	{"xx0", 33, 16, 32, false},
	{"0x", 17, 16, 16, true},
	{"0", 5, 1, 5, true},
	{"0", 10, SIZE_MAX, 10, true},
};

static void fill(unsigned char *buf, size_t room, const char *grains)
{
	memset(buf, 0, room);
	for (size_t i = 0; grains[i]; i++) {
		if (grains[i] == 'x')
			buf[i * 16] = 1;
	}
}

Test(zero_run, whole_grains)
{
	for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		unsigned char buf[64];
		bool zero = !runs[i].zero;

		fill(buf, sizeof(buf), runs[i].grains);
		cr_assert_eq(img_zero_run(buf, runs[i].len, runs[i].grain, &zero),
			     runs[i].expected, "run %zu", i);
		cr_assert_eq(zero, runs[i].zero, "run %zu", i);
	}
}
