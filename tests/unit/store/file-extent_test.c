/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"

TestSuite(file_extent, .init = scratch_enter, .fini = scratch_leave);

#define MIB (1024 * 1024)

/* Data in [1, 2) and [3, 4) of 6 MiB. */
static struct img_store *open_holey(void)
{
	static uint8_t buf[MIB];
	const int fd = open("f", O_RDWR | O_CREAT, 0600);
	struct img_store *st;

	memset(buf, 1, sizeof(buf));
	cr_assert(pwrite(fd, buf, MIB, MIB) == MIB && pwrite(fd, buf, MIB, 3 * MIB) == MIB);
	cr_assert(!ftruncate(fd, 6 * MIB) && !close(fd));
	ok(st = img_store_file("f", 0, IMG_CACHE_DEFAULT, &err));
	cr_assert(st->caps & IMG_STORE_EXTENTS);
	return st;
}

static void check_extent(struct img_store *st, uint64_t at, uint64_t limit,
			 enum img_extent_kind kind, uint64_t end)
{
	struct img_extent ex;

	ok(img_store_extent(st, at, limit, &ex, &err));
	cr_assert(ex.start == at && ex.len == end - at && ex.kind == kind,
		  "at %zu: kind %d, up to %zu", (size_t)at, (int)ex.kind,
		  (size_t)(ex.start + ex.len));
	cr_assert(ex.store == st && ex.host == at && ex.host_len == ex.len);
	cr_assert_eq(ex.zero_in_store, kind == IMG_EXTENT_ZERO);
}

Test(file_extent, finds_holes_and_data)
{
	struct img_store *st = open_holey();

	check_extent(st, 0, 6 * MIB, IMG_EXTENT_ZERO, MIB);
	check_extent(st, 5, 6 * MIB, IMG_EXTENT_ZERO, MIB);
	check_extent(st, MIB, 6 * MIB, IMG_EXTENT_DATA, 2 * MIB);
	check_extent(st, 2 * MIB - 1, 6 * MIB, IMG_EXTENT_DATA, 2 * MIB);
	check_extent(st, 3 * MIB, 6 * MIB, IMG_EXTENT_DATA, 4 * MIB);
	check_extent(st, 4 * MIB, 6 * MIB, IMG_EXTENT_ZERO, 6 * MIB);
	img_store_close(st);
}

Test(file_extent, stops_at_the_limit)
{
	struct img_store *st = open_holey();

	check_extent(st, 0, 10, IMG_EXTENT_ZERO, 10);
	check_extent(st, MIB, MIB + 1, IMG_EXTENT_DATA, MIB + 1);
	check_extent(st, 5 * MIB, 5 * MIB + 7, IMG_EXTENT_ZERO, 5 * MIB + 7);
	img_store_close(st);
}

static void punch(uint64_t at, uint64_t len)
{
	const int fd = open("f", O_RDWR);

	cr_assert(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)len));
	cr_assert(!close(fd));
}

/* Somebody else makes holes meanwhile: it shows who is asked. */
Test(file_extent, asks_once_about_a_run_of_data)
{
	struct img_store *st = open_holey();

	check_extent(st, MIB, MIB + 512, IMG_EXTENT_DATA, MIB + 512);
	punch(MIB, MIB);
	check_extent(st, MIB + 65536, 6 * MIB, IMG_EXTENT_DATA, 2 * MIB);
	check_extent(st, 3 * MIB, 6 * MIB, IMG_EXTENT_DATA, 4 * MIB);
	check_extent(st, MIB, 6 * MIB, IMG_EXTENT_ZERO, 3 * MIB);
	img_store_close(st);
}

Test(file_extent, asks_again_what_is_written_here)
{
	struct img_store *st;

	img_store_close(open_holey());
	ok(st = img_store_file("f", IMG_OPEN_WRITE, IMG_CACHE_DEFAULT, &err));
	check_extent(st, MIB, 6 * MIB, IMG_EXTENT_DATA, 2 * MIB);
	punch(MIB, MIB);
	check_extent(st, MIB, 6 * MIB, IMG_EXTENT_ZERO, 3 * MIB);
	img_store_close(st);
}
