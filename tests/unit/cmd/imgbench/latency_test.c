/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include "imgbench/latency.h"

Test(latency, of_nothing_is_zero)
{
	static const struct latency none;

	cr_expect_eq(latency_quantile(&none, 0), 0);
	cr_expect_eq(latency_quantile(&none, 500), 0);
	cr_expect_eq(latency_quantile(&none, 1000), 0);
}

Test(latency, small_values_are_exact)
{
	static struct latency l;

	for (uint64_t ns = 1; ns <= 100; ns++)
		latency_add(&l, ns);
	cr_expect_eq(latency_quantile(&l, 0), 1);
	cr_expect_eq(latency_quantile(&l, 10), 1);
	cr_expect_eq(latency_quantile(&l, 500), 50);
	cr_expect_eq(latency_quantile(&l, 501), 51);
	cr_expect_eq(latency_quantile(&l, 990), 99);
	cr_expect_eq(latency_quantile(&l, 1000), 100);
	cr_expect_eq(l.n, 100);
	cr_expect_eq(l.sum, 5050);
	cr_expect_eq(l.min, 1);
	cr_expect_eq(l.max, 100);
}

/* A value between two others, so that neither end of the histogram cuts it off. */
Test(latency, a_bucket_is_at_most_a_64th_too_high)
{
	for (unsigned bit = 0; bit < 42; bit++) {
		const uint64_t power = UINT64_C(1) << bit;
		const uint64_t values[] = { power, power + 1, power + power / 3, 2 * power - 1 };

		for (size_t i = 0; i < 4; i++) {
			struct latency l = { 0 };
			uint64_t median;

			latency_add(&l, 0);
			latency_add(&l, values[i]);
			latency_add(&l, UINT64_MAX / 4);
			median = latency_quantile(&l, 500);
			cr_expect(median >= values[i] && median - values[i] <= values[i] / 64,
				  "%llu: %llu", (unsigned long long)values[i],
				  (unsigned long long)median);
		}
	}
}

Test(latency, what_is_beyond_all_buckets_counts_as_the_longest)
{
	struct latency l = { 0 };

	latency_add(&l, UINT64_MAX);
	latency_add(&l, 5);
	cr_expect_eq(latency_quantile(&l, 1000), UINT64_MAX);
	cr_expect_eq(latency_quantile(&l, 500), 5);
}

Test(latency, merged_ones_are_as_if_counted_together)
{
	static struct latency a, b, both, none;
	uint64_t x = 1;

	for (unsigned i = 0; i < 1000; i++) {
		x = x * UINT64_C(6364136223846793005) + 1;
		latency_add(i % 3 ? &a : &b, x >> 40);
		latency_add(&both, x >> 40);
	}
	latency_merge(&a, &b);
	latency_merge(&a, &none);
	cr_expect_arr_eq(&a, &both, sizeof(a));
	latency_merge(&none, &both);
	cr_expect_arr_eq(&none, &both, sizeof(both));
}
