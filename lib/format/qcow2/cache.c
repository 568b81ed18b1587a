/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables in memory: finding, reading and dropping them.  A table that is being read is a state that
 * others wait for; no lock is held meanwhile.  Writing back is in writeback.c.
 */
#include <string.h>
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/cache_inside.h"

enum {
	LOAD_TABLES = 64,		/* read at once at most, in number ... */
	LOAD_BYTES = 1 << 20,		/* ... and in bytes */
	SLAB_BYTES = 1 << 18,		/* of small tables that get memory together */
	BUCKETS_MAX = 1 << 16,
};

struct qcow2_cache *qcow2_cache_new(const struct qcow2_cache_how *how, struct img_err *err)
{
	struct qcow2_cache *cache = img_calloc(1, sizeof(*cache), err);
	const uint64_t tables = how->limit / how->table_len + 1;

	if (!cache)
		return NULL;
	cache->how = *how;
	cache->n_buckets = 64;
	while (cache->n_buckets < tables && cache->n_buckets < BUCKETS_MAX)
		cache->n_buckets *= 2;
	cache->buckets = img_calloc(cache->n_buckets, sizeof(*cache->buckets), err);
	if (!cache->buckets) {
		free(cache);
		return NULL;
	}
	pthread_mutex_init(&cache->lock, NULL);
	pthread_cond_init(&cache->progress, NULL);
	return cache;
}

pthread_mutex_t *qcow2_cache_lock(struct qcow2_cache *cache)
{
	return &cache->lock;
}

/* ---- Memory ----------------------------------------------------------------------------------- */

/* Aligned blocks as small as tables can be would take twice their size. */
struct qcow2_slab {
	struct qcow2_slab *next;
	uint8_t *raw;
	struct qcow2_table tables[];
};

static bool grow(struct qcow2_cache *cache, struct img_err *err)
{
	const size_t n = img_max_u64(1, SLAB_BYTES / cache->how.table_len);
	struct qcow2_slab *slab = img_calloc(1, sizeof(*slab) + n * sizeof(*slab->tables), err);

	if (!slab)
		return false;
	slab->raw = img_alloc_aligned(n * cache->how.table_len, err);
	if (!slab->raw) {
		free(slab);
		return false;
	}
	slab->next = cache->slabs;
	cache->slabs = slab;
	for (size_t i = 0; i < n; i++) {
		slab->tables[i].raw = slab->raw + i * cache->how.table_len;
		slab->tables[i].bucket = cache->spare;
		cache->spare = &slab->tables[i];
	}
	return true;
}

/* One without anything but memory for its bytes. */
static struct qcow2_table *take_spare(struct qcow2_cache *cache, struct img_err *err)
{
	struct qcow2_table *table;

	if (!cache->spare && !grow(cache, err))
		return NULL;
	table = cache->spare;
	cache->spare = table->bucket;
	*table = (struct qcow2_table){ .raw = table->raw };
	return table;
}

static void free_slabs(struct qcow2_cache *cache)
{
	struct qcow2_slab *slab;

	while ((slab = cache->slabs)) {
		cache->slabs = slab->next;
		free(slab->raw);
		free(slab);
	}
}

/* ---- Lists ----------------------------------------------------------------------------------- */

static struct qcow2_table **bucket_of(struct qcow2_cache *cache, uint64_t host)
{
	const uint64_t mixed = (host / cache->how.table_len) * UINT64_C(0x9e3779b97f4a7c15);

	return &cache->buckets[mixed >> 32 & (cache->n_buckets - 1)];
}

static void use_remove(struct qcow2_cache *cache, struct qcow2_table *table)
{
	*(table->older ? &table->older->newer : &cache->oldest) = table->newer;
	*(table->newer ? &table->newer->older : &cache->newest) = table->older;
}

static void use_add(struct qcow2_cache *cache, struct qcow2_table *table)
{
	table->older = cache->newest;
	table->newer = NULL;
	*(cache->newest ? &cache->newest->newer : &cache->oldest) = table;
	cache->newest = table;
}

void qcow2_queue_remove(struct qcow2_cache *cache, struct qcow2_table *table)
{
	if (!table->queued)
		return;
	*(table->before ? &table->before->behind : &cache->first_changed) = table->behind;
	*(table->behind ? &table->behind->before : &cache->last_changed) = table->before;
	table->queued = false;
	cache->n_changed--;
}

void qcow2_queue_add(struct qcow2_cache *cache, struct qcow2_table *table)
{
	if (table->queued || table->dead)
		return;
	table->before = cache->last_changed;
	table->behind = NULL;
	*(cache->last_changed ? &cache->last_changed->behind : &cache->first_changed) = table;
	cache->last_changed = table;
	table->queued = true;
	cache->n_changed++;
}

static void drop(struct qcow2_cache *cache, struct qcow2_table *table)
{
	struct qcow2_table **link = bucket_of(cache, table->host);

	assert(!table->pins && !table->writing);
	qcow2_queue_remove(cache, table);
	while (*link != table)
		link = &(*link)->bucket;
	*link = table->bucket;
	use_remove(cache, table);
	cache->bytes -= cache->how.table_len;
	table->bucket = cache->spare;
	cache->spare = table;
}

void qcow2_cache_free(struct qcow2_cache *cache)
{
	if (!cache)
		return;
	while (cache->oldest)
		drop(cache, cache->oldest);
	free_slabs(cache);
	pthread_cond_destroy(&cache->progress);
	pthread_mutex_destroy(&cache->lock);
	free(cache->buckets);
	free(cache);
}

/* ---- Finding --------------------------------------------------------------------------------- */

static struct qcow2_table *look_up(struct qcow2_cache *cache, uint64_t host)
{
	struct qcow2_table *table = *bucket_of(cache, host);

	while (table && (table->host != host || table->dead))
		table = table->bucket;
	return table;
}

struct qcow2_table *qcow2_cache_find(struct qcow2_cache *cache, uint64_t host)
{
	struct qcow2_table *table;

	while ((table = look_up(cache, host)) && table->loading)
		pthread_cond_wait(&cache->progress, &cache->lock);
	if (!table)
		return NULL;
	table->pins++;
	if (table != cache->newest) {
		use_remove(cache, table);
		use_add(cache, table);
	}
	return table;
}

void qcow2_cache_put(struct qcow2_cache *cache, struct qcow2_table *table)
{
	assert(table->pins > 0);
	if (!--table->pins && table->dead && !table->writing)
		drop(cache, table);
}

void qcow2_cache_forget(struct qcow2_cache *cache, uint64_t host)
{
	struct qcow2_table *table = qcow2_cache_find(cache, host);

	if (!table)
		return;
	/* What is on its way to the disk must have arrived before the cluster is used again. */
	while (table->writing)
		pthread_cond_wait(&cache->progress, &cache->lock);
	qcow2_queue_remove(cache, table);
	memset(table->changed, 0, sizeof(table->changed));
	table->dead = true;
	qcow2_cache_put(cache, table);
}

/* ---- Room ------------------------------------------------------------------------------------ */

static bool has_room(const struct qcow2_cache *cache)
{
	return cache->bytes + cache->how.table_len <= cache->how.limit;
}

/* The one that was not used for longest and can go; clean: without being written first. */
static struct qcow2_table *find_victim(struct qcow2_cache *cache, bool clean)
{
	struct qcow2_table *table = cache->oldest;

	while (table && (table->pins || table->loading || table->writing ||
			 (clean && table->queued)))
		table = table->newer;
	return table;
}

/*
 * Drops tables until one more has room, or all others are in use.  Lets the lock go when one has to
 * be written first; then *waited is set.
 */
static bool make_room(struct qcow2_cache *cache, bool *waited, struct img_err *err)
{
	struct qcow2_table *victim;

	while (!has_room(cache) && (victim = find_victim(cache, false))) {
		if (!victim->queued) {
			drop(cache, victim);
			continue;
		}
		*waited = true;
		victim->pins++;
		const bool ok = qcow2_cache_write(cache, victim, err);
		qcow2_cache_put(cache, victim);
		if (!ok)
			return false;
	}
	return true;
}

/* ---- New ones -------------------------------------------------------------------------------- */

/* A pinned table that is being loaded, with room for its bytes. */
static struct qcow2_table *add(struct qcow2_cache *cache, uint64_t host, struct img_err *err)
{
	struct qcow2_table **link = bucket_of(cache, host);
	struct qcow2_table *table = take_spare(cache, err);

	if (!table)
		return NULL;
	table->host = host;
	table->len = cache->how.table_len;
	table->pins = 1;
	table->loading = true;
	table->bucket = *link;
	*link = table;
	use_add(cache, table);
	cache->bytes += cache->how.table_len;
	return table;
}

bool qcow2_cache_make(struct qcow2_cache *cache, uint64_t host, struct qcow2_table **out,
		      struct img_err *err)
{
	bool waited;

	if (!make_room(cache, &waited, err))
		return false;
	struct qcow2_table *table = add(cache, host, err);

	if (!table)
		return false;
	memset(table->raw, 0, table->len);
	table->loading = false;
	*out = table;
	return true;
}

/* Tables that are read at once; the first is the one that is wanted. */
struct load {
	struct qcow2_table *tables[LOAD_TABLES];
	size_t n;
	size_t len;			/* bytes that the file has of them */
};

/* Takes along what follows, without driving out anything but the oldest clean tables. */
static void gather(struct qcow2_cache *cache, struct load *load, size_t most)
{
	const uint64_t first = load->tables[0]->host;

	while (load->n < most) {
		const uint64_t host = first + load->n * cache->how.table_len;
		struct qcow2_table *victim = has_room(cache) ? NULL : find_victim(cache, true);

		if (look_up(cache, host) || (!has_room(cache) && !victim))
			return;
		if (victim)
			drop(cache, victim);
		load->tables[load->n] = add(cache, host, NULL);
		if (!load->tables[load->n])
			return;
		load->n++;
	}
}

/* Without the lock: all tables are loading, hence ours. */
static bool read_tables(struct qcow2_cache *cache, const struct load *load, struct img_err *err)
{
	const size_t table_len = cache->how.table_len;
	const uint64_t host = load->tables[0]->host;

	if (load->n == 1)
		return img_store_read(cache->how.store, host, load->tables[0]->raw, load->len, err);
	IMG_AUTO_FREE uint8_t *bytes = img_alloc_aligned(load->len, err);

	if (!bytes || !img_store_read(cache->how.store, host, bytes, load->len, err))
		return false;
	for (size_t i = 0; i < load->n; i++)
		memcpy(load->tables[i]->raw, bytes + i * table_len,
		       img_min_u64(table_len, load->len - i * table_len));
	return true;
}

static void settle(struct qcow2_cache *cache, const struct load *load, bool ok)
{
	const size_t table_len = cache->how.table_len;

	for (size_t i = 0; i < load->n; i++) {
		struct qcow2_table *table = load->tables[i];

		table->loading = false;
		table->dead = !ok;
		table->len = img_min_u64(table_len, load->len - i * table_len);
		memset(table->raw + table->len, 0, table_len - table->len);
		if (i > 0 || !ok)
			qcow2_cache_put(cache, table);
	}
	pthread_cond_broadcast(&cache->progress);
}

static bool load_tables(struct qcow2_cache *cache, struct qcow2_table *first, size_t most,
			uint64_t file_size, struct img_err *err)
{
	struct load load = { .tables = { first }, .n = 1 };
	const uint64_t left = file_size - first->host;

	gather(cache, &load, img_min_u64(most, img_max_u64(1, left / cache->how.table_len)));
	load.len = img_min_u64(load.n * cache->how.table_len, left);
	pthread_mutex_unlock(&cache->lock);
	const bool ok = read_tables(cache, &load, err);
	pthread_mutex_lock(&cache->lock);
	settle(cache, &load, ok);
	return ok;
}

bool qcow2_cache_get(struct qcow2_cache *cache, uint64_t host, size_t n_follow, uint64_t file_size,
		     struct qcow2_table **out, struct img_err *err)
{
	const size_t most = img_min_u64(img_min_u64(LOAD_TABLES, n_follow),
					img_max_u64(1, LOAD_BYTES / cache->how.table_len));
	struct qcow2_table *table;
	bool waited;

	assert(host < file_size);
	for (;;) {
		table = qcow2_cache_find(cache, host);
		if (table)
			break;
		waited = false;
		if (!make_room(cache, &waited, err))
			return false;
		if (waited)
			continue;	/* somebody else may have fetched it */
		table = add(cache, host, err);
		if (!table || !load_tables(cache, table, most, file_size, err))
			return false;
		break;
	}
	*out = table;
	return true;
}
