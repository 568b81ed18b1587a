/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"

TestSuite(file_copy, .init = scratch_enter, .fini = scratch_leave);

#define BYTES (300 * 1024 + 17)

static void check_copy(struct img_store *to, struct img_store *from)
{
	static uint8_t buf[BYTES];
	uint64_t done, size;

	ok(img_store_copy(to, 65536, from, 0, BYTES, &done, &err));
	cr_expect_eq(done, BYTES);
	ok(img_store_size(to, &size, &err));
	cr_expect_eq(size, 65536 + BYTES);
	ok(img_store_read(to, 65536, buf, BYTES, &err));
	cr_expect(is_pattern(buf, 0, BYTES));
	/* Whole blocks only, where it is not the end. */
	ok(img_store_copy(to, 1 << 20, from, 4096, 10000, &done, &err));
	cr_expect_eq(done, 8192);
	ok(img_store_copy(to, 1 << 20, from, 4095, 8192, &done, &err));
	cr_expect_eq(done, 0);
	ok(img_store_copy(to, (1 << 20) + 1, from, 4096, 8192, &done, &err));
	cr_expect_eq(done, 0);
}

/* Runs in a file system that shares blocks. */
static void share(enum img_cache cache)
{
	struct img_store *to, *from;
	uint64_t size;

	make_file("source", BYTES);
	ok(from = img_store_file("source", 0, cache, &err));
	ok(to = img_store_file_new("target", cache, &err));
	cr_expect(img_store_clones(to, from));
	ok(img_store_size(to, &size, &err));
	cr_expect_eq(size, 0);
	check_copy(to, from);
	ok(img_store_publish(to, &err));
	img_store_close(to);
	img_store_close(from);
}

Test(file_copy, shares_blocks_on_xfs)
{
	mkdir("xfs", 0755);
	if (system("truncate -s 400M xfs.img && /sbin/mkfs.xfs -q -m reflink=1 xfs.img 2>log && "
		   "mount -o loop xfs.img xfs 2>>log"))
		cr_skip("cannot make an XFS file system");
	cr_assert(!chdir("xfs"));
	share(IMG_CACHE_DEFAULT);
	share(IMG_CACHE_NONE);
	cr_assert(!chdir("..") && !system("umount xfs"));
}

/* Whatever the file system is: what is not shared is left to be moved, without an error. */
Test(file_copy, where_nothing_is_shared_nothing_is_done)
{
	struct img_store *to, *from, *mem;
	uint64_t done = 99, size;

	make_file("source", BYTES);
	ok(from = img_store_file("source", 0, IMG_CACHE_DEFAULT, &err));
	ok(mem = img_store_mem("abc", 3, &err));
	ok(to = img_store_file_new("target", IMG_CACHE_DEFAULT, &err));
	ok(img_store_copy(to, 0, mem, 0, 3, &done, &err));
	cr_assert_eq(done, 0);
	cr_assert_not(img_store_clones(to, mem));
	(void)img_store_clones(to, from);
	ok(img_store_size(to, &size, &err));
	cr_assert_eq(size, 0);
	img_store_close(to);
	img_store_close(mem);
	img_store_close(from);
}
