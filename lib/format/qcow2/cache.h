/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables in memory: L2 tables and refcount blocks, found by where they lie in the file.  Bounded,
 * shared by all threads, and written back in pieces: of a table that changed only the 4 KiB around
 * a change go to the disk.
 */
#ifndef QCOW2_CACHE_H
#define QCOW2_CACHE_H

#include <pthread.h>
#include "format/qcow2/qcow2.h"

enum {
	QCOW2_PIECE_BITS = 12,
	QCOW2_PIECE_WORDS = (1 << QCOW2_CLUSTER_BITS_MAX >> QCOW2_PIECE_BITS) / 64,
};

/* A cluster of the file.  Its bytes may be looked at and changed while it is pinned. */
struct qcow2_table {
	uint8_t *raw;
	size_t len;			/* bytes; less than a cluster where the file ends */
	uint64_t host;
	/* The cache's own: */
	unsigned pins;
	bool loading, writing;
	bool late;			/* what changed may reach the disk only behind a barrier */
	bool dead;			/* dropped as soon as nobody holds it */
	uint64_t changed[QCOW2_PIECE_WORDS];	/* bit for each piece */
	struct qcow2_table *bucket;	/* the next one in the hash's chain */
	struct qcow2_table *older, *newer;	/* by the last use */
	struct qcow2_table *before, *behind;	/* in the queue of changed ones */
	bool queued;
};

struct qcow2_cache_how {
	struct img_store *store;	/* borrowed */
	size_t table_len;		/* bytes, a power of two */
	uint64_t limit;			/* bytes of tables; exceeded only by what is pinned */
	/*
	 * Makes durable what was written before; called without the lock.  NULL: tables are never
	 * changed.
	 */
	bool (*barrier)(void *ctx, struct img_err *err);
	void *ctx;
};

struct qcow2_cache *qcow2_cache_new(const struct qcow2_cache_how *how, struct img_err *err);
/* No table may be pinned.  What was not written back is lost.  Accepts NULL. */
void qcow2_cache_free(struct qcow2_cache *cache);

/*
 * Guards all tables and their content.  An image that is being written keeps all that it knows of
 * the file's tables under this lock.  The functions below want it held; those that do I/O let it go
 * meanwhile, so whatever was looked at before must be looked at again.
 */
pthread_mutex_t *qcow2_cache_lock(struct qcow2_cache *cache);

/* The table at host, pinned, if it is here; waits for one that is being read.  NULL: it is not. */
struct qcow2_table *qcow2_cache_find(struct qcow2_cache *cache, uint64_t host);
/*
 * The table at host, pinned; file_size is where the file ends now, and host lies before that.  When
 * it has to be read the n_follow - 1 tables behind it in the file come along, as far as there is
 * room.  Errors: IMG_E_IO, IMG_E_INCOMPLETE, IMG_E_NOMEM.
 */
bool qcow2_cache_get(struct qcow2_cache *cache, uint64_t host, size_t n_follow, uint64_t file_size,
		     struct qcow2_table **out, struct img_err *err) IMG_MUST_CHECK;
/* A table of zeros, pinned, for a cluster that no table lay in so far; not marked as changed. */
bool qcow2_cache_make(struct qcow2_cache *cache, uint64_t host, struct qcow2_table **out,
		      struct img_err *err) IMG_MUST_CHECK;
void qcow2_cache_put(struct qcow2_cache *cache, struct qcow2_table *table);
/*
 * Notes that [at, at + len) of a pinned table changed.  late: the change may reach the disk only
 * after everything that was written to files before it.
 */
void qcow2_cache_changed(struct qcow2_cache *cache, struct qcow2_table *table, size_t at,
			 size_t len, bool late);
/* Nothing of the table at host is wanted any more, nor written back. */
void qcow2_cache_forget(struct qcow2_cache *cache, uint64_t host);

/* Writes back what changed in one pinned table, with the barrier in front if it needs one. */
bool qcow2_cache_write(struct qcow2_cache *cache, struct qcow2_table *table, struct img_err *err)
	IMG_MUST_CHECK;
/* Writes back all that had changed when it was called; makes nothing durable.  One caller. */
bool qcow2_cache_write_all(struct qcow2_cache *cache, struct img_err *err) IMG_MUST_CHECK;

#endif
