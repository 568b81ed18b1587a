/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another size for a disk, above the drivers: what is refused, and what raw makes of it. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "libimg.h"
#include "unit/fake/files.h"

#define DISK_BYTES (64 * 1024)

TestSuite(resize, .init = files_enter, .fini = files_leave, .timeout = 60);

static struct img_err err;

#define ok(call) cr_assert((call), "%s: %s", #call, err.text)
#define fails(call, why)                                                             \
	do {                                                                         \
		err = (struct img_err){ 0 };                                         \
		cr_assert(!(call), "%s did not fail", #call);                        \
		cr_assert_eq(err.code, why, "%s: %d, %s", #call, (int)err.code, err.text); \
	} while (0)

static struct img *open_raw(unsigned flags)
{
	const struct img_open how = { .path = "disk", .format = "raw", .flags = flags };
	uint8_t *bytes = malloc(DISK_BYTES);
	struct img *im;

	memset(bytes, 'x', DISK_BYTES);
	files_write("disk", bytes, DISK_BYTES);
	free(bytes);
	ok(im = img_open(&how, &err));
	return im;
}

static void punch(const char *path, uint64_t at, uint64_t len)
{
	const int fd = open(path, O_RDWR);

	cr_assert(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)len));
	close(fd);
}

static size_t length_of_disk(void)
{
	size_t len;

	free(files_read("disk", &len));
	return len;
}

Test(resize, wants_an_image_that_changes_at_once)
{
	const struct img_resize larger = { .size = 2 * DISK_BYTES };
	struct img *im = open_raw(IMG_OPEN_WRITE);

	fails(img_resize(im, &larger, NULL, &err), IMG_E_DENIED);
	img_close(im);
	im = open_raw(IMG_OPEN_AT_ONCE);
	fails(img_resize(im, &larger, NULL, &err), IMG_E_DENIED);
	img_close(im);
	cr_assert_eq(length_of_disk(), DISK_BYTES);
}

Test(resize, refuses_what_makes_no_sense)
{
	struct img *im = open_raw(IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE);

	fails(img_resize(im, &(struct img_resize){ .size = UINT64_MAX }, NULL, &err), IMG_E_RANGE);
	fails(img_resize(im, &(struct img_resize){ .size = 1, .preallocation = IMG_PREALLOC_FULL },
			 NULL, &err), IMG_E_ARGUMENT);
	img_close(im);
	cr_assert_eq(length_of_disk(), DISK_BYTES);
}

Test(resize, wants_to_see_what_lies_below)
{
	const struct img_create what = {
		.path = "child", .format = "qcow", .size = DISK_BYTES, .backing = "disk",
		.backing_format = "raw", .gate = &img_gate_local,
	};
	struct img_open how = {
		.path = "child", .gate = &img_gate_local,
		.flags = IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE | IMG_OPEN_NO_BACKING,
	};
	const struct img_resize larger = { .size = 2 * DISK_BYTES };
	struct img *im;

	img_close(open_raw(0));
	ok(im = img_create(&what, &err));
	ok(img_finish(im, &err));
	img_close(im);
	ok(im = img_open(&how, &err));
	fails(img_resize(im, &larger, NULL, &err), IMG_E_DENIED);
	img_close(im);
	how.flags &= ~(unsigned)IMG_OPEN_NO_BACKING;
	ok(im = img_open(&how, &err));
	ok(img_resize(im, &larger, NULL, &err));
	img_close(im);
}

/* The other way to see a file: a hole is zeros, whatever the image says of it. */
Test(resize, tells_holes_of_the_file_from_bytes)
{
	const struct img_open how = { .path = "disk.qcow2", .format = "qcow2" };
	struct img_extent ex;
	struct img *im;

	files_write_qcow2("disk.qcow2", NULL, NULL, 'x');
	ok(im = img_open(&how, &err));
	ok(img_extent_of_bytes(im, 0, img_size(im), &ex, &err));
	cr_assert(ex.kind == IMG_EXTENT_DATA && ex.len == FILES_QCOW2_CLUSTER);
	img_close(im);
	punch("disk.qcow2", ex.host, ex.len);
	ok(im = img_open(&how, &err));		/* an open one need not notice */
	ok(img_extent(im, 0, img_size(im), &ex, &err));
	cr_assert_eq(ex.kind, IMG_EXTENT_DATA);
	ok(img_extent_of_bytes(im, 0, img_size(im), &ex, &err));
	cr_assert(ex.kind == IMG_EXTENT_ZERO && ex.start == 0 && ex.len == FILES_QCOW2_CLUSTER);
	img_close(im);
}

Test(resize, grows_and_shrinks_and_goes_on_as_a_disk)
{
	struct img *im = open_raw(IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE);
	uint8_t byte = 'x', *found;
	size_t len;

	ok(img_resize(im, &(struct img_resize){ .size = 2 * DISK_BYTES,
						.preallocation = IMG_PREALLOC_FALLOC },
		      NULL, &err));
	cr_assert_eq(img_size(im), 2 * DISK_BYTES);
	ok(img_read(im, DISK_BYTES, &byte, 1, &err));
	cr_assert_eq(byte, 0);
	ok(img_write(im, 2 * DISK_BYTES - 1, "y", 1, &err));
	ok(img_resize(im, &(struct img_resize){ .size = 1000 }, NULL, &err));
	fails(img_write(im, 1000, "y", 1, &err), IMG_E_RANGE);
	ok(img_resize(im, &(struct img_resize){ .size = 1002 }, NULL, &err));
	ok(img_write(im, 1001, "z", 1, &err));
	ok(img_finish(im, &err));
	img_close(im);
	found = files_read("disk", &len);
	cr_assert_eq(len, 1002);
	cr_assert_arr_eq(found + 998, "xx\0z", 4);
	free(found);
}
