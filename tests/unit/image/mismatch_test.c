/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An image over another file than it was made for is read, and written only when asked for. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>
#include "format/cow/cow.h"
#include "image/image.h"
#include "unit/fake/files.h"

TestSuite(mismatch, .init = files_enter, .fini = files_leave);

enum { SIZE = 64 * 512 };

/* A child of "base", whose last change it takes for later seconds later. */
static void write_child(int later)
{
	struct cow_header hdr = {
		.kind = COW_UML3, .size = SIZE, .sector = 512, .align = 512, .name = "base",
	};
	uint8_t raw[5120 + SIZE] = { 0 };
	struct stat st;

	cr_assert_not(stat("base", &st));
	hdr.time = cow_time(hdr.kind, st.st_mtime + later);
	cow_header_place(&hdr);
	cow_header_encode(&hdr, raw);
	files_write("child", raw, sizeof(raw));
}

static struct img *open_child(unsigned flags, struct img_err *err)
{
	const struct img_open how = { .path = "child", .flags = flags, .gate = &img_gate_local };

	return img_open(&how, err);
}

/* Opens for reading: whether something is told. */
static bool is_odd(void)
{
	struct img_err err = { 0 };
	struct img *im = open_child(0, &err);
	bool odd;

	cr_assert(im, "%s", err.text);
	odd = img_layer_oddity(im, 0);
	img_close(im);
	return odd;
}

static bool may_write(unsigned flags)
{
	struct img_err err = { 0 };
	struct img *im = open_child(IMG_OPEN_WRITE | flags, &err);
	const bool may = im;

	cr_assert(may || err.code == IMG_E_MISMATCH, "%s", err.text);
	img_close(im);
	return may;
}

/* Doubles its disk: whether that was possible. */
static bool may_grow(unsigned flags)
{
	struct img_err err = { 0 };
	struct img *im = open_child(IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE | flags, &err);
	bool may;

	cr_assert(im, "%s", err.text);
	may = img_resize(im, &(struct img_resize){ .size = 2 * SIZE }, NULL, &err);
	cr_assert(may || err.code == IMG_E_MISMATCH, "%s", err.text);
	img_close(im);
	return may;
}

Test(mismatch, is_not_made_by_another_size)
{
	const uint8_t base[2 * SIZE] = { 0 };

	files_write("base", base, SIZE);
	write_child(0);
	cr_assert_not(may_grow(0));
	cr_assert_not(is_odd());
	cr_assert(may_grow(IMG_OPEN_MISMATCH));
	/* Whoever made the file below larger may have the image follow it. */
	files_write("base", base, sizeof(base));
	write_child(0);
	cr_assert_not(may_write(0));
	cr_assert(may_grow(IMG_OPEN_MISMATCH));
}

Test(mismatch, is_told_and_not_written)
{
	const uint8_t base[SIZE + 1] = { 0 };

	files_write("base", base, SIZE);
	write_child(0);
	cr_assert_not(is_odd());
	cr_assert(may_write(0));
	write_child(1);
	cr_assert(is_odd());
	cr_assert_not(may_write(0));
	cr_assert(may_write(IMG_OPEN_MISMATCH));
	files_write("base", base, SIZE + 1);
	write_child(0);
	cr_assert(is_odd());
	cr_assert_not(may_write(0));
}
