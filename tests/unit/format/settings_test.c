/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a table of options takes, what it refuses, and what stands when nothing is said. */
#include <criterion/criterion.h>
#include <string.h>
#include "failing_malloc.h"
#include "format/format.h"

static const struct img_option table[] = {
	{"size", IMG_OPT_SIZE, NULL, "64k", ""},
	{"level", IMG_OPT_NUMBER, NULL, "3", ""},
	{"lazy", IMG_OPT_FLAG, NULL, "off", ""},
	{"mode", IMG_OPT_CHOICE, "off|metadata|full", "off", ""},
	{"file", IMG_OPT_TEXT, NULL, NULL, ""},
	{0},
};

static struct img_settings *parse(const char *text)
{
	struct img_err err = {0};
	struct img_settings *set = img_settings_parse(table, text, &err);

	cr_assert_not_null(set, "%s: %s", text, err.text);
	return set;
}

Test(settings, fallbacks)
{
	const char *const nothing[] = {NULL, "", ","};

	for (size_t i = 0; i < 3; i++) {
		struct img_settings *set = parse(nothing[i]);

		cr_expect_eq(img_settings_number(set, "size"), 65536);
		cr_expect_eq(img_settings_number(set, "level"), 3);
		cr_expect_not(img_settings_flag(set, "lazy"));
		cr_expect_str_eq(img_settings_text(set, "mode"), "off");
		cr_expect_null(img_settings_text(set, "file"));
		cr_expect_not(img_settings_given(set, "mode"));
		img_settings_free(set);
	}
}

Test(settings, values)
{
	struct img_settings *set = parse("size=2M,level=9,lazy=on,mode=metadata,file=a,,b=c");

	cr_expect_eq(img_settings_number(set, "size"), 2 << 20);
	cr_expect_eq(img_settings_number(set, "level"), 9);
	cr_expect(img_settings_flag(set, "lazy"));
	cr_expect_str_eq(img_settings_text(set, "mode"), "metadata");
	cr_expect_str_eq(img_settings_text(set, "file"), "a,b=c");
	cr_expect(img_settings_given(set, "mode"));
	img_settings_free(set);
}

Test(settings, flags)
{
	static const struct { const char *text; bool value; } flags[] = {
		{"lazy", true}, {"lazy=on", true}, {"lazy=yes", true}, {"lazy=true", true},
		{"lazy=off", false}, {"lazy=no", false}, {"lazy=false", false},
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		struct img_settings *set = parse(flags[i].text);

		cr_expect_eq(img_settings_flag(set, "lazy"), flags[i].value, "%s", flags[i].text);
		img_settings_free(set);
	}
}

/* Each with the word that the sentence must hold. */
Test(settings, refused)
{
	static const struct { const char *text, *names; enum img_code code; } bad[] = {
		{"colour=red", "colour", IMG_E_ARGUMENT},
		{"siz=1", "siz", IMG_E_ARGUMENT},
		{"size1=1", "size1", IMG_E_ARGUMENT},
		{"=1", "\"\"", IMG_E_ARGUMENT},
		{"size", "size", IMG_E_ARGUMENT},
		{"size=big", "size: ", IMG_E_ARGUMENT},
		{"size=16E", "size: ", IMG_E_RANGE},
		{"level=1k", "level", IMG_E_ARGUMENT},
		{"level=", "level", IMG_E_ARGUMENT},
		{"lazy=maybe", "maybe", IMG_E_ARGUMENT},
		{"mode=meta", "off|metadata|full", IMG_E_ARGUMENT},
		{"mode=", "mode", IMG_E_ARGUMENT},
		{"mode=off|metadata", "mode", IMG_E_ARGUMENT},
		{"level=1,level=1", "level", IMG_E_ARGUMENT},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct img_err err = {0};

		cr_expect_null(img_settings_parse(table, bad[i].text, &err), "%s", bad[i].text);
		cr_expect_eq(err.code, bad[i].code, "%s: %s", bad[i].text, err.text);
		cr_expect_not_null(strstr(err.text, bad[i].names), "%s: %s", bad[i].text,
				   err.text);
	}
}

Test(settings, a_format_without_options)
{
	struct img_err err = {0};
	struct img_settings *set = img_settings_parse(NULL, NULL, &err);

	cr_assert_not_null(set);
	img_settings_free(set);
	cr_assert_null(img_settings_parse(NULL, "size=1", &err));
	cr_assert_eq(err.code, IMG_E_ARGUMENT);
	img_settings_free(NULL);
}

Test(settings, memory_runs_out)
{
	for (unsigned n = 1; n < 100; n++) {
		struct img_err err = {0};

		fail_allocation(n);
		struct img_settings *set = img_settings_parse(table, "level=1,file=x", &err);
		const bool failed = allocation_has_failed();

		cr_expect_eq(set == NULL, failed, "allocation %u", n);
		cr_expect_eq(err.code, failed ? IMG_E_NOMEM : IMG_OK, "allocation %u", n);
		img_settings_free(set);
		if (!failed) {
			cr_expect_gt(n, 4);
			break;
		}
	}
}

Test(settings, a_list_is_parted_by_a_table)
{
	static const struct {
		const char *text, *inside, *outside;
	} v[] = {
		{ "", "", "" }, { "level=1", "level=1", "" }, { "pool=a", "", "pool=a" },
		{ "pool=a,level=1,x=y", "level=1,", "pool=a,x=y" },
		{ "file=a,,b,pool=c,,d", "file=a,,b,", "pool=c,,d" },
		{ "lazy,levels=1", "lazy,", "levels=1" },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct img_err err = {0};
		char *inside = img_settings_part(table, v[i].text, true, &err);
		char *outside = img_settings_part(table, v[i].text, false, &err);

		cr_expect_str_eq(inside, v[i].inside);
		cr_expect_str_eq(outside, v[i].outside);
		free(inside);
		free(outside);
	}
}
