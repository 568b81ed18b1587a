/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Codec contexts on a shelf. */
#include "base/mem.h"
#include "base/shelf.h"
#include "codec/codec.h"

struct img_codec_pool {
	const struct img_codec *codec;
	int level;
	size_t unit;
	struct img_shelf *shelf;
};

static void *make(const void *owner, struct img_err *err)
{
	const struct img_codec_pool *pool = owner;

	return pool->codec->open(pool->level, pool->unit, err);
}

static void drop(const void *owner, void *cx)
{
	const struct img_codec_pool *pool = owner;

	pool->codec->close(cx);
}

struct img_codec_pool *img_codec_pool_new(const struct img_codec *codec, int level, size_t unit,
					  struct img_err *err)
{
	static const struct img_shelf_kind kind = { .make = make, .drop = drop };
	struct img_codec_pool *pool = img_calloc(1, sizeof(*pool), err);

	if (!pool)
		return NULL;
	pool->codec = codec;
	pool->level = level;
	pool->unit = unit;
	pool->shelf = img_shelf_new(&kind, pool, err);
	if (pool->shelf)
		return pool;
	free(pool);
	return NULL;
}

void *img_codec_pool_get(struct img_codec_pool *pool, struct img_err *err)
{
	return img_shelf_get(pool->shelf, err);
}

void img_codec_pool_put(struct img_codec_pool *pool, void *cx)
{
	img_shelf_put(pool->shelf, cx);
}

void img_codec_pool_free(struct img_codec_pool *pool)
{
	if (!pool)
		return;
	img_shelf_free(pool->shelf);
	free(pool);
}
