/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"

TestSuite(file_ahead, .init = scratch_enter, .fini = scratch_leave);

Test(file_ahead, what_was_not_used_is_given_back)
{
	static uint8_t buf[1 << 20];
	struct img_store *st;
	struct stat sb;
	uint64_t size;

	memset(buf, 1, sizeof(buf));
	ok(st = img_store_file_new("f", IMG_CACHE_DEFAULT, &err));
	for (uint64_t end = sizeof(buf); end <= 8 * sizeof(buf); end += sizeof(buf)) {
		img_store_expect(st, end);
		ok(img_store_write(st, end - sizeof(buf), buf, sizeof(buf), &err));
	}
	ok(img_store_size(st, &size, &err));
	cr_assert_eq(size, 8 * sizeof(buf));
	ok(img_store_publish(st, &err));
	img_store_close(st);
	cr_assert(!stat("f", &sb));
	cr_assert_lt(sb.st_blocks * 512, 8 * (long)sizeof(buf) + 65536);
}

Test(file_ahead, space_is_set_aside_before_it_is_written)
{
	struct img_store *st;
	struct stat sb;

	ok(st = img_store_file_new("f", IMG_CACHE_DEFAULT, &err));
	img_store_expect(st, 3 << 20);
	ok(img_store_write(st, 0, "x", 1, &err));
	/* Only the file system knows; a second name makes it visible. */
	ok(img_store_resize(st, 4 << 20, &err));
	ok(img_store_publish(st, &err));
	img_store_close(st);
	cr_assert(!stat("f", &sb));
	cr_assert_geq(sb.st_blocks * 512, 4 << 20);
}

Test(file_ahead, existing_files_get_nothing)
{
	struct img_store *st;
	struct stat sb;

	make_file("f", 10);
	ok(st = img_store_file("f", IMG_OPEN_WRITE, IMG_CACHE_DEFAULT, &err));
	img_store_expect(st, 64 << 20);
	img_store_close(st);
	cr_assert(!stat("f", &sb));
	cr_assert_lt(sb.st_blocks, 100);
}

Test(file_ahead, no_room_is_no_failure)
{
	struct img_store *st;

	ok(st = img_store_file_new("f", IMG_CACHE_DEFAULT, &err));
	img_store_expect(st, UINT64_MAX);
	img_store_expect(st, INT64_MAX / 2);
	ok(img_store_write(st, 0, "x", 1, &err));
	ok(img_store_publish(st, &err));
	img_store_close(st);
}
