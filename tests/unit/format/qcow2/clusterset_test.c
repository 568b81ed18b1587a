/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The set of clusters, beside an array that says the same. */
#include <criterion/criterion.h>
#include "format/qcow2/clusterset.h"

enum { N = 4096, STEPS = 200000 };

Test(clusterset, says_what_an_array_says)
{
	static bool expected[N];
	struct qcow2_clusterset set = { 0 };
	uint32_t state = 1;
	size_t n = 0;

	for (size_t i = 0; i < STEPS; i++) {
		state = state * 1664525 + 1013904223;
		const uint64_t cluster = state >> 8 & (N - 1);

		/* More are added than removed, then the other way round. */
		if ((state >> 28) < (i < STEPS / 2 ? 10u : 6u)) {
			cr_assert(qcow2_clusterset_add(&set, cluster, NULL));
			n += !expected[cluster];
			expected[cluster] = true;
		} else {
			qcow2_clusterset_remove(&set, cluster);
			n -= expected[cluster];
			expected[cluster] = false;
		}
		cr_assert_eq(set.n, n);
	}
	for (size_t c = 0; c < N; c++)
		cr_assert_eq(qcow2_clusterset_has(&set, c), expected[c], "%zu", c);
	qcow2_clusterset_clear(&set);
}

Test(clusterset, is_empty_at_first_and_after_all)
{
	struct qcow2_clusterset set = { 0 };

	cr_assert_not(qcow2_clusterset_has(&set, 0));
	qcow2_clusterset_remove(&set, 0);
	cr_assert(qcow2_clusterset_add_run(&set, UINT64_MAX / 1024, 100, NULL));
	cr_assert(qcow2_clusterset_has(&set, UINT64_MAX / 1024 + 99));
	cr_assert_not(qcow2_clusterset_has(&set, UINT64_MAX / 1024 + 100));
	for (uint64_t i = 0; i < 100; i++)
		qcow2_clusterset_remove(&set, UINT64_MAX / 1024 + i);
	cr_assert_eq(set.n, 0);
	qcow2_clusterset_clear(&set);
}
