/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts of clusters: every width, far apart, in order, and too many. */
#include <inttypes.h>
#include <criterion/criterion.h>
#include "format/qcow2/counts.h"

#define FAR (UINT64_C(1) << 47)

static struct qcow2_counts *make(void)
{
	struct img_err err = { 0 };
	struct qcow2_counts *counts = qcow2_counts_new(&err);

	cr_assert(counts, "%s", err.text);
	return counts;
}

static void add(struct qcow2_counts *counts, uint64_t cluster, uint64_t n)
{
	struct img_err err = { 0 };

	cr_assert(qcow2_counts_add(counts, cluster, n, &err), "%s", err.text);
}

/* A count that needs a wider leaf leaves its neighbours alone, whatever the width was before. */
Test(counts, grow_wide)
{
	struct qcow2_counts *counts = make();
	uint64_t expected = 0, most;

	add(counts, 6, 1);
	for (unsigned bit = 0; bit < 64; bit++) {
		add(counts, 5, UINT64_C(1) << bit);
		expected += UINT64_C(1) << bit;
		cr_assert_eq(qcow2_counts_get(counts, 5), expected);
		cr_assert_eq(qcow2_counts_get(counts, 4), 0);
		cr_assert_eq(qcow2_counts_get(counts, 6), 1);
	}
	add(counts, 5, 7);
	cr_assert_eq(qcow2_counts_get(counts, 5), UINT64_MAX);
	cr_assert_eq(qcow2_counts_most(counts, &most), UINT64_MAX);
	cr_assert_eq(most, 5);
	qcow2_counts_free(counts);
}

/* Leaves that collide, that make the table grow, and that were never made. */
Test(counts, far_apart)
{
	struct qcow2_counts *counts = make();

	for (uint64_t i = 0; i < 5000; i++)
		add(counts, i * 4099 + (i % 2 ? FAR : 0), i % 9 + 1);
	for (uint64_t i = 0; i < 5000; i++) {
		const uint64_t cluster = i * 4099 + (i % 2 ? FAR : 0);

		cr_assert_eq(qcow2_counts_get(counts, cluster), i % 9 + 1, "%" PRIu64, i);
		cr_assert_eq(qcow2_counts_get(counts, cluster + 1), 0);
	}
	cr_assert_eq(qcow2_counts_get(counts, FAR * 2), 0);
	qcow2_counts_free(counts);
}

Test(counts, in_order)
{
	static const uint64_t clusters[] = { FAR, 3, 1023, 1024, 700000, 4, FAR - 1 };
	static const uint64_t sorted[] = { 3, 4, 1023, 1024, 700000, FAR - 1, FAR };
	struct qcow2_counts *counts = make();
	struct img_err err = { 0 };
	uint64_t at = 0, n;

	cr_assert(qcow2_counts_sort(counts, &err));
	cr_assert_not(qcow2_counts_next(counts, &at, &n));
	for (size_t i = 0; i < 7; i++)
		add(counts, clusters[i], clusters[i] % 5 + 1);
	cr_assert(qcow2_counts_sort(counts, &err));
	for (size_t i = 0; i < 7; i++, at++) {
		cr_assert(qcow2_counts_next(counts, &at, &n));
		cr_assert_eq(at, sorted[i], "%zu", i);
		cr_assert_eq(n, sorted[i] % 5 + 1);
	}
	cr_assert_not(qcow2_counts_next(counts, &at, &n));
	at = 1025;		/* back, and into a leaf that was never made */
	cr_assert(qcow2_counts_next(counts, &at, &n));
	cr_assert_eq(at, 700000);
	qcow2_counts_free(counts);
}

Test(counts, in_bulk)
{
	struct qcow2_counts *counts = make();
	uint64_t out[3000];

	for (uint64_t i = 0; i < 3000; i += 7)
		add(counts, 500 + i, i % 5);
	qcow2_counts_get_many(counts, 500, out, 3000);
	for (uint64_t i = 0; i < 3000; i++)
		cr_assert_eq(out[i], qcow2_counts_get(counts, 500 + i), "%" PRIu64, i);
	qcow2_counts_free(counts);
}

/* Leaves that only one side has, that both have and fit together, and that count the same twice. */
Test(counts, merge)
{
	struct qcow2_counts *counts = make(), *other = make();
	struct img_err err = { 0 };
	uint64_t most;

	add(counts, 1, 1);
	add(counts, FAR, 300);
	add(other, 2, 1);
	add(other, FAR + 1, 7);
	add(other, 5000, 1);
	add(other, 9000, 2);
	cr_assert(qcow2_counts_merge(counts, other, &err));
	add(other, 2, 1);
	add(other, 5001, 1);
	cr_assert(qcow2_counts_merge(counts, other, &err));
	cr_assert_eq(qcow2_counts_get(counts, 1), 1);
	cr_assert_eq(qcow2_counts_get(counts, 2), 2);
	cr_assert_eq(qcow2_counts_get(counts, 5000), 1);
	cr_assert_eq(qcow2_counts_get(counts, 5001), 1);
	cr_assert_eq(qcow2_counts_get(counts, 9000), 2);
	cr_assert_eq(qcow2_counts_get(counts, FAR), 300);
	cr_assert_eq(qcow2_counts_get(counts, FAR + 1), 7);
	cr_assert_eq(qcow2_counts_get(other, 2), 0);
	cr_assert_eq(qcow2_counts_most(counts, &most), 300);
	cr_assert_eq(most, FAR);
	qcow2_counts_free(other);
	qcow2_counts_free(counts);
}

/* Of each pair of widths, with counts side by side in a byte and now and then on top of each other. */
Test(counts, merge_of_all_widths)
{
	static const uint64_t largest[] = { 1, 3, 15, 200, 60000, UINT32_MAX, UINT64_MAX / 4 };
	enum { CLUSTERS = 2048, WIDTHS = 7 };
	struct img_err err = { 0 };
	unsigned seed = 3;

	for (int pair = 0; pair < 2 * WIDTHS * WIDTHS; pair++) {
		struct qcow2_counts *to = make(), *from = make();
		uint64_t want[CLUSTERS] = { 0 }, got[CLUSTERS];

		for (uint64_t i = 0; i < CLUSTERS; i++) {
			const bool first = (unsigned)rand_r(&seed) % 2;
			const uint64_t n = largest[first ? pair % WIDTHS : pair / WIDTHS % WIDTHS];

			add(first ? to : from, i, n);
			want[i] = n;
		}
		if (pair % 2) {
			add(to, 77, 1);
			add(from, 77, 1);
			want[77] += 2;
		}
		cr_assert(qcow2_counts_merge(to, from, &err), "%s", err.text);
		qcow2_counts_get_many(to, 0, got, CLUSTERS);
		cr_assert_arr_eq(got, want, sizeof(want), "%d", pair);
		qcow2_counts_free(from);
		qcow2_counts_free(to);
	}
}

/* Windows that follow each other count everything once, however little memory there is. */
Test(counts, windows)
{
	enum { N = 20000, STEP = 700 };
	struct img_err err = { 0 };
	uint64_t first = 0, seen = 0, windows = 0;

	while (first != UINT64_MAX) {
		struct qcow2_counts *counts = qcow2_counts_new_window(first, 0, &err);
		uint64_t at = 0, n;

		cr_assert(counts, "%s", err.text);
		for (uint64_t i = 0; i < N; i++)
			add(counts, (i * 7919 % N) * STEP, 1 + i % 3);
		cr_assert(qcow2_counts_sort(counts, &err));
		for (; qcow2_counts_next(counts, &at, &n); at++, seen++) {
			cr_assert(at >= first && at < qcow2_counts_end(counts));
			cr_assert_eq(at % STEP, 0);
		}
		first = qcow2_counts_end(counts);
		windows++;
		qcow2_counts_free(counts);
	}
	cr_assert_eq(seen, N);
	cr_assert_gt(windows, 20);
}

/* Runs of any place and length, in a window too, beside one cluster after the other. */
Test(counts, runs_are_the_same_as_their_clusters)
{
	enum { CLUSTERS = 5000, RUNS = 400 };
	unsigned seed = 7;

	for (int windowed = 0; windowed < 2; windowed++) {
		struct qcow2_counts *runs = windowed ? qcow2_counts_new_window(100, 1 << 20, NULL)
						     : qcow2_counts_new(NULL);
		static uint64_t want[CLUSTERS];
		uint64_t got[CLUSTERS], most = 0, at;

		memset(want, 0, sizeof(want));
		for (int i = 0; i < RUNS; i++) {
			const uint64_t first = (unsigned)rand_r(&seed) % CLUSTERS;
			const uint64_t len = (unsigned)rand_r(&seed) % (CLUSTERS - first);
			const uint64_t n = (unsigned)rand_r(&seed) % (i % 50 ? 2 : 40);

			cr_assert(qcow2_counts_add_run(runs, first, len, n, NULL));
			for (uint64_t c = first; c < first + len; c++)
				want[c] += windowed && c < 100 ? 0 : n;
		}
		qcow2_counts_get_many(runs, 0, got, CLUSTERS);
		cr_assert_arr_eq(got, want, sizeof(want));
		for (int c = 0; c < CLUSTERS; c++)
			most = want[c] > most ? want[c] : most;
		cr_assert_eq(qcow2_counts_most(runs, &at), most);
		cr_assert_eq(want[at], most);
		qcow2_counts_free(runs);
	}
}

/* The quick way: bytes that are all zero, of each width, with ends that are parts of a byte. */
Test(counts, runs_fill_what_is_empty)
{
	for (uint64_t n = 1; n < 20; n++)
		for (uint64_t first = 1020; first < 1030; first++) {
			struct qcow2_counts *counts = qcow2_counts_new(NULL);
			uint64_t got[3000];

			cr_assert(qcow2_counts_add_run(counts, 5000, 1, n, NULL));
			cr_assert(qcow2_counts_add_run(counts, first, 1500, n, NULL));
			qcow2_counts_get_many(counts, 0, got, 3000);
			for (uint64_t c = 0; c < 3000; c++)
				cr_assert_eq(got[c], c >= first && c < first + 1500 ? n : 0);
			qcow2_counts_free(counts);
		}
}
