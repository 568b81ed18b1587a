/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copying from below: data arrive, zeros and holes are left alone, failures are passed on. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/err.h"
#include "format/format.h"

enum { PIECE = 3 << 20 };	/* more than is copied at once */

static bool fails;

/* Data, a hole, zeros, data: PIECE bytes each. */
static bool extent(const struct img_below *self, uint64_t at, uint64_t limit,
		   struct img_extent *out, struct img_err *err)
{
	static const enum img_extent_kind kinds[] = {
		IMG_EXTENT_DATA, IMG_EXTENT_HOLE, IMG_EXTENT_ZERO, IMG_EXTENT_ENCODED,
	};
	const uint64_t end = (at / PIECE + 1) * PIECE;

	(void)self;
	(void)err;
	*out = (struct img_extent){
		.start = at, .len = (limit < end ? limit : end) - at, .kind = kinds[at / PIECE],
	};
	return true;
}

static bool read_below(const struct img_below *self, uint64_t at, void *buf, size_t len,
		       struct img_err *err)
{
	(void)self;
	memset(buf, (int)(1 + at / PIECE), len);
	return !fails || img_fail(err, IMG_E_IO, "no");
}

static const struct img_below below = { .extent = extent, .read = read_below };

static uint8_t byte_at(struct img_store *st, uint64_t at)
{
	uint8_t byte;

	cr_assert(img_store_read(st, at, &byte, 1, NULL));
	return byte;
}

Test(below, data_are_copied_and_nothing_else)
{
	struct img_store *st = img_store_mem(NULL, 0, NULL);
	uint64_t size;

	cr_assert(img_below_copy(&below, 100, 4 * PIECE - 100, st, 7, NULL));
	cr_assert(img_store_size(st, &size, NULL) && size == 7 + 4 * PIECE - 200);
	cr_assert(byte_at(st, 6) == 0 && byte_at(st, 7) == 1 && byte_at(st, 7 + PIECE - 101) == 1);
	cr_assert(byte_at(st, 7 + PIECE - 100) == 0 && byte_at(st, 7 + 3 * PIECE - 101) == 0);
	cr_assert(byte_at(st, 7 + 3 * PIECE - 100) == 4 && byte_at(st, size - 1) == 4);
	img_store_close(st);
}

Test(below, what_cannot_be_read_fails)
{
	struct img_store *st = img_store_mem(NULL, 0, NULL);
	struct img_err err = { 0 };

	fails = true;
	cr_assert(!img_below_copy(&below, 0, PIECE, st, 0, &err));
	cr_assert_eq(err.code, IMG_E_IO);
	cr_assert(img_below_copy(&below, PIECE, 2 * PIECE, st, 0, &err), "a hole is not read");
	img_store_close(st);
}
