/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cache of L2 tables: threads over more tables than it holds, and reads that fail. */
#include <pthread.h>
#include "sample.h"

/* Tables of 2 MiB would fill the cache at eight; these are 512 bytes, in 2000 places. */
enum { C = 512, N = 2000, FIRST = 4 * C, THREADS = 4 };

struct fixture {
	struct qcow2_geometry geo;
	uint64_t l1[N];
	uint8_t *bytes;
	struct qcow2_cache *cache;
	struct img_store *store;
};

/* Table i starts with its own number; every third does not follow the one before it. */
static void setup(struct fixture *f, const char *script)
{
	const struct qcow2_header hdr = sample_header(9, 1 << 20);
	struct img_err err = { 0 };

	qcow2_geometry_init(&f->geo, &hdr);
	f->bytes = calloc(1, SAMPLE_BYTES * 2);
	for (uint64_t i = 0, at = FIRST; i < N; i++, at += i % 3 ? C : 2 * C) {
		f->l1[i] = qcow2_l1_encode(at, i % 2);
		img_put_be64(f->bytes + at, i);
	}
	f->store = img_store_mem(f->bytes, SAMPLE_BYTES * 2, &err);
	if (script)
		f->store = img_store_fault(f->store, script, &err);
	cr_assert(f->store, "%s", err.text);
	const struct qcow2_cache_source source = {
		.store = f->store, .file_size = SAMPLE_BYTES * 2, .geo = &f->geo, .l1 = f->l1,
		.n_l1 = N,
	};
	f->cache = qcow2_cache_new(&source, &err);
	cr_assert(f->cache);
}

static void teardown(struct fixture *f)
{
	qcow2_cache_free(f->cache);
	img_store_close(f->store);
	free(f->bytes);
}

/* Whether table i can be had and is the right one. */
static bool is_right(struct fixture *f, size_t i)
{
	struct qcow2_table table;
	struct img_err err = { 0 };

	if (!qcow2_cache_get(f->cache, i, &table, &err))
		return false;
	const bool right = table.len == C && img_get_be64(table.raw) == i;
	qcow2_cache_put(f->cache, &table);
	return right;
}

static void *walk(void *arg)
{
	struct fixture *f = arg;
	size_t wrong = 0;

	for (size_t i = 0; i < N; i++)
		wrong += !is_right(f, i) + !is_right(f, i * 7919 % N);
	return (void *)wrong;
}

Test(cache, many_threads_see_the_right_tables)
{
	struct fixture f;
	pthread_t threads[THREADS];

	setup(&f, NULL);
	for (size_t i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, walk, &f), 0);
	for (size_t i = 0; i < THREADS; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		cr_assert_null(wrong);
	}
	teardown(&f);
}

Test(cache, a_failed_read_is_not_remembered)
{
	struct fixture f;

	setup(&f, "read:1");
	cr_assert_not(is_right(&f, 3));
	cr_assert(is_right(&f, 3));
	teardown(&f);
}

Test(cache, tables_that_follow_each_other_come_at_once)
{
	struct fixture f;

	/* A second read would fail. */
	setup(&f, "read:2");
	cr_assert(is_right(&f, 3));
	cr_assert(is_right(&f, 5));
	cr_assert_not(is_right(&f, 6));
	teardown(&f);
}
