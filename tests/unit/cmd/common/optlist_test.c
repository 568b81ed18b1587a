/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "common/optlist.h"

Test(optlist, takes_an_option_out)
{
	static const struct { const char *list, *name, *value, *rest; } cases[] = {
		{ "size=1G", "size", "1G", "" },
		{ "size=1G,compat=1.1", "size", "1G", "compat=1.1" },
		{ "compat=1.1,size=1G", "size", "1G", "compat=1.1" },
		{ "a=1,size=1G,b=2", "size", "1G", "a=1,b=2" },
		{ "backing_file=a,,b,c=d", "backing_file", "a,b", "c=d" },
		{ "x=,,,size=3", "size", "3", "x=,," },
		{ "size", "size", "", "" },
		{ "mysize=1,sizes=2", "size", NULL, "mysize=1,sizes=2" },
		{ "x=a,,size=1", "size", NULL, "x=a,,size=1" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *list = strdup(cases[i].list);
		char *value = optlist_take(list, cases[i].name);

		cr_expect_eq(!value, !cases[i].value, "%s", cases[i].list);
		if (value && cases[i].value)
			cr_expect_str_eq(value, cases[i].value, "%s", cases[i].list);
		cr_expect_str_eq(list, cases[i].rest, "%s", cases[i].list);
		free(value);
		free(list);
	}
	cr_expect_null(optlist_take(NULL, "size"));
}

Test(optlist, keeps_what_a_format_has)
{
	static const struct { const char *list, *want; } cases[] = {
		{ "", "" },
		{ "cluster_size=1M", "cluster_size=1M" },
		{ "cluster=1M,cluster_size2=3", "" },
		{ "no=1,cluster_size=1M,nor=2,compat=1.1", "cluster_size=1M,compat=1.1" },
		{ "no=a,,compat=1.1,cluster_size=1,,M", "cluster_size=1,,M" },
		{ "cluster_size", "cluster_size" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *kept = optlist_keep(cases[i].list, img_format_named("qcow2"));

		cr_expect_str_eq(kept, cases[i].want, "%s", cases[i].list);
		free(kept);
	}
}

Test(optlist, knows_a_cry_for_help)
{
	cr_expect(optlist_wants_help("help"));
	cr_expect(optlist_wants_help("a=b,help"));
	cr_expect(optlist_wants_help("?"));
	cr_expect_not(optlist_wants_help("a=help"));
	cr_expect_not(optlist_wants_help("helpful=1"));
	cr_expect_not(optlist_wants_help(NULL));
}
