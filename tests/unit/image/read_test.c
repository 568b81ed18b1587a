/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stack of layers read as one disk. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "unit/fake/fake.h"

#define BLOCK 4096

/* Layers from the active one down, and the drawing of what the guest sees. */
static const struct {
	const char *layers[3];
	size_t n;
	const char *guest;
	const char *depths;
} stacks[] = {
	{ { "aB0.z" }, 1, "aB0.z", "00000" },
	{ { "a...", "bbbb" }, 2, "abbb", "0111" },
	{ { "a00z", "bbbb" }, 2, "a00z", "0000" },
	{ { "....", "b..b", "cccc" }, 3, "bccb", "1221" },
	{ { "......", "bb" }, 2, "bb....", "110000" },
	{ { "..", "bbbb" }, 2, "bb", "11" },
	{ { "......", "..", "cccccc" }, 3, "cc....", "220000" },
	{ { ".E.", "FfF" }, 2, "FEF", "101" },
};

static void check_extents(struct img *im, const char *guest, const char *depths)
{
	for (uint64_t at = 0; at < img_size(im);) {
		struct img_err err = { 0 };
		struct img_extent ex;
		const char kind = guest[at / BLOCK];

		cr_assert(img_extent(im, at, img_size(im), &ex, &err), "%s", err.text);
		cr_assert(ex.start == at && ex.len > 0 && at + ex.len <= img_size(im));
		cr_assert_eq(ex.depth, (unsigned)(depths[at / BLOCK] - '0'), "%s at %lu", guest, at);
		cr_assert_eq(ex.kind == IMG_EXTENT_HOLE, kind == '.');
		cr_assert_eq(ex.kind == IMG_EXTENT_ZERO, kind == '0' || kind == 'z');
		at += ex.len;
	}
}

Test(read, each_byte_is_answered_by_the_right_layer)
{
	for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
		struct img *im = fake_stack(stacks[i].layers, stacks[i].n, BLOCK);
		const size_t len = strlen(stacks[i].guest) * BLOCK;
		uint8_t *seen = malloc(len), *want = fake_content(stacks[i].guest, BLOCK, 0);
		struct img_err err = { 0 };

		cr_assert_eq(img_size(im), len);
		check_extents(im, stacks[i].guest, stacks[i].depths);
		cr_assert(img_read(im, 0, seen, len, &err), "%s", err.text);
		cr_assert_arr_eq(seen, want, len);
		free(seen);
		free(want);
		img_close(im);
	}
}

Test(read, odd_pieces_are_the_same_as_one)
{
	static const char *const drawing[] = { "a.B0nz-q.Q" };
	struct img *im = fake_stack(drawing, 1, BLOCK);
	uint8_t *want = fake_content(drawing[0], BLOCK, 0), buf[1000];
	struct img_err err = { 0 };

	for (uint64_t at = 0; at < img_size(im);) {
		const size_t len = img_size(im) - at < 997 ? img_size(im) - at : 997;

		cr_assert(img_read(im, at, buf, len, &err));
		cr_assert_arr_eq(buf, want + at, len);
		at += len;
	}
	free(want);
	img_close(im);
}

Test(read, lost_bytes_are_an_error_that_names_them)
{
	struct img *im = fake_disk("aa!a", BLOCK, 0);
	struct img_err err = { 0 };
	uint8_t buf[4 * BLOCK];

	cr_assert(img_read(im, 0, buf, 2 * BLOCK, &err));
	cr_assert_not(img_read(im, BLOCK, buf, 3 * BLOCK, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT);
	cr_assert(strstr(err.text, "8192") && strstr(err.text, "12288"), "%s", err.text);
	img_close(im);
}

Test(read, ranges_outside_the_disk_are_refused)
{
	static const struct { uint64_t at; size_t len; } outside[] = {
		{ 0, 2 * BLOCK + 1 }, { 2 * BLOCK, 1 }, { UINT64_MAX, 1 }, { UINT64_MAX - 1, 4 },
	};
	struct img *im = fake_disk("ab", BLOCK, 0);
	struct img_extent ex;
	uint8_t buf[3 * BLOCK];

	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		struct img_err err = { 0 };

		cr_assert_not(img_read(im, outside[i].at, buf, outside[i].len, &err));
		cr_assert_eq(err.code, IMG_E_RANGE);
	}
	cr_assert_not(img_extent(im, BLOCK, BLOCK, &ex, NULL));
	cr_assert(img_read(im, 2 * BLOCK, buf, 0, NULL));
	img_close(im);
}

Test(read, a_stream_learns_its_length_at_the_end)
{
	struct img *im = fake_stream("abc", BLOCK, 2 * BLOCK + 5);
	struct img_err err = { 0 };
	uint8_t buf[2 * BLOCK];
	size_t got;

	cr_assert(img_is_stream(im));
	cr_assert(img_read_stream(im, 0, buf, sizeof(buf), &got, &err));
	cr_assert(got == sizeof(buf) && img_is_stream(im));
	cr_assert(img_read_stream(im, got, buf, sizeof(buf), &got, &err));
	cr_assert_eq(got, 5);
	cr_assert_eq(img_size(im), 2 * BLOCK + 5);
	img_close(im);
}
