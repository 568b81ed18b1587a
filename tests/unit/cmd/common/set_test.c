/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "common/cli.h"

Test(set, choices_follow_their_enumerations)
{
	static const struct { const char *text; enum img_cache cache; } caches[] = {
		{ "default", IMG_CACHE_DEFAULT }, { "writeback", IMG_CACHE_WRITEBACK },
		{ "writethrough", IMG_CACHE_WRITETHROUGH }, { "none", IMG_CACHE_NONE },
		{ "directsync", IMG_CACHE_DIRECTSYNC }, { "unsafe", IMG_CACHE_UNSAFE },
	};
	static const struct { const char *text; enum img_style style; } styles[] = {
		{ "human", IMG_STYLE_HUMAN }, { "json", IMG_STYLE_JSON }, { "xml", IMG_STYLE_XML },
	};
	struct img_err err = { 0 };
	enum img_cache cache;
	enum img_style style;

	for (size_t i = 0; i < sizeof(caches) / sizeof(caches[0]); i++) {
		cr_expect(cli_set_cache(NULL, &cache, caches[i].text, &err));
		cr_expect_eq(cache, caches[i].cache, "%s", caches[i].text);
	}
	for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++) {
		cr_expect(cli_set_style(NULL, &style, styles[i].text, &err));
		cr_expect_eq(style, styles[i].style, "%s", styles[i].text);
	}
	cr_expect_not(cli_set_cache(NULL, &cache, "write", &err));
	cr_expect_not(cli_set_style(NULL, &style, "json|xml", &err));
	cr_expect_not(cli_set_style(NULL, &style, "", &err));
}

Test(set, lists_grow)
{
	struct img_err err = { 0 };
	char *list = NULL;

	cr_assert(cli_set_list(NULL, &list, "a=1", &err));
	cr_assert(cli_set_list(NULL, &list, "b=2,c=3", &err));
	cr_expect_str_eq(list, "a=1,b=2,c=3");
	free(list);
}

Test(set, counts_start_at_one)
{
	struct img_err err = { 0 };
	unsigned n = 9;

	cr_expect(cli_set_count(NULL, &n, "12", &err));
	cr_expect_eq(n, 12);
	cr_expect(cli_set_count(NULL, &n, "4k", &err));
	cr_expect_eq(n, 4096);
	cr_expect_not(cli_set_count(NULL, &n, "0", &err));
	cr_expect_not(cli_set_count(NULL, &n, "1.5", &err));
	cr_expect_not(cli_set_count(NULL, &n, "2.0", &err));
	cr_expect_not(cli_set_count(NULL, &n, "1.5k", &err));
	cr_expect_not(cli_set_count(NULL, &n, "5000000000", &err));
	cr_expect_not(cli_set_count(NULL, &n, "two", &err));
	cr_expect_str_eq(err.text, "\"two\" is not a number from 1 to 4294967295");
}
