/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes a stream seekable by keeping all of it that was read so far: the first bytes in memory, the
 * others in a temporary file.  The stream is read no further than somebody asks for.
 *
 * What has come in never changes, so it is read without a lock; only one thread at a time takes
 * more from the stream, while the others that want more wait for it.
 */
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "base/err.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"

#define CHUNK_BYTES (1024 * 1024)

struct spool {
	struct img_store st;
	struct img_store *stream;	/* owned */
	uint8_t *memory;		/* bytes [0, limit); the system gives pages when touched */
	uint64_t limit;
	struct img_store *file;		/* bytes from limit on, at 0; NULL: not yet needed */
	uint8_t *chunk;			/* on the way to file; whoever is filling uses it */
	_Atomic uint64_t have;		/* so many bytes have come in */
	pthread_mutex_t lock;		/* guards all below */
	pthread_cond_t more;		/* filling has become false */
	bool filling;
	bool ended;
	struct img_err failed;		/* code not IMG_OK: no further bytes can be had */
};

/* The next len bytes of the stream (at most CHUNK_BYTES, on one side of limit) to their place. */
static bool take_chunk(struct spool *spool, uint64_t at, size_t len, size_t *got,
		       struct img_err *err)
{
	if (at < spool->limit)
		return img_store_read_some(spool->stream, at, spool->memory + at, len, got, err);
	if (!spool->chunk)
		spool->chunk = img_alloc_aligned(CHUNK_BYTES, err);
	if (!spool->file)
		spool->file = img_store_temporary(NULL, err);
	return spool->chunk && spool->file &&
	       img_store_read_some(spool->stream, at, spool->chunk, len, got, err) &&
	       img_store_write(spool->file, at - spool->limit, spool->chunk, *got, err);
}

/* Not a byte more than is wanted: whoever writes into the pipe may wait for an answer first. */
static size_t next_len(const struct spool *spool, uint64_t have, uint64_t want)
{
	const uint64_t len = img_min_u64(CHUNK_BYTES, want - have);

	return have < spool->limit ? img_min_u64(len, spool->limit - have) : len;
}

/* Called without the lock by the one thread that is filling. */
static void fill(struct spool *spool, uint64_t want)
{
	uint64_t have = atomic_load(&spool->have);
	struct img_err err = { 0 };
	bool ok = true, ended = false;

	while (ok && !ended && have < want) {
		const size_t len = next_len(spool, have, want);
		size_t got = 0;

		ok = take_chunk(spool, have, len, &got, &err);
		ended = ok && got < len;
		have += ok ? got : 0;
		atomic_store(&spool->have, have);
	}
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&spool->lock);

	spool->ended = ended;
	if (!ok)
		spool->failed = err;
}

/* Returns when the stream was read up to want, or has ended before; an error if it cannot be. */
static bool reach(struct spool *spool, uint64_t want, struct img_err *err)
{
	bool ok = true;

	if (atomic_load(&spool->have) >= want)
		return true;
	pthread_mutex_lock(&spool->lock);
	while (ok && !spool->ended && atomic_load(&spool->have) < want) {
		if (spool->filling) {
			pthread_cond_wait(&spool->more, &spool->lock);
			continue;
		}
		ok = spool->failed.code == IMG_OK;
		if (!ok)
			break;
		spool->filling = true;
		pthread_mutex_unlock(&spool->lock);
		fill(spool, want);
		pthread_mutex_lock(&spool->lock);
		spool->filling = false;
		pthread_cond_broadcast(&spool->more);
	}
	if (!ok && err)
		*err = spool->failed;
	pthread_mutex_unlock(&spool->lock);
	return ok;
}

static bool spool_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	struct spool *spool = (struct spool *)st;

	if (!reach(spool, UINT64_MAX, err))
		return false;
	*bytes = atomic_load(&spool->have);
	return true;
}

static bool spool_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
		       struct img_err *err)
{
	struct spool *spool = (struct spool *)st;
	size_t n, first = 0;

	if (!reach(spool, at + len, err))
		return false;
	const uint64_t have = atomic_load(&spool->have);

	n = at < have ? img_min_u64(len, have - at) : 0;
	if (n > 0 && at < spool->limit) {
		first = img_min_u64(n, spool->limit - at);
		memcpy(buf, spool->memory + at, first);
	}
	if (n > first && !img_store_read(spool->file, at + first - spool->limit,
					 (uint8_t *)buf + first, n - first, err))
		return false;
	*got = n;
	return true;
}

static void spool_close(struct img_store *st)
{
	struct spool *spool = (struct spool *)st;

	if (spool->memory)
		(void)munmap(spool->memory, spool->limit);	/* it was mapped */
	free(spool->chunk);
	img_store_close(spool->file);
	img_store_close(spool->stream);
	pthread_cond_destroy(&spool->more);
	pthread_mutex_destroy(&spool->lock);
	free(spool);
}

static const struct img_store_ops spool_ops = {
	.kind = "spool",
	.passes_on = true,
	.size = spool_size,
	.read = spool_read,
	.close = spool_close,
};

/* Room that costs nothing until it is used, and never moves while others read in it. */
static bool map_memory(struct spool *spool, struct img_err *err)
{
	void *memory;

	if (spool->limit == 0)
		return true;
	memory = mmap(NULL, spool->limit, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return img_fail_nomem(err, spool->limit);
	spool->memory = memory;
	return true;
}

struct img_store *img_store_spool(struct img_store *stream, uint64_t memory_limit,
				  struct img_err *err)
{
	struct spool *spool = img_calloc(1, sizeof(*spool), err);

	if (!spool)
		return NULL;
	spool->st = (struct img_store){
		.ops = &spool_ops, .align = 1, .caps = IMG_STORE_SEEK | IMG_STORE_PARALLEL,
	};
	spool->limit = img_round_down(img_min_u64(memory_limit, SIZE_MAX / 4), IMG_MEM_ALIGN);
	pthread_mutex_init(&spool->lock, NULL);
	pthread_cond_init(&spool->more, NULL);
	spool->st.name = img_strdup(stream->name, err);
	if (spool->st.name && map_memory(spool, err)) {
		spool->stream = stream;
		return &spool->st;
	}
	img_store_close(&spool->st);
	return NULL;
}
