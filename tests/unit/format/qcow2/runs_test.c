/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ranges that touch and are of one kind become one. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "format/qcow2/runs.h"

static void add(struct qcow2_runs *runs, uint64_t at, uint64_t len, enum img_extent_kind kind)
{
	const struct qcow2_run run = { at, len, kind };
	struct img_err err = { 0 };

	cr_assert(qcow2_runs_add(runs, &run, &err));
}

Test(qcow2_runs, merges_neighbours_of_one_kind)
{
	struct qcow2_runs runs = { 0 };

	add(&runs, 0, 10, IMG_EXTENT_DATA);
	add(&runs, 10, 5, IMG_EXTENT_DATA);
	add(&runs, 15, 5, IMG_EXTENT_ZERO);
	add(&runs, 21, 5, IMG_EXTENT_ZERO);
	cr_assert_eq(runs.n, 3);
	cr_assert_eq(runs.v[0].len, 15);
	cr_assert_eq(runs.v[1].at, 15);
	cr_assert_eq(runs.v[2].at, 21);
	free(runs.v);
}

Test(qcow2_runs, grows)
{
	struct qcow2_runs runs = { 0 };

	for (uint64_t i = 0; i < 1000; i++)
		add(&runs, 2 * i, 1, IMG_EXTENT_DATA);
	cr_assert_eq(runs.n, 1000);
	cr_assert_eq(runs.v[999].at, 1998);
	free(runs.v);
}
