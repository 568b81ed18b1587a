/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A store in memory; it grows as it is written. */
#include "store/store.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"

struct mem {
	struct img_store st;
	pthread_rwlock_t lock;	/* guards all below; writers of it change size or place */
	uint8_t *bytes;
	size_t len, room;
};

static bool mem_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	struct mem *mem = (struct mem *)st;

	(void)err;
	pthread_rwlock_rdlock(&mem->lock);
	*bytes = mem->len;
	pthread_rwlock_unlock(&mem->lock);
	return true;
}

static bool mem_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
		     struct img_err *err)
{
	struct mem *mem = (struct mem *)st;

	(void)err;
	pthread_rwlock_rdlock(&mem->lock);
	*got = at < mem->len ? img_min_u64(len, mem->len - at) : 0;
	if (*got > 0)
		memcpy(buf, mem->bytes + at, *got);
	pthread_rwlock_unlock(&mem->lock);
	return true;
}

/* The lock is held for writing.  What is new is zero. */
static bool set_len_locked(struct mem *mem, uint64_t len, struct img_err *err)
{
	if (len > SIZE_MAX / 4)		/* room may be twice as much */
		return img_fail_nomem(err, SIZE_MAX);
	if (len > mem->room) {
		const size_t room = img_max_u64(len, 2 * (uint64_t)mem->room);
		uint8_t *bytes = img_grow(mem->bytes, room, 1, err);

		if (!bytes)
			return false;
		mem->bytes = bytes;
		mem->room = room;
	}
	if (len > mem->len)
		memset(mem->bytes + mem->len, 0, len - mem->len);
	mem->len = len;
	return true;
}

static bool reach(struct mem *mem, uint64_t end, struct img_err *err)
{
	bool ok = true;

	pthread_rwlock_wrlock(&mem->lock);
	if (end > mem->len)
		ok = set_len_locked(mem, end, err);
	pthread_rwlock_unlock(&mem->lock);
	return ok;
}

static bool mem_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
		      struct img_err *err)
{
	struct mem *mem = (struct mem *)st;

	if (!reach(mem, at + len, err))
		return false;
	/* As in a file: who writes does not keep others from writing elsewhere. */
	pthread_rwlock_rdlock(&mem->lock);
	memcpy(mem->bytes + at, buf, len);
	pthread_rwlock_unlock(&mem->lock);
	return true;
}

static bool mem_resize(struct img_store *st, uint64_t bytes, struct img_err *err)
{
	struct mem *mem = (struct mem *)st;
	bool ok;

	pthread_rwlock_wrlock(&mem->lock);
	ok = set_len_locked(mem, bytes, err);
	pthread_rwlock_unlock(&mem->lock);
	return ok;
}

static void mem_close(struct img_store *st)
{
	struct mem *mem = (struct mem *)st;

	pthread_rwlock_destroy(&mem->lock);
	free(mem->bytes);
	free(mem);
}

static const struct img_store_ops mem_ops = {
	.kind = "memory",
	.size = mem_size,
	.read = mem_read,
	.write = mem_write,
	.resize = mem_resize,
	.close = mem_close,
};

struct img_store *img_store_mem(const void *content, size_t len, struct img_err *err)
{
	struct mem *mem = img_calloc(1, sizeof(*mem), err);

	if (!mem)
		return NULL;
	mem->st = (struct img_store){
		.ops = &mem_ops, .align = 1,
		.caps = IMG_STORE_WRITE | IMG_STORE_SEEK | IMG_STORE_PARALLEL |
			IMG_STORE_RESIZE | (len == 0 ? IMG_STORE_FRESH : 0),
	};
	pthread_rwlock_init(&mem->lock, NULL);
	mem->st.name = img_strdup(_("memory"), err);
	if (mem->st.name && (len == 0 || img_store_write(&mem->st, 0, content, len, err)))
		return &mem->st;
	img_store_close(&mem->st);
	return NULL;
}
