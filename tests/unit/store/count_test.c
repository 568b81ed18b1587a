/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include "store/store.h"

static struct img_store *open_count(void)
{
	struct img_err err = { 0 };
	struct img_store *st = img_store_count("new", &err);

	cr_assert(st, "%s", err.text);
	return st;
}

static uint64_t size_of(struct img_store *st)
{
	uint64_t bytes;

	cr_assert(img_store_size(st, &bytes, NULL));
	return bytes;
}

Test(count, knows_length_and_blocks)
{
	struct img_store *st = open_count();
	struct img_extent ex;
	char back[4] = "abc";

	cr_assert(img_store_write(st, 4095, "ab", 2, NULL));
	cr_assert_eq(size_of(st), 4097);
	cr_assert_eq(img_store_counted(st), 8192);
	cr_assert(img_store_zero(st, 1 << 20, 4096, false, NULL));
	cr_assert_eq(size_of(st), (1 << 20) + 4096);
	cr_assert_eq(img_store_counted(st), 8192, "a hole takes no blocks");
	cr_assert(img_store_zero(st, 1 << 20, 4096, true, NULL));
	cr_assert_eq(img_store_counted(st), 12288);
	cr_assert(img_store_preallocate(st, 1 << 19, 1, IMG_PREALLOC_FALLOC, NULL));
	cr_assert_eq(img_store_counted(st), 16384);
	cr_assert(img_store_extent(st, 8192, 1 << 20, &ex, NULL));
	cr_assert(ex.kind == IMG_EXTENT_ZERO && ex.len == (1 << 19) - 8192);
	cr_assert(img_store_extent(st, 0, 1 << 20, &ex, NULL));
	cr_assert(ex.kind == IMG_EXTENT_DATA && ex.len == 8192);
	cr_assert(img_store_read(st, 4095, back, 2, NULL));
	cr_assert(!back[0] && !back[1], "nothing is kept");
	cr_assert(img_store_resize(st, 5000, NULL));
	cr_assert_eq(img_store_counted(st), 8192, "what was cut off is gone");
	img_store_close(st);
}

Test(count, sets_space_aside_as_a_file_does)
{
	struct img_store *st = open_count();

	img_store_expect(st, 10);
	cr_assert_eq(img_store_counted(st), 0, "what is behind the end is given back");
	cr_assert(img_store_write(st, 65536, "a", 1, NULL));
	cr_assert_eq(img_store_counted(st), 65536 + 4096);
	img_store_close(st);
}
