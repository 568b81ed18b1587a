/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Contexts are made once, kept, and never given to two callers. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "codec/codec.h"

#define UNIT 4096
#define THREADS 4
#define ROUNDS 500

static atomic_int opened, closed;

/* The context is a flag: in use or not. */
static void *counting_open(int level, size_t unit, struct img_err *err)
{
	(void)err;
	cr_assert_eq(level, 5);
	cr_assert_eq(unit, UNIT);
	opened++;
	return calloc(1, sizeof(atomic_int));
}

static void *failing_open(int level, size_t unit, struct img_err *err)
{
	(void)level;
	(void)unit;
	img_fail(err, IMG_E_NOMEM, "none left");
	return NULL;
}

static void counting_close(void *cx)
{
	closed++;
	free(cx);
}

static const struct img_codec counting = { .open = counting_open, .close = counting_close };
static const struct img_codec failing = { .open = failing_open, .close = counting_close };

static void *borrow(void *arg)
{
	struct img_codec_pool *pool = arg;
	struct img_err err = { 0 };

	for (int i = 0; i < ROUNDS; i++) {
		atomic_int *cx = img_codec_pool_get(pool, &err);

		if (!cx || atomic_fetch_add(cx, 1))
			return pool;	/* failed, or somebody else has it */
		atomic_fetch_sub(cx, 1);
		img_codec_pool_put(pool, cx);
	}
	return NULL;
}

Test(codec_pool, gives_a_context_to_one_thread_at_a_time)
{
	struct img_err err = { 0 };
	struct img_codec_pool *pool = img_codec_pool_new(&counting, 5, UNIT, &err);
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, borrow, pool);
	for (int i = 0; i < THREADS; i++) {
		void *trouble;

		pthread_join(threads[i], &trouble);
		cr_assert_null(trouble);
	}
	img_codec_pool_free(pool);
	cr_assert(opened >= 1 && opened <= THREADS);
	cr_assert_eq(opened, closed);
}

Test(codec_pool, keeps_what_was_put_back)
{
	struct img_err err = { 0 };
	struct img_codec_pool *pool = img_codec_pool_new(&counting, 5, UNIT, &err);
	void *a = img_codec_pool_get(pool, &err), *b = img_codec_pool_get(pool, &err);

	cr_assert(a && b && a != b);
	img_codec_pool_put(pool, a);
	cr_assert_eq(img_codec_pool_get(pool, &err), a);
	img_codec_pool_put(pool, a);
	img_codec_pool_put(pool, b);
	cr_assert_eq(opened, 2);
	img_codec_pool_free(pool);
	cr_assert_eq(closed, 2);
}

Test(codec_pool, passes_on_that_no_context_can_be_had)
{
	struct img_err err = { 0 };
	struct img_codec_pool *pool = img_codec_pool_new(&failing, 1, UNIT, &err);

	cr_assert_null(img_codec_pool_get(pool, &err));
	cr_assert_eq(err.code, IMG_E_NOMEM);
	img_codec_pool_free(pool);
	cr_assert_eq(closed, 0);
	img_codec_pool_free(NULL);
}
