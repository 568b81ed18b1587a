/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a reader that has to probe takes a backing file for. */
#include <criterion/criterion.h>
#include <string.h>
#include "format/format.h"

/* Gives a store that begins with text. */
struct giver {
	struct img_opener opener;
	const char *text;
};

static bool give(const struct img_opener *self, const struct img_reference *ref,
		 struct img_store **out, struct img_err *err)
{
	const char *text = ((const struct giver *)self)->text;

	cr_assert_str_eq(ref->name, "base");
	*out = img_store_mem(text, strlen(text), err);
	return *out;
}

static enum img_code check(const char *text, const char *format)
{
	const struct giver giver = { .opener = { .open = give }, .text = text };
	const struct img_layer_create what = {
		.backing = "base", .backing_format = format, .opener = &giver.opener,
	};
	struct img_err err = { 0 };

	return img_backing_check_probed(&what, &err) ? IMG_OK : err.code;
}

Test(backing, is_what_it_is_said_to_be)
{
	cr_assert_eq(check("anything", "raw"), IMG_OK);
	cr_assert_eq(check("QFI\xfb\1\1\1\3", "qcow2"), IMG_OK);
	cr_assert_eq(check("QFI\xfb\1\1\1\3", "raw"), IMG_E_ARGUMENT);
	cr_assert_eq(check("anything", "qcow2"), IMG_E_ARGUMENT);
	cr_assert_eq(check("QFI\xfb\1\1\1\3", NULL), IMG_OK);
}

Test(backing, is_probed)
{
	const struct giver giver = { .opener = { .open = give }, .text = "QFI\xfb\1\1\1\3" };
	const struct img_layer_create what = { .backing = "base", .opener = &giver.opener };
	const struct img_format *seen;

	cr_assert(img_backing_probe(&what, &seen, NULL));
	cr_assert_eq(seen, &img_format_qcow2);
}
