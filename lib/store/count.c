/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A new file that nobody will read: of what is written only the places are kept, so that it says how
 * long the file would be and which of its blocks would be there.
 */
#include "store/file.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "store/ranges.h"

/* What file systems hand out. */
#define BLOCK_BYTES 4096

struct counting {
	struct img_store st;
	pthread_mutex_t lock;		/* guards all below */
	uint64_t len, ahead;		/* ahead: set aside by expect, as a file does it */
	struct img_rangeset blocks;	/* whole ones, maybe behind the end */
};

static bool counting_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	struct counting *c = (struct counting *)st;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&c->lock);

	(void)err;
	*bytes = c->len;
	return true;
}

/* What was written is gone: formats that move it ask for it, and do not look at it. */
static bool counting_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
			  struct img_err *err)
{
	uint64_t end;

	if (!counting_size(st, &end, err))
		return false;
	*got = at < end ? img_min_u64(len, end - at) : 0;
	memset(buf, 0, *got);
	return true;
}

static bool take(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err)
{
	struct counting *c = (struct counting *)st;
	const uint64_t first = img_round_down(at, BLOCK_BYTES);
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&c->lock);

	c->len = img_max_u64(c->len, at + len);
	return img_rangeset_include(&c->blocks, first, img_round_up(at + len, BLOCK_BYTES) - first,
				    err);
}

static bool counting_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
			   struct img_err *err)
{
	(void)buf;
	return take(st, at, len, err);
}

/* A hole where nothing was written yet; what was is not given back by those who write new images. */
static bool counting_zero(struct img_store *st, uint64_t at, uint64_t len, bool keep_space,
			  struct img_err *err)
{
	struct counting *c = (struct counting *)st;

	if (keep_space)
		return take(st, at, len, err);
	pthread_mutex_lock(&c->lock);
	c->len = img_max_u64(c->len, at + len);
	pthread_mutex_unlock(&c->lock);
	return true;
}

static bool counting_extent(struct img_store *st, uint64_t at, uint64_t limit,
			    struct img_extent *out, struct img_err *err)
{
	struct counting *c = (struct counting *)st;
	struct img_stretch gap = { .start = limit };
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&c->lock);
	const bool zero = img_rangeset_gap(&c->blocks, at, limit, &gap) && gap.start == at;

	(void)err;
	*out = (struct img_extent){
		.start = at, .host = at, .store = st, .zero_in_store = zero,
		.kind = zero ? IMG_EXTENT_ZERO : IMG_EXTENT_DATA,
	};
	out->len = out->host_len = (zero ? gap.end : gap.start) - at;
	return true;
}

static bool counting_preallocate(struct img_store *st, uint64_t at, uint64_t len,
				 enum img_preallocation how, struct img_err *err)
{
	(void)how;
	return take(st, at, len, err);
}

static bool counting_resize(struct img_store *st, uint64_t bytes, struct img_err *err)
{
	struct counting *c = (struct counting *)st;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&c->lock);

	(void)err;
	c->len = bytes;
	return true;
}

static void counting_expect(struct img_store *st, uint64_t end)
{
	struct counting *c = (struct counting *)st;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&c->lock);

	if (end > c->ahead && end <= INT64_MAX / 2)
		c->ahead = img_file_ahead_of(end);
}

static void counting_close(struct img_store *st)
{
	struct counting *c = (struct counting *)st;

	pthread_mutex_destroy(&c->lock);
	img_rangeset_clear(&c->blocks);
	free(c);
}

static const struct img_store_ops counting_ops = {
	.kind = "counting",
	.size = counting_size,
	.read = counting_read,
	.write = counting_write,
	.zero = counting_zero,
	.resize = counting_resize,
	.extent = counting_extent,
	.preallocate = counting_preallocate,
	.expect = counting_expect,
	.close = counting_close,
};

struct img_store *img_store_count(const char *shown_as, struct img_err *err)
{
	struct counting *c = img_calloc(1, sizeof(*c), err);

	if (!c)
		return NULL;
	c->st = (struct img_store){
		.ops = &counting_ops, .align = 1,
		.caps = IMG_STORE_WRITE | IMG_STORE_SEEK | IMG_STORE_PARALLEL | IMG_STORE_ZERO |
			IMG_STORE_EXTENTS | IMG_STORE_RESIZE | IMG_STORE_FRESH,
	};
	pthread_mutex_init(&c->lock, NULL);
	c->st.name = img_strdup(shown_as, err);
	if (c->st.name)
		return &c->st;
	img_store_close(&c->st);
	return NULL;
}

uint64_t img_store_counted(struct img_store *st)
{
	struct counting *c = (struct counting *)st;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&c->lock);
	const uint64_t end = img_round_up(c->len, BLOCK_BYTES);
	const uint64_t ahead = img_min_u64(img_round_up(c->ahead, BLOCK_BYTES), end);
	uint64_t sum = ahead;

	/* What is behind the end was given back. */
	for (size_t i = 0; i < c->blocks.n; i++) {
		const uint64_t from = img_max_u64(c->blocks.v[i].start, ahead);
		const uint64_t to = img_min_u64(c->blocks.v[i].end, end);

		sum += to > from ? to - from : 0;
	}
	return sum;
}
