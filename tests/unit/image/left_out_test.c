/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is left out of a disk is a hole for all who ask. */
#include <criterion/criterion.h>
#include <string.h>
#include "unit/fake/fake.h"

#define BLOCK 4096

static struct img *three_layers(void)
{
	static const char *const layers[] = { "..E.z!", "BbbE", "cccccc" };

	return fake_stack(layers, 3, BLOCK);
}

/* What img_extent() says, a letter for each block: ' ' for what was left out. */
static void check_kinds(struct img *im, const char *want)
{
	static const char letters[] = {
		[IMG_EXTENT_DATA] = 'd', [IMG_EXTENT_ZERO] = 'z', [IMG_EXTENT_HOLE] = 'h',
		[IMG_EXTENT_ENCODED] = 'e', [IMG_EXTENT_LOST] = 'l',
	};
	char seen[16] = "";
	struct img_extent ex = { .start = 0 };

	for (uint64_t at = 0; at < img_size(im); at += ex.len) {
		cr_assert(img_extent(im, at, img_size(im), &ex, NULL));
		cr_assert(ex.start == at && ex.len % BLOCK == 0);
		cr_assert(!ex.left_out || (ex.kind == IMG_EXTENT_HOLE && !ex.store));
		memset(seen + at / BLOCK, ex.left_out ? ' ' : letters[ex.kind], ex.len / BLOCK);
	}
	cr_assert_str_eq(seen, want);
}

Test(left_out, has_no_bytes_but_stays_zero_where_it_is_zero)
{
	static const struct img_span spans[] = { { BLOCK, BLOCK }, { 3 * BLOCK, 3 * BLOCK } };
	struct img *im = three_layers();
	struct img_err err = { 0 };

	check_kinds(im, "edeezl");
	cr_assert(img_leave_out(im, spans, 2, &err), "%s", err.text);
	check_kinds(im, "e e z ");
	img_close(im);
}

Test(left_out, reads_as_zeros_and_what_is_lost_in_it_is_no_error)
{
	static const struct img_span spans[] = { { 100, 5000 }, { 5 * BLOCK, BLOCK } };
	static uint8_t before[5 * BLOCK], after[6 * BLOCK];
	struct img *im = three_layers();
	struct img_err err = { 0 };

	cr_assert(img_read(im, 0, before, sizeof(before), &err), "%s", err.text);
	memset(before + 100, 0, 5000);
	cr_assert(img_leave_out(im, spans, 2, &err), "%s", err.text);
	memset(after, 0xff, sizeof(after));
	cr_assert(img_read(im, 0, after, sizeof(after), &err), "%s", err.text);
	cr_assert_arr_eq(after, before, sizeof(before));
	for (size_t i = sizeof(before); i < sizeof(after); i++)
		cr_assert_eq(after[i], 0);
	img_close(im);
}

Test(left_out, does_not_join_holes)
{
	static const struct img_span span = { BLOCK, BLOCK };
	static const char *const layers[] = { ".b" };
	struct img *im = fake_stack(layers, 1, BLOCK);
	struct img_extent hole, out;

	cr_assert(img_leave_out(im, &span, 1, NULL));
	cr_assert(img_extent(im, 0, 2 * BLOCK, &hole, NULL));
	cr_assert(img_extent(im, BLOCK, 2 * BLOCK, &out, NULL));
	cr_assert_not(img_extent_join(&hole, &out));
	img_close(im);
}

Test(left_out, must_be_in_order_and_inside)
{
	static const struct {
		struct img_span spans[2];
		enum img_code code;
	} wrong[] = {
		{ { { 0, 10 }, { 5, 10 } }, IMG_E_ARGUMENT },
		{ { { 0, 10 }, { 10, 10 } }, IMG_E_ARGUMENT },
		{ { { 20, 10 }, { 0, 10 } }, IMG_E_ARGUMENT },
		{ { { 0, 10 }, { 20, 0 } }, IMG_E_ARGUMENT },
		{ { { 0, 10 }, { 20, UINT64_MAX - 10 } }, IMG_E_RANGE },
		{ { { 0, 10 }, { 6 * BLOCK - 1, 2 } }, IMG_E_RANGE },
	};
	struct img *im = three_layers();

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct img_err err = { 0 };

		cr_assert_not(img_leave_out(im, wrong[i].spans, 2, &err));
		cr_assert_eq(err.code, wrong[i].code, "%zu: %s", i, err.text);
		check_kinds(im, "edeezl");
	}
	img_close(im);
}
