/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of findings: neighbours, totals, limits, and lists behind each other. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "format/format.h"

static const struct img_finding_kind leak = { "t.leak", IMG_LEAK, "a leak" };
static const struct img_finding_kind bad = { "t.bad", IMG_CORRUPT, "bad" };

static struct img_finding at(const struct img_finding_kind *kind, uint64_t host)
{
	return (struct img_finding){
		.kind = kind, .n = 1, .host = host, .guest = IMG_NOWHERE, .expected = 0, .found = 1,
	};
}

static void add(struct img_findings *to, struct img_finding one, uint64_t step)
{
	struct img_err err = { 0 };

	cr_assert(img_findings_add(to, one, step, &err), "%s", err.text);
}

Test(findings, neighbours_become_one)
{
	struct img_findings list = { .most = 10 };
	struct img_finding other = at(&leak, 300);

	add(&list, at(&leak, 0), 100);
	add(&list, at(&bad, 50), 100);
	add(&list, at(&leak, 100), 100);	/* behind the other kind all the same */
	add(&list, at(&leak, 200), 100);
	other.found = 2;
	add(&list, other, 100);
	add(&list, at(&leak, 400), 0);		/* never */
	add(&list, at(&leak, 500), 100);
	cr_assert_eq(list.n, 5);
	cr_assert_eq(list.v[0].n, 3);
	cr_assert_eq(list.v[1].kind, &bad);
	cr_assert_eq(img_findings_count(&list, &leak), 6);
	cr_assert_eq(img_findings_total(&list, IMG_LEAK), 6);
	cr_assert_eq(img_findings_total(&list, IMG_CORRUPT), 1);
	cr_assert_eq(img_findings_total(&list, IMG_FATAL), 0);
	img_findings_clear(&list);
}

Test(findings, places_on_the_disk_are_neighbours_too)
{
	struct img_findings list = { .most = 10 };
	struct img_finding one = at(&bad, IMG_NOWHERE);

	for (one.guest = 0; one.guest < 30; one.guest += 10)
		add(&list, one, 10);
	one = at(&bad, 30);
	add(&list, one, 10);
	cr_assert_eq(list.n, 2);
	cr_assert_eq(list.v[0].n, 3);
	img_findings_clear(&list);
}

Test(findings, more_than_are_listed_count_all_the_same)
{
	struct img_findings list = { .most = 3 };

	for (uint64_t i = 0; i < 10; i++) {
		struct img_finding one = at(&bad, i * 1000);

		one.detail = strdup("a detail");
		add(&list, one, 1);
	}
	add(&list, at(&leak, 0), 1);
	cr_assert_eq(list.n, 4);
	cr_assert_eq(img_findings_count(&list, &bad), 10);
	img_findings_clear(&list);
}

Test(findings, lists_behind_each_other)
{
	struct img_findings list = { .most = 3 }, more = { .most = 3 };
	struct img_err err = { 0 };

	add(&list, at(&leak, 0), 100);
	for (uint64_t i = 1; i < 4; i++)
		add(&more, at(&leak, i * 100), 100);	/* goes on where the first ended */
	for (uint64_t i = 0; i < 5; i++)
		add(&more, at(&bad, i * 1000), 8);
	cr_assert(img_findings_append(&list, &more, &err));
	cr_assert_eq(more.n, 0);
	cr_assert_eq(list.n, 4);
	cr_assert_eq(list.v[0].n, 4);
	cr_assert_eq(img_findings_count(&list, &leak), 4);
	cr_assert_eq(img_findings_count(&list, &bad), 5);
	img_findings_clear(&list);
	img_findings_clear(&more);
}
