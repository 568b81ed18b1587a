/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * L2 tables in memory: bounded, and shared by all threads.
 *
 * What is kept are runs: the wanted table and those behind it that follow it in the file, read at
 * once.  A run that is being read is a state that others wait for; no lock is held meanwhile.
 */
#include "base/bytes.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/qcow2.h"

enum {
	RUNS = 256,
	RUN_TABLES = 64,
	RUN_BYTES = 1 << 20,
	CACHE_BYTES = 16 << 20,		/* never exceeded but by a single run */
};

enum run_state { RUN_EMPTY, RUN_LOADING, RUN_READY };

struct qcow2_run {
	enum run_state state;
	size_t first, n;		/* L1 indices */
	unsigned pins;
	uint64_t used;			/* the clock when it was last asked for */
	uint8_t *bytes;
	size_t len;
};

struct qcow2_cache {
	struct qcow2_cache_source source;
	size_t table_len;

	pthread_mutex_t lock;		/* guards all below */
	pthread_cond_t changed;		/* a run became ready, empty or free to be dropped */
	struct qcow2_run runs[RUNS];
	uint64_t bytes, clock;
};

struct qcow2_cache *qcow2_cache_new(const struct qcow2_cache_source *source, struct img_err *err)
{
	struct qcow2_cache *cache = img_calloc(1, sizeof(*cache), err);

	if (!cache)
		return NULL;
	cache->source = *source;
	cache->table_len = qcow2_cluster_size(source->geo);
	pthread_mutex_init(&cache->lock, NULL);
	pthread_cond_init(&cache->changed, NULL);
	return cache;
}

void qcow2_cache_free(struct qcow2_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < RUNS; i++) {
		assert(!cache->runs[i].pins);
		free(cache->runs[i].bytes);
	}
	pthread_cond_destroy(&cache->changed);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

static uint64_t host_of(const struct qcow2_cache *cache, size_t l1_index)
{
	uint64_t host;
	const char *why;

	return qcow2_l1_decode(cache->source.geo, cache->source.l1[l1_index], &host, &why) ? host
											   : 0;
}

static struct qcow2_run *find(struct qcow2_cache *cache, size_t l1_index)
{
	for (size_t i = 0; i < RUNS; i++) {
		struct qcow2_run *run = &cache->runs[i];

		if (l1_index - run->first < run->n && run->state != RUN_EMPTY)
			return run;
	}
	return NULL;
}

/* How many tables from l1_index on follow each other in the file, whole, and are not here yet. */
static size_t run_length(struct qcow2_cache *cache, size_t l1_index)
{
	const size_t most = img_max_u64(1, img_min_u64(RUN_TABLES, RUN_BYTES / cache->table_len));
	const uint64_t host = host_of(cache, l1_index);
	size_t n = 1;

	while (n < most && l1_index + n < cache->source.n_l1 &&
	       host_of(cache, l1_index + n) == host + n * cache->table_len &&
	       host + (n + 1) * cache->table_len <= cache->source.file_size &&
	       !find(cache, l1_index + n))
		n++;
	return n;
}

static void drop(struct qcow2_cache *cache, struct qcow2_run *run)
{
	cache->bytes -= run->n * cache->table_len;
	free(run->bytes);
	*run = (struct qcow2_run){ 0 };
}

/* A free place for n tables; NULL: everything is in use, wait. */
static struct qcow2_run *make_room(struct qcow2_cache *cache, size_t n)
{
	for (;;) {
		struct qcow2_run *empty = NULL, *oldest = NULL;

		for (size_t i = 0; i < RUNS; i++) {
			struct qcow2_run *run = &cache->runs[i];

			if (run->state == RUN_EMPTY)
				empty = run;
			else if (run->state == RUN_READY && !run->pins &&
				 (!oldest || run->used < oldest->used))
				oldest = run;
		}
		if (empty && (!cache->bytes || cache->bytes + n * cache->table_len <= CACHE_BYTES))
			return empty;
		if (!oldest)
			return NULL;
		drop(cache, oldest);
	}
}

/* Without the lock; run is LOADING, hence ours. */
static bool load(struct qcow2_cache *cache, struct qcow2_run *run, struct img_err *err)
{
	const uint64_t host = host_of(cache, run->first);

	run->len = img_min_u64(run->n * cache->table_len, cache->source.file_size - host);
	run->bytes = img_alloc_aligned(run->len, err);
	return run->bytes && img_store_read(cache->source.store, host, run->bytes, run->len, err);
}

/* Called and left with the lock held, which is released while reading. */
static bool load_run(struct qcow2_cache *cache, struct qcow2_run *run, size_t first, size_t n,
		     struct img_err *err)
{
	*run = (struct qcow2_run){ .state = RUN_LOADING, .first = first, .n = n };
	cache->bytes += n * cache->table_len;
	pthread_mutex_unlock(&cache->lock);
	const bool ok = load(cache, run, err);
	pthread_mutex_lock(&cache->lock);
	if (ok)
		run->state = RUN_READY;
	else
		drop(cache, run);
	pthread_cond_broadcast(&cache->changed);
	return ok;
}

bool qcow2_cache_get(struct qcow2_cache *cache, size_t l1_index, struct qcow2_table *out,
		     struct img_err *err)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&cache->lock);
	struct qcow2_run *run;

	while (!(run = find(cache, l1_index)) || run->state != RUN_READY) {
		const size_t n = run ? 0 : run_length(cache, l1_index);

		run = run ? NULL : make_room(cache, n);
		if (!run)
			pthread_cond_wait(&cache->changed, &cache->lock);
		else if (!load_run(cache, run, l1_index, n, err))
			return false;
	}
	const size_t skip = (l1_index - run->first) * cache->table_len;

	run->pins++;
	run->used = ++cache->clock;
	*out = (struct qcow2_table){
		.raw = run->bytes + skip,
		.len = img_min_u64(cache->table_len, run->len - skip),
		.run = run,
	};
	return true;
}

void qcow2_cache_put(struct qcow2_cache *cache, const struct qcow2_table *table)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&cache->lock);

	assert(table->run->pins > 0);
	if (!--table->run->pins)
		pthread_cond_broadcast(&cache->changed);
}
