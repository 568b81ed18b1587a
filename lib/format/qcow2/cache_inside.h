/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What cache.c and writeback.c share: the cache itself. */
#ifndef QCOW2_CACHE_INSIDE_H
#define QCOW2_CACHE_INSIDE_H

#include "format/qcow2/cache.h"

struct qcow2_cache {
	struct qcow2_cache_how how;	/* constant */
	size_t n_buckets;		/* constant; a power of two */

	pthread_mutex_t lock;		/* guards all below, and all tables */
	pthread_cond_t progress;	/* a table was read or written */
	struct qcow2_table **buckets;
	struct qcow2_table *oldest, *newest;
	struct qcow2_table *first_changed, *last_changed;
	size_t n_changed;
	size_t n_writing[2];		/* tables on their way to the disk, by turn */
	unsigned turn;			/* 0 or 1 */
	uint64_t n_failed;		/* writes; their tables are in the queue again */
	uint64_t bytes;			/* of tables */
	struct qcow2_slab *slabs;	/* memory of all tables; it stays until the cache goes */
	struct qcow2_table *spare;	/* those that are not in use, by their bucket link */
};

/* The queue of changed tables; both may be called for one that is in there, or is not. */
void qcow2_queue_add(struct qcow2_cache *cache, struct qcow2_table *table);
void qcow2_queue_remove(struct qcow2_cache *cache, struct qcow2_table *table);

#endif
