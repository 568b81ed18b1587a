/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cache of tables: threads over more tables than it holds, failures, and writing back. */
#include <pthread.h>
#include <unistd.h>
#include "base/lock.h"
#include "format/qcow2/cache.h"
#include "sample.h"

/* Tables of 512 bytes, of which the cache holds a hundred. */
enum { C = 512, N = 2000, FIRST = 4 * C, THREADS = 4, LIMIT = 100 * C };

struct fixture {
	uint64_t hosts[N];
	uint8_t *bytes;
	struct qcow2_cache *cache;
	struct img_store *store;
	_Atomic size_t barriers;
	pthread_mutex_t *gate;		/* NULL, or what each barrier waits for */
	bool slow;			/* each barrier takes its time */
	_Atomic unsigned busy;		/* the next thread writes this table on and on; 0: end */
};

static bool count_barrier(void *ctx, struct img_err *err)
{
	struct fixture *f = ctx;

	(void)err;
	f->barriers++;
	if (f->gate) {
		pthread_mutex_lock(f->gate);
		pthread_mutex_unlock(f->gate);
	}
	if (f->slow)
		usleep(5000);
	return true;
}

/* Table i starts with its own number; every third does not follow the one before it. */
static void setup(struct fixture *f, const char *script)
{
	struct img_err err = { 0 };

	f->barriers = 0;
	f->gate = NULL;
	f->slow = false;
	f->busy = 0;
	f->bytes = calloc(1, SAMPLE_BYTES * 2);
	for (uint64_t i = 0, at = FIRST; i < N; i++, at += i % 3 ? C : 2 * C) {
		f->hosts[i] = at;
		img_put_be64(f->bytes + at, i);
	}
	f->store = img_store_mem(f->bytes, SAMPLE_BYTES * 2, &err);
	if (script)
		f->store = img_store_fault(f->store, script, &err);
	cr_assert(f->store, "%s", err.text);
	const struct qcow2_cache_how how = {
		.store = f->store, .table_len = C, .limit = LIMIT, .barrier = count_barrier, .ctx = f,
	};
	f->cache = qcow2_cache_new(&how, &err);
	cr_assert(f->cache);
}

static void teardown(struct fixture *f)
{
	qcow2_cache_free(f->cache);
	img_store_close(f->store);
	free(f->bytes);
}

/* Table i, pinned, with the lock held; NULL: it cannot be had. */
static struct qcow2_table *get(struct fixture *f, size_t i, struct img_err *err)
{
	struct qcow2_table *table;
	size_t follow = 1;

	while (i + follow < N && f->hosts[i + follow] == f->hosts[i] + follow * C)
		follow++;
	return qcow2_cache_get(f->cache, f->hosts[i], follow, SAMPLE_BYTES * 2, &table, err)
	       ? table : NULL;
}

/* Whether table i can be had and is the right one. */
static bool is_right(struct fixture *f, size_t i)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(qcow2_cache_lock(f->cache));
	struct img_err err = { 0 };
	struct qcow2_table *table = get(f, i, &err);

	if (!table)
		return false;
	const bool right = table->len == C && img_get_be64(table->raw) == i;
	qcow2_cache_put(f->cache, table);
	return right;
}

/* Writes value behind the number of table i. */
static bool change(struct fixture *f, size_t i, uint64_t value, bool late)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(qcow2_cache_lock(f->cache));
	struct img_err err = { 0 };
	struct qcow2_table *table = get(f, i, &err);

	if (!table)
		return false;
	img_put_be64(table->raw + 8, value);
	qcow2_cache_changed(f->cache, table, 8, 8, late);
	qcow2_cache_put(f->cache, table);
	return true;
}

static bool write_all(struct fixture *f)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(qcow2_cache_lock(f->cache));
	struct img_err err = { 0 };

	return qcow2_cache_write_all(f->cache, &err);
}

/* What the file has behind the number of table i. */
static uint64_t in_file(struct fixture *f, size_t i)
{
	struct img_err err = { 0 };
	uint8_t raw[16];

	cr_assert(img_store_read(f->store, f->hosts[i], raw, sizeof(raw), &err), "%s", err.text);
	cr_assert_eq(img_get_be64(raw), i);
	return img_get_be64(raw + 8);
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

Test(cache, what_changed_is_written_back_once)
{
	struct img_traffic before = { 0 }, traffic = { 0 };
	struct fixture f;

	setup(&f, NULL);
	img_store_add_traffic(f.store, &before);
	cr_assert(change(&f, 3, 33, false) && change(&f, 7, 77, false));
	cr_assert_eq(in_file(&f, 3), 0);
	cr_assert(write_all(&f) && write_all(&f));
	cr_assert_eq(in_file(&f, 3), 33);
	cr_assert_eq(in_file(&f, 7), 77);
	img_store_add_traffic(f.store, &traffic);
	cr_assert_eq(traffic.writes - before.writes, 2);
	cr_assert_eq(f.barriers, 0);
	teardown(&f);
}

Test(cache, one_barrier_goes_in_front_of_what_is_late)
{
	struct fixture f;

	setup(&f, NULL);
	cr_assert(change(&f, 3, 33, true) && change(&f, 7, 77, true) && change(&f, 9, 99, false));
	cr_assert(write_all(&f));
	cr_assert_eq(f.barriers, 1);
	cr_assert(change(&f, 3, 34, false) && write_all(&f));
	cr_assert_eq(f.barriers, 1);
	teardown(&f);
}

Test(cache, what_is_driven_out_is_written_first)
{
	struct fixture f;

	setup(&f, NULL);
	for (size_t i = 0; i < N; i++)
		cr_assert(change(&f, i, i * 3, i == 5));
	cr_assert_eq(in_file(&f, 5), 15);
	cr_assert_eq(f.barriers, 1);
	for (size_t i = 0; i < N; i++)
		cr_assert(is_right(&f, i));
	cr_assert(write_all(&f));
	for (size_t i = 0; i < N; i++)
		cr_assert_eq(in_file(&f, i), i * 3);
	teardown(&f);
}

Test(cache, a_failed_write_is_tried_again)
{
	struct fixture f;

	setup(&f, "write:1");
	cr_assert(change(&f, 3, 33, true));
	cr_assert_not(write_all(&f));
	cr_assert(write_all(&f));
	cr_assert_eq(in_file(&f, 3), 33);
	cr_assert_eq(f.barriers, 2, "late until it was written");
	teardown(&f);
}

Test(cache, what_is_forgotten_is_not_written)
{
	struct fixture f;

	setup(&f, NULL);
	cr_assert(change(&f, 3, 33, false));
	pthread_mutex_lock(qcow2_cache_lock(f.cache));
	qcow2_cache_forget(f.cache, f.hosts[3]);
	pthread_mutex_unlock(qcow2_cache_lock(f.cache));
	cr_assert(write_all(&f));
	cr_assert_eq(in_file(&f, 3), 0);
	teardown(&f);
}

/* Threads that each count up their own word in all tables, while one writes back. */
struct counter {
	struct fixture *f;
	size_t word;
	bool ok;
};

static void *count_up(void *arg)
{
	struct counter *me = arg;
	struct fixture *f = me->f;

	me->ok = true;
	for (size_t i = 0; me->ok && i < 2 * N; i++) {
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(qcow2_cache_lock(f->cache));
		struct qcow2_table *table = get(f, i % N, NULL);

		me->ok = table;
		if (!table)
			break;
		uint8_t *word = table->raw + 8 * me->word;

		img_put_be64(word, img_get_be64(word) + 1);
		qcow2_cache_changed(f->cache, table, 8 * me->word, 8, i % 7 == 0);
		qcow2_cache_put(f->cache, table);
		if (i % 100 == 0)
			me->ok = me->word != 1 || qcow2_cache_write_all(f->cache, NULL);
	}
	return NULL;
}

Test(cache, no_change_of_any_thread_is_lost)
{
	struct counter counters[THREADS];
	pthread_t threads[THREADS];
	struct fixture f;
	uint8_t raw[C];

	setup(&f, NULL);
	for (size_t i = 0; i < THREADS; i++) {
		counters[i] = (struct counter){ .f = &f, .word = i + 1 };
		cr_assert_eq(pthread_create(&threads[i], NULL, count_up, &counters[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		cr_assert(counters[i].ok);
	}
	cr_assert(write_all(&f));
	for (size_t i = 0; i < N; i++) {
		cr_assert(img_store_read(f.store, f.hosts[i], raw, C, NULL));
		for (size_t t = 1; t <= THREADS; t++)
			cr_assert_eq(img_get_be64(raw + 8 * t), 2);
	}
	teardown(&f);
}

static void *write_late(void *arg)
{
	struct fixture *f = arg;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(qcow2_cache_lock(f->cache));
	struct qcow2_table *table = get(f, 5, NULL);
	const bool ok = table && qcow2_cache_write(f->cache, table, NULL);

	if (table)
		qcow2_cache_put(f->cache, table);
	return (void *)(uintptr_t)ok;
}

static void *write_them_all(void *arg)
{
	return (void *)(uintptr_t)write_all(arg);
}

static void wait_until_taken(struct fixture *f, size_t i)
{
	bool queued = true;

	while (queued) {
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(qcow2_cache_lock(f->cache));
		struct qcow2_table *table = get(f, i, NULL);

		queued = table->queued;
		qcow2_cache_put(f->cache, table);
	}
}

/*
 * One that writes all must not wait for a table while it holds others back: table 3 changes again
 * while it waits for table 5, and comes up behind that, since 7 has left the queue.
 */
Test(cache, nobody_waits_for_a_table_of_their_own, .timeout = 30)
{
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	pthread_t one, all;
	struct fixture f;
	void *ok;

	setup(&f, NULL);
	f.gate = &gate;
	pthread_mutex_lock(&gate);
	cr_assert(change(&f, 5, 55, true));
	pthread_create(&one, NULL, write_late, &f);
	wait_until_taken(&f, 5);
	cr_assert(change(&f, 3, 33, false) && change(&f, 5, 56, false) && change(&f, 7, 77, false));
	pthread_create(&all, NULL, write_them_all, &f);
	wait_until_taken(&f, 3);
	cr_assert(change(&f, 3, 34, false));
	pthread_mutex_lock(qcow2_cache_lock(f.cache));
	qcow2_cache_forget(f.cache, f.hosts[7]);
	pthread_mutex_unlock(qcow2_cache_lock(f.cache));
	pthread_mutex_unlock(&gate);
	pthread_join(one, &ok);
	cr_assert(ok);
	pthread_join(all, &ok);
	cr_assert(ok);
	cr_assert(write_all(&f));
	cr_assert_eq(in_file(&f, 3), 34);
	cr_assert_eq(in_file(&f, 5), 56);
	cr_assert_eq(in_file(&f, 7), 0);
	teardown(&f);
}

static void *write_on_and_on(void *arg)
{
	struct fixture *f = arg;
	const size_t own = f->busy++;
	bool ok = true;

	while (ok && f->busy) {
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(qcow2_cache_lock(f->cache));
		struct qcow2_table *table = get(f, own, NULL);

		ok = table;
		if (!table)
			break;
		qcow2_cache_changed(f->cache, table, 8, 8, true);
		ok = qcow2_cache_write(f->cache, table, NULL);
		qcow2_cache_put(f->cache, table);
	}
	return (void *)(uintptr_t)ok;
}

/* Writers that drive tables out all the time leave no moment in which none is under way. */
Test(cache, who_writes_all_waits_for_those_before_it_only, .timeout = 30)
{
	pthread_t threads[THREADS];
	struct fixture f;
	void *ok;

	setup(&f, NULL);
	f.slow = true;
	f.busy = 1;
	for (size_t i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, write_on_and_on, &f), 0);
	while (f.busy <= THREADS)
		usleep(100);
	cr_assert(change(&f, 20, 2020, false) && write_all(&f));
	cr_assert_eq(in_file(&f, 20), 2020);
	f.busy = 0;
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &ok);
		cr_assert(ok);
	}
	teardown(&f);
}
