/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which files an image has, opened or new. */
#include <criterion/criterion.h>
#include <unistd.h>
#include "image/image.h"
#include "unit/fake/files.h"

TestSuite(image_files, .init = files_enter, .fini = files_leave);

static void expect(const struct img *im, const char *const *has, const char *other)
{
	for (; *has; has++)
		cr_expect(img_has_file(im, *has), "not %s", *has);
	cr_expect_not(img_has_file(im, other), "%s", other);
}

Test(image_files, of_a_chain_are_all_layers)
{
	static const char *const has[] = { "top", "./mid", "base", "link", NULL };
	const struct img_open how = { .path = "top", .gate = &img_gate_local };
	struct img_err err = { 0 };

	files_write_qcow2("base", NULL, NULL, 'b');
	files_write_qcow2("mid", "base", "qcow2", 0);
	files_write_qcow2("top", "mid", "qcow2", 0);
	files_write("other", "x", 1);
	cr_assert(!link("base", "link"));
	struct img *im = img_open(&how, &err);

	cr_assert(im, "%s", err.text);
	expect(im, has, "other");
	img_close(im);
}

Test(image_files, of_a_layer_that_is_not_open)
{
	static const char *const has[] = { "top", "./mid", NULL };
	const struct img_open how = { .path = "top", .flags = IMG_OPEN_NO_BACKING };
	struct img_err err = { 0 };

	files_write_qcow2("mid", NULL, NULL, 'm');
	files_write_qcow2("top", "mid", "qcow2", 0);
	struct img *im = img_open(&how, &err);

	cr_assert(im, "%s", err.text);
	expect(im, has, "base");
	img_close(im);
}

Test(image_files, of_a_new_image_are_those_that_are_to_be)
{
	static const char *const has[] = { "new", "./data", NULL };
	const struct img_create what = {
		.path = "new", .format = "qcow2", .size = 1 << 20, .options = "data_file=data",
		.backing = "base", .backing_format = "qcow2",
	};
	struct img_err err = { 0 };

	files_write_qcow2("base", NULL, NULL, 'b');
	struct img *im = img_create(&what, &err);

	cr_assert(im, "%s", err.text);
	expect(im, has, "base");
	img_close(im);
}
