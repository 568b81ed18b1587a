/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new image gets its name when it is finished, and leaves nothing behind when it is not. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "image/image.h"
#include "unit/fake/files.h"
#include "unit/fake/key.h"

TestSuite(create, .init = files_enter, .fini = files_leave);

static struct img *create(const struct img_create *what)
{
	struct img_err err = { 0 };
	struct img *im = img_create(what, &err);

	cr_assert(im, "%s", err.text);
	return im;
}

static void check_size(const char *path, const char *format, uint64_t size)
{
	const struct img_open how = { .path = path, .keys = fake_keys() };
	struct img_err err = { 0 };
	struct img *im = img_open(&how, &err);

	cr_assert(im, "%s", err.text);
	cr_assert_str_eq(img_format_name(img_layer_format(im, 0)), format);
	cr_assert_eq(img_size(im), size);
	img_close(im);
}

Test(create, publishes_at_finish)
{
	for (size_t i = 0; i < img_format_count(); i++) {
		const struct img_format *format = img_format_at(i);
		char options[32];
		const struct img_create what = {
			.path = "disk", .format = img_format_name(format), .size = 3 << 20,
			.options = fake_hasty(img_format_name(format), NULL, options, sizeof(options)),
			.key = fake_key(),
		};
		struct img_err err = { 0 };
		struct img *im;

		if (!(img_format_caps(format) & IMG_FMT_CREATE))
			continue;
		im = create(&what);
		cr_assert_not(files_exist("disk"));
		cr_assert(img_finish(im, &err), "%s", err.text);
		img_close(im);
		cr_assert_eq(files_count(), 1);
		check_size("disk", img_format_name(format), 3 << 20);
		remove("disk");
	}
}

Test(create, leaves_nothing_without_finish)
{
	const struct img_create what = { .path = "disk", .format = "raw", .size = 1 << 20 };

	img_close(create(&what));
	cr_assert_eq(files_count(), 0);
}

Test(create, keeps_the_old_file_until_finish)
{
	const struct img_create what = { .path = "disk", .format = "raw", .size = 1 << 20 };
	struct img_err err = { 0 };
	struct img *im;
	uint8_t *bytes;
	size_t len;

	files_write("disk", "old", 3);
	img_close(create(&what));
	bytes = files_read("disk", &len);
	cr_assert(len == 3 && !memcmp(bytes, "old", 3));
	free(bytes);
	im = create(&what);
	cr_assert(img_finish(im, &err), "%s", err.text);
	img_close(im);
	check_size("disk", "raw", 1 << 20);
	cr_assert_eq(files_count(), 1);
}

Test(create, refuses_what_a_format_cannot)
{
	static const struct {
		struct img_create what;
		enum img_code code;
	} refused[] = {
		{ { .format = "floppy" }, IMG_E_ARGUMENT },
		{ { .format = "raw", .options = "colour=red" }, IMG_E_ARGUMENT },
		{ { .format = "raw", .options = "preallocation=maybe" }, IMG_E_ARGUMENT },
		{ { .format = "raw", .backing = "base.raw" }, IMG_E_UNSUPPORTED },
		{ { .format = "raw", .compressed = true }, IMG_E_UNSUPPORTED },
		{ { .format = "qcow2", .in_place = true }, IMG_E_UNSUPPORTED },
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct img_create what = refused[i].what;
		struct img_err err = { 0 };

		what.path = "disk";
		what.size = 1 << 20;
		cr_assert_null(img_create(&what, &err));
		cr_assert_eq(err.code, refused[i].code, "%zu: %s", i, err.text);
		cr_assert_eq(files_count(), 0);
	}
}

Test(create, needs_a_folder_that_exists)
{
	const struct img_create what = { .path = "no/disk", .format = "raw", .size = 1 << 20 };
	struct img_err err = { 0 };

	cr_assert_null(img_create(&what, &err));
	cr_assert_eq(err.code, IMG_E_IO);
}

Test(create, writes_in_place_only_where_there_is_room)
{
	const struct img_create what = {
		.path = "disk", .format = "raw", .size = 1 << 20, .in_place = true,
	};
	static const uint8_t room[2 << 20];
	struct img_err err = { 0 };
	struct img *im;

	files_write("disk", room, 1000);
	cr_assert_null(img_create(&what, &err));
	cr_assert_eq(err.code, IMG_E_RANGE);
	files_write("disk", room, sizeof(room));
	im = create(&what);
	cr_assert(img_finish(im, &err), "%s", err.text);
	img_close(im);
	check_size("disk", "raw", sizeof(room));
}

/* The image is made in sub, and names a base beside sub. */
static void check_below(const struct img_create *what)
{
	struct img *im, *below = NULL;
	struct img_err err = { 0 };
	uint8_t byte = 0;

	cr_assert_not(system("mkdir sub"));
	files_write_qcow2("base.qcow2", NULL, NULL, 'b');
	im = create(what);
	cr_assert(img_open_below(im, &below, &err), "%s", err.text);
	cr_assert(below && img_read(below, 0, &byte, 1, &err), "%s", err.text);
	cr_assert_eq(byte, 'b');
	img_close(below);
	img_close(im);
}

Test(create, opens_what_it_stands_on)
{
	check_below(&(struct img_create){
		.path = "sub/top.qcow2", .format = "qcow2", .size = FILES_QCOW2_SIZE,
		.backing = "../base.qcow2", .backing_format = "qcow2", .gate = &img_gate_local,
	});
}

Test(create, opens_what_an_option_says_that_it_stands_on)
{
	check_below(&(struct img_create){
		.path = "sub/top.qcow2", .format = "qcow2", .size = FILES_QCOW2_SIZE,
		.options = "backing_file=../base.qcow2", .gate = &img_gate_local,
	});
}

Test(create, finishes_an_open_image_without_a_word)
{
	const struct img_open how = { .path = "disk" };
	struct img_err err = { 0 };
	struct img *im;

	files_write("disk", "x", 1);
	im = img_open(&how, &err);
	cr_assert(im && img_finish(im, &err));
	img_close(im);
}
