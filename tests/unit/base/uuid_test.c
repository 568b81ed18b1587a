/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UUIDs: the order of their bytes, what is none, and new ones. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/uuid.h"

static const struct img_uuid counting = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
};
#define COUNTING "03020100-0504-0706-0809-0a0b0c0d0e0f"

Test(uuid, the_first_three_fields_are_little_endian)
{
	char text[IMG_UUID_TEXT];

	img_uuid_to_text(&counting, text);
	cr_assert_str_eq(text, COUNTING);
}

Test(uuid, is_read_with_and_without_braces_in_any_case)
{
	static const char *const texts[] = {
		COUNTING, "{" COUNTING "}", "03020100-0504-0706-0809-0A0B0C0D0E0F",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct img_uuid id = { { 0 } };
		struct img_err err = { 0 };

		cr_assert(img_uuid_parse(texts[i], &id, &err), "%s", err.text);
		cr_assert(img_uuid_equal(&id, &counting), "%s", texts[i]);
	}
}

Test(uuid, what_is_none_is_refused)
{
	static const char *const texts[] = {
		"", "0", "{" COUNTING, COUNTING "}", COUNTING " ", "{}",
		"03020100-0504-0706-0809-0a0b0c0d0e0", "03020100-0504-0706-0809-0a0b0c0d0e0f0",
		"0302010g-0504-0706-0809-0a0b0c0d0e0f", "03020100+0504-0706-0809-0a0b0c0d0e0f",
		"030201000504070608090a0b0c0d0e0f",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct img_uuid id = counting;
		struct img_err err = { 0 };

		cr_assert_not(img_uuid_parse(texts[i], &id, &err), "%s", texts[i]);
		cr_assert_eq(err.code, IMG_E_ARGUMENT);
		cr_assert(img_uuid_equal(&id, &counting), "%s", texts[i]);
	}
}

Test(uuid, only_zeros_are_nil)
{
	struct img_uuid id = { { 0 } };

	cr_assert(img_uuid_is_nil(&id));
	id.raw[15] = 1;
	cr_assert_not(img_uuid_is_nil(&id));
}

Test(uuid, new_ones_are_random_and_say_so)
{
	struct img_uuid a, b;
	char text[IMG_UUID_TEXT];

	cr_assert(img_uuid_make(&a, NULL));
	cr_assert(img_uuid_make(&b, NULL));
	cr_assert_not(img_uuid_equal(&a, &b));
	img_uuid_to_text(&a, text);
	cr_assert_eq(text[14], '4');
	cr_assert(strchr("89ab", text[19]));
}
