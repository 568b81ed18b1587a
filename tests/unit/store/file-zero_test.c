/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

TestSuite(file_zero, .init = scratch_enter, .fini = scratch_leave);

#define BYTES (256 * 1024)

static long blocks_of(const char *path)
{
	struct stat sb;

	cr_assert(!stat(path, &sb));
	return (long)sb.st_blocks;
}

static void check_zeroed(struct img_store *st, uint64_t at, size_t len)
{
	static uint8_t buf[BYTES];

	ok(img_store_read(st, 0, buf, BYTES, &err));
	cr_assert(is_pattern(buf, 0, at) && is_zero(buf + at, len));
	cr_assert(is_pattern(buf + at + len, at + len, BYTES - at - len));
}

Test(file_zero, gives_space_back_or_keeps_it)
{
	struct img_store *st;
	long before;

	make_file("f", BYTES);
	ok(st = img_store_file("f", IMG_OPEN_WRITE, IMG_CACHE_WRITETHROUGH, &err));
	ok(img_store_write(st, 0, "\1", 1, &err));
	before = blocks_of("f");
	ok(img_store_zero(st, 4097, 100000, true, &err));
	check_zeroed(st, 4097, 100000);
	cr_assert_eq(blocks_of("f"), before);
	ok(img_store_zero(st, 4097, 100000, false, &err));
	check_zeroed(st, 4097, 100000);
	cr_assert_lt(blocks_of("f"), before);
	img_store_close(st);
}

Test(file_zero, makes_the_file_longer)
{
	for (int keep = 0; keep < 2; keep++) {
		struct img_store *st;
		uint64_t size;

		make_file("f", 10);
		ok(st = img_store_file("f", IMG_OPEN_WRITE, IMG_CACHE_DEFAULT, &err));
		ok(img_store_zero(st, 5, 100, keep, &err));
		ok(img_store_size(st, &size, &err));
		cr_assert_eq(size, 105);
		img_store_close(st);
	}
}

/* ramfs has no fallocate(): the zeros are written. */
Test(file_zero, file_systems_that_cannot_get_zeros_written)
{
	struct img_store *st;

	mkdir("plain", 0755);
	if (mount("none", "plain", "ramfs", 0, ""))
		cr_skip("cannot mount");
	make_file("plain/f", BYTES);
	ok(st = img_store_file("plain/f", IMG_OPEN_WRITE, IMG_CACHE_DEFAULT, &err));
	ok(img_store_zero(st, 4097, 100000, false, &err));
	check_zeroed(st, 4097, 100000);
	fails(img_store_preallocate(st, BYTES, 100, IMG_PREALLOC_FALLOC, &err),
	      IMG_E_UNSUPPORTED);
	ok(img_store_preallocate(st, BYTES, 100, IMG_PREALLOC_FULL, &err));
	img_store_close(st);
	umount("plain");
}

Test(file_zero, preallocated_space_reads_as_zeros)
{
	struct img_store *st;
	struct img_extent ex;
	uint8_t buf[100];

	ok(st = img_store_file_new("f", IMG_CACHE_DEFAULT, &err));
	ok(img_store_preallocate(st, 0, BYTES, IMG_PREALLOC_FALLOC, &err));
	ok(img_store_extent(st, 0, BYTES, &ex, &err));
	cr_assert(ex.kind == IMG_EXTENT_ZERO && ex.len == BYTES);
	ok(img_store_read(st, BYTES - 100, buf, 100, &err));
	cr_assert(is_zero(buf, 100));
	ok(img_store_publish(st, &err));
	cr_assert_geq(blocks_of("f") * 512, BYTES);
	img_store_close(st);
}

/* Attaches file to a loop device; false: the machine does not let us. */
static bool attach(const char *file, char *device, int *fd)
{
	const int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	const int back = open(file, O_RDWR | O_CLOEXEC);
	const int number = ioctl(control, LOOP_CTL_GET_FREE);

	sprintf(device, "/dev/loop%d", number);
	*fd = open(device, O_RDWR | O_CLOEXEC);
	const bool done = number >= 0 && *fd >= 0 && !ioctl(*fd, LOOP_SET_FD, back);

	close(control);
	close(back);
	return done;
}

Test(file_zero, block_devices_of_any_alignment)
{
	struct img_store *st;
	char device[32];
	uint64_t size;
	int fd;

	make_file("f", BYTES);
	if (!attach("f", device, &fd))
		cr_skip("no loop devices");
	for (enum img_cache cache = IMG_CACHE_WRITEBACK; cache <= IMG_CACHE_DIRECTSYNC; cache++) {
		uint8_t buf[BYTES];

		ok(st = img_store_file(device, IMG_OPEN_WRITE, cache, &err));
		fill_pattern(buf, 0, BYTES);
		ok(img_store_write(st, 0, buf, BYTES, &err));
		ok(img_store_size(st, &size, &err));
		cr_expect_eq(size, BYTES);
		ok(img_store_zero(st, 4097, 100000, false, &err));
		check_zeroed(st, 4097, 100000);
		ok(img_store_zero(st, 4097, 100, true, &err));
		check_zeroed(st, 4097, 100000);
		fails(img_store_write(st, BYTES - 1, "ab", 2, &err), IMG_E_RANGE);
		fails(img_store_resize(st, 1, &err), IMG_E_UNSUPPORTED);
		ok(img_store_sync(st, &err));
		img_store_close(st);
	}
	ioctl(fd, LOOP_CLR_FD);
	close(fd);
}
