/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Levels of compression by number and by name. */
#include <criterion/criterion.h>
#include "format/level.h"

static const struct img_option table[] = {
	{ "compression_level", IMG_OPT_TEXT, NULL, NULL, "" },
	{ NULL, IMG_OPT_TEXT, NULL, NULL, NULL },
};

static const struct img_codec codec = { .level_min = 1, .level_max = 22, .level_default = 3 };

static const struct {
	const char *text;
	int level;		/* -1: refused */
} cases[] = {
	{ "", 7 },
	{ "compression_level=1", 1 },
	{ "compression_level=22", 22 },
	{ "compression_level=fastest", 1 },
	{ "compression_level=best", 22 },
	{ "compression_level=0", -1 },
	{ "compression_level=23", -1 },
	{ "compression_level=-1", -1 },
	{ "compression_level=3k", -1 },
	{ "compression_level=4294967297", -1 },
	{ "compression_level=worst", -1 },
	{ "compression_level=", -1 },
};

Test(level, is_a_number_or_an_end_of_the_range)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct img_settings *set = img_settings_parse(table, cases[i].text, NULL);
		struct img_err err = { 0 };
		int level = -1;

		cr_assert(set, "%s", cases[i].text);
		cr_assert_eq(img_settings_level(set, &codec, 7, &level, &err), cases[i].level >= 0,
			     "%s", cases[i].text);
		cr_assert_eq(level, cases[i].level, "%s", cases[i].text);
		cr_assert_eq(err.code, cases[i].level >= 0 ? IMG_OK : IMG_E_ARGUMENT);
		img_settings_free(set);
	}
}

/* What a codec does unasked may be nothing that can be asked for. */
Test(level, may_be_outside_of_the_range_when_it_is_not_given)
{
	struct img_err err = { 0 };
	int level = -1;

	cr_assert(img_level_of(NULL, &codec, 0, &level, &err));
	cr_assert_eq(level, 0);
	cr_assert_not(img_level_of("0", &codec, 0, &level, &err));
}
