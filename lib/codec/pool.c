/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A shelf of codec contexts: making one costs more than compressing a small unit with it. */
#include <assert.h>

#include "base/lock.h"
#include "base/mem.h"
#include "codec/codec.h"

struct img_codec_pool {
	const struct img_codec *codec;
	int level;
	size_t unit;

	pthread_mutex_t lock;	/* guards all below */
	void **idle;		/* room for every context made, so that putting back cannot fail */
	size_t n_idle;
	size_t n_made;
};

struct img_codec_pool *img_codec_pool_new(const struct img_codec *codec, int level, size_t unit,
					  struct img_err *err)
{
	struct img_codec_pool *pool = img_calloc(1, sizeof(*pool), err);

	if (!pool)
		return NULL;
	pool->codec = codec;
	pool->level = level;
	pool->unit = unit;
	pthread_mutex_init(&pool->lock, NULL);
	return pool;
}

/* An idle context, or NULL with *room set to whether one more may be made. */
static void *take_idle(struct img_codec_pool *pool, bool *room, struct img_err *err)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&pool->lock);
	void **idle;

	if (pool->n_idle)
		return pool->idle[--pool->n_idle];
	idle = img_grow(pool->idle, pool->n_made + 1, sizeof(*idle), err);
	*room = idle;
	if (idle) {
		pool->idle = idle;
		pool->n_made++;
	}
	return NULL;
}

void *img_codec_pool_get(struct img_codec_pool *pool, struct img_err *err)
{
	bool room = false;
	void *cx = take_idle(pool, &room, err);

	/* Made outside the lock: it may take long.  A failure leaves unused room, nothing else. */
	if (!cx && room)
		cx = pool->codec->open(pool->level, pool->unit, err);
	return cx;
}

void img_codec_pool_put(struct img_codec_pool *pool, void *cx)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&pool->lock);

	assert(pool->n_idle < pool->n_made);
	pool->idle[pool->n_idle++] = cx;
}

void img_codec_pool_free(struct img_codec_pool *pool)
{
	if (!pool)
		return;
	while (pool->n_idle)
		pool->codec->close(pool->idle[--pool->n_idle]);
	pthread_mutex_destroy(&pool->lock);
	free(pool->idle);
	free(pool);
}
