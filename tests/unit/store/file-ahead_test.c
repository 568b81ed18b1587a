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

static uint64_t blocks_of(const char *name)
{
	struct stat sb;

	cr_assert(!stat(name, &sb));
	return (uint64_t)sb.st_blocks * 512;
}

static void write_run(struct img_store *st, uint64_t at, uint64_t len)
{
	static uint8_t buf[1 << 20];

	memset(buf, 1, sizeof(buf));
	for (uint64_t end = at + len; at < end; at += sizeof(buf)) {
		img_store_expect_run(st, at, at + sizeof(buf));
		ok(img_store_write(st, at, buf, sizeof(buf), &err));
	}
}

Test(file_ahead, runs_between_holes_take_no_more_than_their_bytes)
{
	struct img_store *st;

	ok(st = img_store_file_new("f", IMG_CACHE_DEFAULT, &err));
	ok(img_store_resize(st, 64 << 20, &err));
	write_run(st, 1 << 20, 8 << 20);
	write_run(st, 12 << 20, 4 << 20);	/* begins in what was set aside behind the first */
	write_run(st, 40 << 20, 8 << 20);
	img_store_expect_run(st, 64 << 20, 64 << 20);
	ok(img_store_publish(st, &err));
	img_store_close(st);
	cr_assert_geq(blocks_of("f"), 20 << 20);
	cr_assert_lt(blocks_of("f"), (20 << 20) + 65536);
}

Test(file_ahead, holes_beside_runs_harm_no_bytes)
{
	static const uint64_t at[] = { 100, (1 << 20) + 200, (2 << 20) + 300, (3 << 20) + 5, 5 << 20 };
	static const uint64_t len = (1 << 20) + 50;
	static uint8_t buf[(1 << 20) + 50], seen[(1 << 20) + 50];
	const size_t n = sizeof(at) / sizeof(at[0]);
	struct img_store *st;

	memset(buf, 7, sizeof(buf));
	ok(st = img_store_file_new("f", IMG_CACHE_DEFAULT, &err));
	ok(img_store_resize(st, 8 << 20, &err));
	for (size_t i = 0; i < n; i++) {
		img_store_expect_run(st, at[i], at[i] + len);
		ok(img_store_write(st, at[i], buf, len, &err));
	}
	img_store_expect_run(st, 3 << 20, 4 << 20);	/* below what was told: nothing happens */
	img_store_expect_run(st, 8 << 20, 8 << 20);
	for (size_t i = 0; i < n; i++) {
		ok(img_store_read(st, at[i], seen, len, &err));
		cr_assert(!memcmp(seen, buf, len), "run %zu", i);
	}
	img_store_close(st);
}

Test(file_ahead, an_open_file_that_is_handed_over_keeps_nothing_either)
{
	struct img_store *st;
	int fd;

	cr_assert_geq(fd = open("f", O_RDWR | O_CREAT, 0666), 0);
	ok(st = img_store_fd(fd, IMG_OPEN_WRITE, "f", &err));
	img_store_expect(st, 8 << 20);
	ok(img_store_write(st, 0, "x", 1, &err));
	ok(img_store_publish(st, &err));
	img_store_close(st);
	close(fd);
	cr_assert_lt(blocks_of("f"), 65536);
}
