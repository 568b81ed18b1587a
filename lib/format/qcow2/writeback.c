/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changed tables on their way to the disk.  Their changed pieces are copied under the lock, so that
 * others may go on changing the tables while the copies are written.
 *
 * Order: what a copy holds was caused by writes of data that had ended before the copy was made.
 * So one barrier between copying and writing puts all of them behind their data.
 */
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/cache_inside.h"

enum {
	BATCH_TABLES = 64,
	BATCH_BYTES = 4 << 20,		/* of copies, unless a single table is larger */
};

/* The changed pieces of one table. */
struct copy {
	struct qcow2_table *table;
	uint64_t changed[QCOW2_PIECE_WORDS];
	bool late;
	unsigned turn;
	uint8_t *bytes;			/* the pieces, one behind the other; owned */
};

struct batch {
	struct copy copies[BATCH_TABLES];
	size_t n;
	size_t bytes;
};

static size_t piece_len(const struct qcow2_cache *cache)
{
	return img_min_u64(cache->how.table_len, 1 << QCOW2_PIECE_BITS);
}

static bool is_changed(const uint64_t *changed, size_t piece)
{
	return changed[piece / 64] >> (piece % 64) & 1;
}

static size_t count_changed(const uint64_t *changed)
{
	size_t n = 0;

	for (size_t i = 0; i < QCOW2_PIECE_WORDS; i++)
		n += (size_t)__builtin_popcountll(changed[i]);
	return n;
}

void qcow2_cache_changed(struct qcow2_cache *cache, struct qcow2_table *table, size_t at,
			 size_t len, bool late)
{
	const size_t first = at >> QCOW2_PIECE_BITS, last = (at + len - 1) >> QCOW2_PIECE_BITS;

	assert(table->pins && len && at + len <= cache->how.table_len);
	for (size_t piece = first; piece <= last; piece++)
		table->changed[piece / 64] |= UINT64_C(1) << (piece % 64);
	table->late |= late;
	/* Whatever lies behind the end of the file is zero, and is written from now on. */
	table->len = cache->how.table_len;
	qcow2_queue_add(cache, table);
}

/* ---- Copying: the lock is held --------------------------------------------------------------- */

static bool make_copy(struct qcow2_cache *cache, struct qcow2_table *table, struct copy *copy,
		      struct img_err *err)
{
	const size_t len = piece_len(cache), pieces = cache->how.table_len / len;
	size_t n = 0;

	*copy = (struct copy){ .table = table, .late = table->late, .turn = cache->turn };
	memcpy(copy->changed, table->changed, sizeof(copy->changed));
	copy->bytes = img_alloc_aligned(count_changed(copy->changed) * len, err);
	if (!copy->bytes)
		return false;
	for (size_t piece = 0; piece < pieces; piece++)
		if (is_changed(copy->changed, piece))
			memcpy(copy->bytes + n++ * len, table->raw + piece * len, len);
	return true;
}

/* Waits until nobody writes a pinned table; the caller has taken none, or that may be for ever. */
static void wait_for_writer(struct qcow2_cache *cache, const struct qcow2_table *table)
{
	while (table->writing)
		pthread_cond_wait(&cache->progress, &cache->lock);
}

/*
 * Takes along a pinned table that nobody writes; false: it needs no writing, or memory is out (err
 * is set).
 */
static bool take(struct qcow2_cache *cache, struct qcow2_table *table, struct batch *batch,
		 struct img_err *err)
{
	struct copy *copy = &batch->copies[batch->n];

	assert(!table->writing);
	if (!table->queued || !make_copy(cache, table, copy, err))
		return false;
	qcow2_queue_remove(cache, table);
	memset(table->changed, 0, sizeof(table->changed));
	table->late = false;
	table->writing = true;
	table->pins++;
	cache->n_writing[copy->turn]++;
	batch->n++;
	batch->bytes += count_changed(copy->changed) * piece_len(cache);
	return true;
}

static void give_back(struct qcow2_cache *cache, struct batch *batch, bool ok)
{
	for (size_t i = 0; i < batch->n; i++) {
		struct copy *copy = &batch->copies[i];
		struct qcow2_table *table = copy->table;

		if (!ok && !table->dead) {
			for (size_t w = 0; w < QCOW2_PIECE_WORDS; w++)
				table->changed[w] |= copy->changed[w];
			table->late |= copy->late;
			qcow2_queue_add(cache, table);
		}
		table->writing = false;
		cache->n_writing[copy->turn]--;
		qcow2_cache_put(cache, table);
		free(copy->bytes);
	}
	pthread_cond_broadcast(&cache->progress);
}

/* ---- Writing: the lock is not held ----------------------------------------------------------- */

/* Neighbouring pieces go out together. */
static bool write_copy(struct qcow2_cache *cache, const struct copy *copy, struct img_err *err)
{
	const size_t len = piece_len(cache), pieces = cache->how.table_len / len;
	const uint8_t *bytes = copy->bytes;

	for (size_t piece = 0, n; piece < pieces; piece += n) {
		n = 1;
		if (!is_changed(copy->changed, piece))
			continue;
		while (piece + n < pieces && is_changed(copy->changed, piece + n))
			n++;
		if (!img_store_write(cache->how.store, copy->table->host + piece * len, bytes,
				     n * len, err))
			return false;
		bytes += n * len;
	}
	return true;
}

static bool write_batch(struct qcow2_cache *cache, const struct batch *batch, struct img_err *err)
{
	bool late = false;

	for (size_t i = 0; i < batch->n; i++)
		late |= batch->copies[i].late;
	if (late && !cache->how.barrier(cache->how.ctx, err))
		return false;
	for (size_t i = 0; i < batch->n; i++)
		if (!write_copy(cache, &batch->copies[i], err))
			return false;
	return true;
}

static bool send(struct qcow2_cache *cache, struct batch *batch, struct img_err *err)
{
	if (!batch->n)
		return true;
	pthread_mutex_unlock(&cache->lock);
	const bool ok = write_batch(cache, batch, err);
	pthread_mutex_lock(&cache->lock);
	cache->n_failed += !ok;
	give_back(cache, batch, ok);
	return ok;
}

bool qcow2_cache_write(struct qcow2_cache *cache, struct qcow2_table *table, struct img_err *err)
{
	struct img_err why = { 0 };
	struct batch batch;

	batch.n = batch.bytes = 0;
	wait_for_writer(cache, table);
	if (!take(cache, table, &batch, &why) && why.code != IMG_OK) {
		if (err)
			*err = why;
		return false;
	}
	return send(cache, &batch, err);
}

/* The oldest changes of the queue, at most `most` tables; *taken of them were looked at. */
static bool fill(struct qcow2_cache *cache, struct batch *batch, size_t most, size_t *taken,
		 struct img_err *err)
{
	struct img_err why = { 0 };

	batch->n = batch->bytes = 0;
	for (*taken = 0; *taken < most && cache->first_changed; ++*taken) {
		struct qcow2_table *table = cache->first_changed;

		if (batch->n == BATCH_TABLES || batch->bytes >= BATCH_BYTES ||
		    (batch->n && table->writing))
			break;
		table->pins++;
		wait_for_writer(cache, table);
		(void)take(cache, table, batch, &why);
		qcow2_cache_put(cache, table);
		if (why.code != IMG_OK) {
			give_back(cache, batch, false);
			if (err)
				*err = why;
			return false;
		}
	}
	return true;
}

/* Tables that change while this is going on are at the end of the queue, and not looked at. */
static bool write_queue(struct qcow2_cache *cache, struct img_err *err)
{
	size_t left = cache->n_changed, taken;
	struct batch batch;

	while (left > 0 && cache->first_changed) {
		if (!fill(cache, &batch, left, &taken, err) || !send(cache, &batch, err))
			return false;
		left -= taken;
	}
	return true;
}

/* Waits for all tables that are on their way.  Those that leave meanwhile are in the next turn. */
static void end_turn(struct qcow2_cache *cache)
{
	const unsigned turn = cache->turn;

	cache->turn = !turn;
	while (cache->n_writing[turn])
		pthread_cond_wait(&cache->progress, &cache->lock);
}

bool qcow2_cache_write_all(struct qcow2_cache *cache, struct img_err *err)
{
	uint64_t failed;

	/* What others drive out of the cache meanwhile may hold changes of before. */
	do {
		failed = cache->n_failed;
		if (!write_queue(cache, err))
			return false;
		end_turn(cache);
	} while (failed != cache->n_failed);
	return true;
}
