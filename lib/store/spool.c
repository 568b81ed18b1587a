/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes a stream seekable by keeping all of it that was read so far: the first bytes in memory, the
 * others in a temporary file.  The stream is read no further than somebody asks for, but for what
 * has come already.
 *
 * Whoever needs no more of its beginning says so (img_store_forget()): then the memory is used in a
 * circle, and a reader that keeps up never needs the file.
 *
 * What has come in never changes, so it is read without a lock; only one thread at a time takes
 * more from the stream, while the others that want more wait for it.
 */
#include "store/store.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "base/err.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/zero.h"

#define CHUNK_BYTES (1024 * 1024)

struct spool {
	struct img_store st;
	struct img_store *stream;	/* owned */
	uint8_t *memory;		/* of room bytes; the system gives pages when touched */
	uint64_t room;
	_Atomic uint64_t forgotten;	/* bytes in front of this are not there any more */
	/* Byte i is in memory[i % room] below limit, and in file behind, where limit is at 0. */
	_Atomic uint64_t limit;
	struct img_store *file;		/* NULL: not yet needed */
	void (*tell)(void *ctx, const char *text);	/* of the file, when it is made; or NULL */
	void *tell_ctx;
	uint8_t *chunk;			/* on the way to file; whoever is filling uses it */
	_Atomic uint64_t have;		/* so many bytes have come in */
	pthread_mutex_t lock;		/* guards all below */
	pthread_cond_t more;		/* filling has become false */
	bool filling;
	bool overflown;			/* bytes have gone to file: limit stays what it is */
	bool ended;
	struct img_err failed;		/* code not IMG_OK: no further bytes can be had */
};

/* Where memory ends for the byte at `at`, which comes next; it may go no further behind limit. */
static uint64_t settle_limit(struct spool *spool, uint64_t at)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&spool->lock);

	spool->overflown |= at >= spool->limit;
	return spool->limit;
}

/* Room that is taken without being asked for is said. */
static bool make_file(struct spool *spool, struct img_err *err)
{
	struct img_err said = { 0 };

	spool->file = img_store_temporary(NULL, err);
	if (!spool->file || !spool->tell)
		return spool->file;
	img_fail(&said, IMG_E_NOSPACE,
		 _("%s: has to be read out of order: what comes behind %" PRIu64 " MiB is kept in a "
		   "temporary file in %s meanwhile"), spool->st.name, spool->room >> 20, spool->file->name);
	spool->tell(spool->tell_ctx, said.text);
	return true;
}

/* The next len bytes of the stream (at most CHUNK_BYTES, on one side of limit) to their place. */
static bool take_chunk(struct spool *spool, uint64_t at, uint64_t limit, size_t len, size_t *got,
		       struct img_err *err)
{
	if (at < limit)
		return img_store_read_some(spool->stream, at, spool->memory + at % spool->room,
					   len, got, err);
	if (!spool->chunk)
		spool->chunk = img_alloc_aligned(CHUNK_BYTES, err);
	if (!spool->chunk || (!spool->file && !make_file(spool, err)) ||
	    !img_store_read_some(spool->stream, at, spool->chunk, len, got, err))
		return false;
	/* What was compressed may be zeros without an end. */
	return img_is_zero(spool->chunk, *got)
		       ? img_store_zero(spool->file, at - limit, *got, false, err)
		       : img_store_write(spool->file, at - limit, spool->chunk, *got, err);
}

/*
 * What is wanted and, in the same call, what need not be waited for: whoever writes into the pipe
 * may want an answer first.
 */
static size_t next_len(const struct spool *spool, uint64_t have, uint64_t limit, uint64_t want)
{
	uint64_t len = img_min_u64(CHUNK_BYTES, want - have);

	if (len < CHUNK_BYTES)
		len = img_max_u64(len, img_min_u64(CHUNK_BYTES,
						   img_store_ready(spool->stream, 0)));
	if (have >= limit)
		return len;
	len = img_min_u64(len, limit - have);
	return img_min_u64(len, spool->room - have % spool->room);
}

/* Called without the lock by the one thread that is filling. */
static void fill(struct spool *spool, uint64_t want)
{
	uint64_t have = atomic_load(&spool->have);
	struct img_err err = { 0 };
	bool ok = true, ended = false;

	while (ok && !ended && have < want) {
		const uint64_t limit = settle_limit(spool, have);
		const size_t len = next_len(spool, have, limit, want);
		size_t got = 0;

		ok = take_chunk(spool, have, limit, len, &got, &err);
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

/* What of n bytes lies in memory, in one piece or two; returns how many that are. */
static size_t read_memory(const struct spool *spool, uint64_t at, uint8_t *buf, size_t n)
{
	const uint64_t limit = spool->limit;
	size_t len, first;

	if (at >= limit)
		return 0;
	len = img_min_u64(n, limit - at);
	first = img_min_u64(len, spool->room - at % spool->room);
	memcpy(buf, spool->memory + at % spool->room, first);
	memcpy(buf + first, spool->memory, len - first);
	return len;
}

static bool spool_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
		       struct img_err *err)
{
	struct spool *spool = (struct spool *)st;
	size_t n, first;

	if (!reach(spool, at + len, err))
		return false;
	const uint64_t have = atomic_load(&spool->have);

	n = at < have ? img_min_u64(len, have - at) : 0;
	first = read_memory(spool, at, buf, n);
	/* Looked at last: what was copied may have been overwritten meanwhile. */
	if (at < spool->forgotten)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("cannot seek from offset %" PRIu64 " to %" PRIu64),
				atomic_load(&spool->forgotten), at);
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
		(void)munmap(spool->memory, spool->room);	/* it was mapped */
	free(spool->chunk);
	img_store_close(spool->file);
	img_store_close(spool->stream);
	pthread_cond_destroy(&spool->more);
	pthread_mutex_destroy(&spool->lock);
	free(spool);
}

static void spool_forget(struct img_store *st, uint64_t before)
{
	struct spool *spool = (struct spool *)st;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&spool->lock);

	if (before <= spool->forgotten)
		return;
	spool->forgotten = before;
	if (!spool->overflown)
		spool->limit = before + spool->room;
}

static const struct img_store_ops spool_ops = {
	.kind = "spool",
	.passes_on = true,
	.size = spool_size,
	.read = spool_read,
	.forget = spool_forget,
	.close = spool_close,
};

/* Room that costs nothing until it is used, and never moves while others read in it. */
static bool map_memory(struct spool *spool, struct img_err *err)
{
	void *memory;

	if (spool->room == 0)
		return true;
	memory = mmap(NULL, spool->room, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return img_fail_nomem(err, spool->room);
	spool->memory = memory;
	return true;
}

void img_store_spool_tell(struct img_store *st, void (*tell)(void *ctx, const char *text), void *ctx)
{
	struct spool *spool = (struct spool *)st;

	spool->tell = tell;
	spool->tell_ctx = ctx;
}

struct img_store *img_store_spool(struct img_store *stream, uint64_t memory_limit,
				  struct img_err *err)
{
	struct spool *spool = img_calloc(1, sizeof(*spool), err);

	if (!spool)
		return NULL;
	spool->st = (struct img_store){
		.ops = &spool_ops, .align = 1,
		.caps = IMG_STORE_SEEK | IMG_STORE_PARALLEL | IMG_STORE_COMING,
	};
	spool->room = img_round_down(img_min_u64(memory_limit, SIZE_MAX / 4), IMG_MEM_ALIGN);
	spool->limit = spool->room;
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
