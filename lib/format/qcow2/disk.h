/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A qcow2 image that is written in place: what the files behind it share.
 *
 * Everything in struct qcow2_disk is guarded by the lock of the layer's cache, as the tables are.
 * Functions want it held unless they say otherwise; those that do I/O let it go meanwhile.
 */
#ifndef QCOW2_DISK_H
#define QCOW2_DISK_H

#include "format/claims.h"
#include "format/qcow2/cache.h"
#include "format/qcow2/clusterset.h"

/* Neighbouring clusters of the file, by number. */
struct qcow2_stretch {
	uint64_t first, n;
};

struct qcow2_stretches {
	struct qcow2_stretch *v;	/* owned */
	size_t n, cap;
};

struct qcow2_disk {
	struct img_claims claims;	/* guest clusters whose entries are about to be changed */
	pthread_cond_t progress;	/* a preparation ended */
	_Atomic bool contradiction;	/* met one: nothing is written any more */
	bool marked;			/* and says so in its header */

	/* refcount.c */
	uint64_t *reftable;		/* owned; entries as they stand in the image */
	size_t n_reftable;

	/* alloc.c, grow.c */
	uint64_t end;			/* clusters of the file; none behind was ever used */
	bool lost;			/* the file ends before clusters that the tables refer to */
	uint64_t hint;			/* no cluster below is free */
	uint64_t taken;			/* clusters taken so far */
	bool preparing;			/* somebody makes clusters ready */
	uint64_t region;		/* clusters, a power of two: what is kept together */
	/*
	 * Ready: counted as used on the disk already, and durably zero there.  So whatever points
	 * to one may reach the disk at any time.
	 */
	struct qcow2_stretches ready;
	struct qcow2_stretches dropped;	/* references gone from the tables in memory ... */
	struct qcow2_stretches gone;	/* ... and from those on the disk too: to be reclaimed */

	/* guard.c */
	struct qcow2_clusterset tables;	/* clusters that hold tables of any kind */

	/* flush.c */
	bool *l1_changed;		/* for each piece of L1; owned */
	bool l1_late;			/* as qcow2_table.late, for the L2 tables L1 points to */
};

/* ---- disk.c ---------------------------------------------------------------------------------- */

/*
 * Fails with IMG_E_CORRUPT; the request that meets this ends by marking the image.  In a call like
 * `return qcow2_contradiction(...)`.
 */
bool qcow2_contradiction(struct qcow2_disk *disk, struct img_err *err, const char *fmt, ...)
	IMG_PRINTF(3, 4);
/* Neighbours in the order of adding are merged.  n > 0. */
bool qcow2_stretches_add(struct qcow2_stretches *list, uint64_t first, uint64_t n,
			 struct img_err *err) IMG_MUST_CHECK;
void qcow2_stretches_clear(struct qcow2_stretches *list);
/*
 * Without the lock, while no request is under way: writes the tables back, lowers the counts of what
 * was dropped, and gives its space back.
 */
bool qcow2_settle(struct qcow2 *q, struct img_err *err) IMG_MUST_CHECK;
/* Without the lock: the file ends behind q->disk->end, if it can. */
bool qcow2_cut_file(struct qcow2 *q, struct img_err *err) IMG_MUST_CHECK;

/* ---- guard.c: what must not be written over -------------------------------------------------- */

/* Finds all tables of the image.  Without the lock, before anybody writes. */
bool qcow2_guard_start(struct qcow2 *q, struct img_err *err) IMG_MUST_CHECK;
/* The clusters that [host, host + len) touches hold tables, or hold none any more. */
bool qcow2_guard_add(struct qcow2 *q, uint64_t host, uint64_t len, struct img_err *err)
	IMG_MUST_CHECK;
void qcow2_guard_remove(struct qcow2 *q, uint64_t first, uint64_t n);
/* A contradiction unless the clusters that [host, host + len) touches are free of tables. */
bool qcow2_guard_check(struct qcow2 *q, uint64_t host, uint64_t len, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- refcount.c: counts, §"Host cluster management" ------------------------------------------ */

bool qcow2_counts_load(struct qcow2 *q, struct img_err *err) IMG_MUST_CHECK;
/* log2 of the clusters that one refcount block is for. */
unsigned qcow2_count_bits(const struct qcow2 *q);
/* What the image says; 0 where there is no block. */
bool qcow2_count_read(struct qcow2 *q, uint64_t cluster, uint64_t *count, struct img_err *err)
	IMG_MUST_CHECK;
/* From 0 to 1; there must be blocks for them.  A contradiction when one is counted already. */
bool qcow2_counts_set(struct qcow2 *q, struct qcow2_stretch which, struct img_err *err)
	IMG_MUST_CHECK;
/* One reference less to each.  A contradiction when there was none. */
bool qcow2_counts_lower(struct qcow2 *q, struct qcow2_stretch which, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * The first free clusters from there on that lie in the file and have a block, at most max; n is 0:
 * there are none.
 */
bool qcow2_counts_find_free(struct qcow2 *q, uint64_t from, uint64_t max,
			    struct qcow2_stretch *out, struct img_err *err) IMG_MUST_CHECK;
/* The end of the last cluster that is counted. */
bool qcow2_counts_find_end(struct qcow2 *q, uint64_t *end, struct img_err *err) IMG_MUST_CHECK;
/* The count of one cluster becomes that of another, which must be free; both have blocks. */
bool qcow2_count_move(struct qcow2 *q, uint64_t from, uint64_t to, struct img_err *err)
	IMG_MUST_CHECK;
/* Writes the blocks back that have the counts of `which`; makes nothing durable. */
bool qcow2_counts_write(struct qcow2 *q, struct qcow2_stretch which, struct img_err *err)
	IMG_MUST_CHECK;

/* The block of that index, pinned; NULL: there is none. */
bool qcow2_count_block(struct qcow2 *q, uint64_t index, struct qcow2_table **out,
		       struct img_err *err) IMG_MUST_CHECK;

/* ---- grow.c: the file gets longer ------------------------------------------------------------ */

/* Writes n entries of the refcount table that lies at off, from number `from` on. */
bool qcow2_reftable_write(struct qcow2 *q, uint64_t off, size_t from, size_t n, struct img_err *err)
	IMG_MUST_CHECK;

/*
 * Adds n clusters at the end of the file, counted as used, with the refcount blocks and the
 * refcount table that this takes.  What is not durable yet becomes so with the next sync.  One
 * caller (disk->preparing).  IMG_E_NOSPACE, IMG_E_RANGE.
 */
bool qcow2_grow(struct qcow2 *q, uint64_t n, struct qcow2_stretch *out, struct img_err *err)
	IMG_MUST_CHECK;
/* How many clusters the file is going to have behind qcow2_grow().  IMG_E_RANGE. */
bool qcow2_grow_end(const struct qcow2 *q, uint64_t n, uint64_t *end, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- alloc.c --------------------------------------------------------------------------------- */

/* Before anything is taken; pure arithmetic. */
void qcow2_alloc_start(struct qcow2 *q);
/* Clusters for a guest's data. */
struct qcow2_want {
	uint64_t guest;			/* number of the first guest cluster */
	uint64_t max;			/* how many at most, > 0 */
	uint64_t near;			/* where in the file it would follow its neighbours, or 0 */
};

/*
 * Between 1 and max ready clusters that follow each other.  Where nothing is near, the rest of a
 * region of the disk is kept free around them, so that the guest's neighbours become neighbours in
 * the file in whatever order they are written.
 */
bool qcow2_take(struct qcow2 *q, const struct qcow2_want *want, struct qcow2_stretch *out,
		struct img_err *err) IMG_MUST_CHECK;
/* Exactly n, for tables: they are guarded from then on. */
bool qcow2_take_tables(struct qcow2 *q, uint64_t n, uint64_t *host, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * The tables in memory do not refer any more to the clusters that [host, host + len) touches, once
 * each: when those on the disk do not either, their counts are lowered.  Never fails: what cannot
 * be remembered leaks.
 */
void qcow2_drop(struct qcow2 *q, uint64_t host, uint64_t len);
/*
 * The same for what an L2 entry refers to, if it does.  A contradiction when a table lies there, which
 * is to be asked before the entry changes.
 */
bool qcow2_may_drop(struct qcow2 *q, const struct qcow2_cluster *cluster, struct img_err *err)
	IMG_MUST_CHECK;
void qcow2_drop_cluster(struct qcow2 *q, const struct qcow2_cluster *cluster);
/* Lowers the counts of what is gone, and gives space back to the file system. */
bool qcow2_reclaim(struct qcow2 *q, struct img_err *err) IMG_MUST_CHECK;
/* Uncounts what is ready and was not used, and cuts it off the file. */
bool qcow2_give_back(struct qcow2 *q, struct img_err *err) IMG_MUST_CHECK;

/* ---- l2.c: tables that change ---------------------------------------------------------------- */

/*
 * The L2 table for guest byte at, pinned, for changing: a new one when there is none, a copy when a
 * snapshot has it too.
 */
bool qcow2_l2_for_change(struct qcow2 *q, uint64_t at, struct qcow2_table **out,
			 struct img_err *err) IMG_MUST_CHECK;
/* The same for looking; *out is NULL when there is none.  shared: a snapshot has it too. */
bool qcow2_l2_for_look(struct qcow2 *q, uint64_t at, struct qcow2_table **out, bool *shared,
		       struct img_err *err) IMG_MUST_CHECK;
/*
 * The entry of guest byte at.  A contradiction when it breaks the specification.  In a shared table
 * no cluster is ours alone, whatever its entry says.
 */
bool qcow2_l2_get(struct qcow2 *q, const struct qcow2_table *table, bool shared, uint64_t at,
		  struct qcow2_cluster *out, struct img_err *err) IMG_MUST_CHECK;
/* late: as in qcow2_cache_changed(). */
void qcow2_l2_put(struct qcow2 *q, struct qcow2_table *table, uint64_t at,
		  const struct qcow2_cluster *cluster, bool late);
/* Makes kind agree with the maps of subclusters, or with what they say of a whole cluster. */
void qcow2_cluster_set_maps(struct qcow2_cluster *cluster, uint32_t data_map, uint32_t zero_map);
/* The maps of a cluster of any kind but COMPRESSED. */
uint32_t qcow2_cluster_data_map(const struct qcow2_cluster *cluster);
uint32_t qcow2_cluster_zero_map(const struct qcow2_cluster *cluster);

/* ---- Requests, without the lock: write.c, erase.c, below.c ----------------------------------- */

bool qcow2_write(struct img_layer *ly, uint64_t at, const uint8_t *buf, size_t len,
		 struct img_err *err) IMG_MUST_CHECK;
bool qcow2_zero(struct img_layer *ly, uint64_t at, uint64_t len, bool unmap, struct img_err *err)
	IMG_MUST_CHECK;
bool qcow2_discard(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
	IMG_MUST_CHECK;
/* What the guest reads, from this layer or from below.  Lost bytes fail with their class. */
bool qcow2_old_read(struct img_layer *ly, uint64_t at, uint8_t *buf, size_t len,
		    struct img_err *err) IMG_MUST_CHECK;
/*
 * The same of an encrypted image, while nobody else writes to these clusters: a sector that is written
 * in part deciphers to what never was there.
 */
bool qcow2_read_claimed(struct img_layer *ly, uint64_t at, uint8_t *buf, size_t len,
			struct img_err *err) IMG_MUST_CHECK;
/* Whether all that reads as zeros is known to do so without reading it. */
bool qcow2_old_is_zero(struct img_layer *ly, uint64_t at, uint64_t len, bool *zero,
		       struct img_err *err) IMG_MUST_CHECK;

/* ---- flush.c, without the lock --------------------------------------------------------------- */

bool qcow2_flush(struct qcow2 *q, struct img_err *err) IMG_MUST_CHECK;
/* L1's entry of that index changed.  With the lock. */
void qcow2_l1_changed(struct qcow2 *q, size_t l1_index, bool late);

#endif
