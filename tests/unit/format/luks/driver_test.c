/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* LUKS images: what is known without a key, parts of sectors, another size, and what the file lacks. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "image/image.h"
#include "unit/fake/files.h"
#include "unit/fake/key.h"

enum { DISK = 1 << 20, CUT = 3000 };

static struct img_err err;

TestSuite(luks_driver, .init = files_enter, .fini = files_leave);

#define ok(what) cr_assert(what, "%s", err.text)

static void make(const char *options)
{
	const struct img_create what = {
		.path = "image", .format = "luks", .options = options, .size = DISK, .key = fake_key(),
	};
	struct img *im;

	ok(im = img_create(&what, &err));
	ok(img_finish(im, &err));
	img_close(im);
}

static struct img *open_with(unsigned flags)
{
	const struct img_open how = {
		.path = "image", .flags = flags, .keys = flags & IMG_OPEN_NO_KEY ? NULL : fake_keys(),
	};
	struct img *im;

	ok(im = img_open(&how, &err));
	return im;
}

Test(luks_driver, is_known_by_its_first_bytes)
{
	static const uint8_t head[] = { 'L', 'U', 'K', 'S', 0xba, 0xbe, 0, 1 };
	const struct img_peek whole = { .head = head, .head_len = sizeof(head) };
	const struct img_peek part = { .head = head, .head_len = 5 };

	cr_assert_eq(img_format_luks.probe(&whole), 100);
	cr_assert_eq(img_format_luks.probe(&part), 0);
}

Test(luks_driver, without_a_key_nothing_is_read)
{
	struct img_extent ex;
	struct img *im;
	uint8_t byte;

	make("iter-time=1");
	im = open_with(IMG_OPEN_NO_KEY);
	cr_assert_eq(img_size(im), DISK);
	ok(img_extent(im, 0, DISK, &ex, &err));
	cr_assert(ex.kind == IMG_EXTENT_ENCODED && ex.encrypted && ex.len == DISK);
	cr_assert_not(img_read(im, 0, &byte, 1, &err));
	cr_assert_eq(err.code, IMG_E_KEY, "%s", err.text);
	img_close(im);
}

/* Sectors that are written in part keep the rest, whatever their size is. */
Test(luks_driver, parts_of_sectors)
{
	static const char *const options[] = {
		"iter-time=1", "version=2,pbkdf=pbkdf2,iter-time=1,sector-size=4096",
	};
	static uint8_t disk[DISK], seen[DISK];

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		struct img *im;

		make(options[i]);
		memset(disk, 0, sizeof(disk));
		im = open_with(IMG_OPEN_WRITE);
		ok(img_read(im, 0, disk, DISK, &err));
		for (uint64_t at = 100; at + 5000 < DISK; at += 61111) {
			memset(disk + at, (int)(at % 251), 5000);
			ok(img_write(im, at, disk + at, 5000, &err));
		}
		ok(img_finish(im, &err));
		img_close(im);
		im = open_with(0);
		ok(img_read(im, 0, seen, DISK, &err));
		cr_assert_arr_eq(seen, disk, DISK);
		img_close(im);
	}
}

/* The disk goes to the end of the file, in whole sectors; a header that is not whole is no disk. */
Test(luks_driver, a_file_that_was_cut)
{
	const struct img_open how = { .path = "image", .keys = fake_keys() };
	static const size_t lacks[] = { DISK + 1, DISK + (1 << 20) };
	size_t len;
	uint8_t *bytes;
	struct img *im;

	make("version=2,pbkdf=pbkdf2,iter-time=1,sector-size=512");
	bytes = files_read("image", &len);
	cr_assert(bytes && len > lacks[1]);
	files_write("image", bytes, len - CUT);
	im = open_with(0);
	cr_assert_eq(img_size(im), (DISK - CUT) / 512 * 512);
	img_close(im);
	for (size_t i = 0; i < sizeof(lacks) / sizeof(*lacks); i++) {
		files_write("image", bytes, len - lacks[i]);
		err = (struct img_err){ 0 };
		cr_assert_null(img_open(&how, &err));
		cr_assert_eq(err.code, IMG_E_INCOMPLETE, "%s", err.text);
	}
	free(bytes);
}
