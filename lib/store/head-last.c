/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A new image on a device or a server, which cannot get its name when it is whole, as a file does.
 * Its first bytes, by which it is known, are kept in memory until it is published; before anything
 * else is changed, those that were there become zeros.  So what was begun and not finished is neither
 * the old image nor the new one.
 */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"

/* What probing looks at, and the second header of LUKS2 at its usual place. */
#define HEAD_BYTES (64 * 1024)

struct head_last {
	struct img_store st;
	struct img_store *parent;	/* owned once this store is made */
	uint64_t size;
	size_t kept;			/* bytes of head */
	pthread_mutex_t lock;		/* guards all below */
	uint8_t *head;
	bool wiped;
};

static struct head_last *of(struct img_store *st)
{
	return (struct head_last *)st;
}

/* As many of len bytes from `at` on as are kept. */
static size_t kept_of(const struct head_last *hl, uint64_t at, uint64_t len)
{
	return at < hl->kept ? img_min_u64(len, hl->kept - at) : 0;
}

static bool head_last_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	(void)err;
	*bytes = of(st)->size;
	return true;
}

static bool head_last_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
			   struct img_err *err)
{
	struct head_last *hl = of(st);
	const size_t kept = kept_of(hl, at, len);

	if (kept) {
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&hl->lock);

		memcpy(buf, hl->head + at, kept);
	}
	*got = 0;
	if (kept < len && !img_store_read_some(hl->parent, at + kept, (uint8_t *)buf + kept,
					       len - kept, got, err))
		return false;
	*got += kept;
	return true;
}

/* With the lock held: nobody writes before it is done. */
static bool wipe(struct head_last *hl, struct img_err *err)
{
	hl->wiped = hl->wiped || (img_store_zero(hl->parent, 0, hl->kept, false, err) &&
				  img_store_sync(hl->parent, err));
	return hl->wiped;
}

/* What of a change lies in the head; from: NULL for zeros. */
static bool change_head(struct head_last *hl, uint64_t at, const void *from, size_t len,
			struct img_err *err)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&hl->lock);

	if (!wipe(hl, err))
		return false;
	if (len && from)
		memcpy(hl->head + at, from, len);
	else if (len)
		memset(hl->head + at, 0, len);
	return true;
}

static bool head_last_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
			    struct img_err *err)
{
	struct head_last *hl = of(st);
	const size_t kept = kept_of(hl, at, len);

	return change_head(hl, at, buf, kept, err) &&
	       img_store_write(hl->parent, at + kept, (const uint8_t *)buf + kept, len - kept, err);
}

static bool head_last_zero(struct img_store *st, uint64_t at, uint64_t len, bool keep_space,
			   struct img_err *err)
{
	struct head_last *hl = of(st);
	const size_t kept = kept_of(hl, at, len);

	return change_head(hl, at, NULL, kept, err) &&
	       img_store_zero(hl->parent, at + kept, len - kept, keep_space, err);
}

static bool head_last_extent(struct img_store *st, uint64_t at, uint64_t limit,
			     struct img_extent *out, struct img_err *err)
{
	struct head_last *hl = of(st);
	const uint64_t end = at + kept_of(hl, at, limit - at);

	if (end == at)
		return img_store_extent(hl->parent, at, limit, out, err);
	*out = (struct img_extent){
		.start = at, .len = end - at, .kind = IMG_EXTENT_DATA,
		.store = st, .host = at, .host_len = end - at,
	};
	return true;
}

/* The head has its space, as wiping it wrote there. */
static bool head_last_preallocate(struct img_store *st, uint64_t at, uint64_t len,
				  enum img_preallocation how, struct img_err *err)
{
	struct head_last *hl = of(st);
	const size_t kept = kept_of(hl, at, len);

	return change_head(hl, at, NULL, 0, err) &&
	       img_store_preallocate(hl->parent, at + kept, len - kept, how, err);
}

static bool head_last_sync(struct img_store *st, struct img_err *err)
{
	return img_store_sync(of(st)->parent, err);
}

/* What the head tells of is durable before it is there. */
static bool head_last_publish(struct img_store *st, struct img_err *err)
{
	struct head_last *hl = of(st);

	return img_store_sync(hl->parent, err) &&
	       img_store_write(hl->parent, 0, hl->head, hl->kept, err) &&
	       img_store_publish(hl->parent, err);
}

static void head_last_close(struct img_store *st)
{
	struct head_last *hl = of(st);

	img_store_close(hl->parent);
	pthread_mutex_destroy(&hl->lock);
	free(hl->head);
	free(hl);
}

static const struct img_store_ops head_last_ops = {
	.kind = "head-last",
	.passes_on = true,
	.size = head_last_size,
	.read = head_last_read,
	.write = head_last_write,
	.zero = head_last_zero,
	.extent = head_last_extent,
	.preallocate = head_last_preallocate,
	.sync = head_last_sync,
	.publish = head_last_publish,
	.close = head_last_close,
};

struct img_store *img_store_head_last(struct img_store *parent, struct img_err *err)
{
	struct head_last *hl;
	uint64_t size;

	if (!img_store_size(parent, &size, err) || !(hl = img_calloc(1, sizeof(*hl), err)))
		return NULL;
	hl->size = size;
	hl->kept = img_min_u64(size, HEAD_BYTES);
	pthread_mutex_init(&hl->lock, NULL);
	hl->st = (struct img_store){
		.ops = &head_last_ops, .align = parent->align, .cache = parent->cache,
		.caps = parent->caps & ~(unsigned)(IMG_STORE_RESIZE | IMG_STORE_FRESH),
	};
	hl->st.name = img_strdup(parent->name, err);
	hl->head = img_alloc_aligned(HEAD_BYTES, err);
	if (hl->st.name && hl->head) {
		memset(hl->head, 0, HEAD_BYTES);
		hl->parent = parent;
		return &hl->st;
	}
	img_store_close(&hl->st);
	return NULL;
}
