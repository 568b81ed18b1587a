/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of a file whose disk got smaller: the last refcount blocks go, as far as they count nothing
 * but themselves, the refcount table ends behind the others, and the file behind the last cluster in
 * use.  A block further down stays: what it counts as free can be used again.
 */
#include "base/num.h"
#include "format/qcow2/resize.h"

/* ---- Refcount blocks ------------------------------------------------------------------------------ */

/* Whether the block counts nothing, but itself perhaps: *own. */
static bool is_idle(const struct qcow2 *q, const struct qcow2_table *block, uint64_t index, bool *own)
{
	const unsigned order = q->header.refcount_order, bits = qcow2_count_bits(q);
	const uint64_t cluster = block->host >> q->geo.cluster_bits;
	const uint64_t self = cluster >> bits == index ? cluster - (index << bits) : UINT64_MAX;

	*own = self != UINT64_MAX;
	for (uint64_t i = 0; i < UINT64_C(1) << bits; i++)
		if (i != self && qcow2_refcount_get(block->raw, order, i))
			return false;
	return true;
}

/* A block that counts itself goes with its count. */
static void leave_block(struct qcow2 *q, uint64_t host, bool own)
{
	const uint64_t cluster = host >> q->geo.cluster_bits;

	if (own)
		qcow2_guard_remove(q, cluster, 1);
	else
		qcow2_drop(q, host, qcow2_cluster_size(&q->geo));
}

/* Lock held.  *gone: nothing refers to the block any more; *stays: it is needed. */
static bool try_block(struct qcow2 *q, uint64_t index, bool *gone, bool *stays,
		      struct img_err *err)
{
	struct qcow2_table *block;
	bool own;

	*gone = *stays = false;
	if (!qcow2_count_block(q, index, &block, err))
		return false;
	if (!block)
		return true;
	const uint64_t host = block->host;

	*gone = is_idle(q, block, index, &own);
	*stays = !*gone;
	qcow2_cache_put(q->map.cache, block);
	if (*stays)
		return true;
	q->disk->reftable[index] = 0;
	leave_block(q, host, own);
	return qcow2_reftable_write(q, q->header.reftable_off, index, 1, err);
}

/* One that counts the blocks behind it is idle only when they are gone, and their counts settled. */
static bool drop_last_blocks(struct qcow2 *q, bool *any, struct img_err *err)
{
	bool ok = true, gone, stays = false;

	*any = false;
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	for (size_t i = q->disk->n_reftable; ok && !stays && i-- > 0;) {
		ok = try_block(q, i, &gone, &stays, err);
		*any |= gone;
	}
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	return ok && qcow2_settle(q, err);
}

/* ---- Refcount table ------------------------------------------------------------------------------- */

static void shorten_table(struct qcow2 *q)
{
	const size_t per_cluster = qcow2_cluster_size(&q->geo) / sizeof(uint64_t);
	struct qcow2_disk *disk = q->disk;
	size_t n = disk->n_reftable;

	while (n > 0 && !disk->reftable[n - 1])
		n--;
	const uint64_t old = q->header.reftable_clusters;
	const uint64_t now = img_max_u64(img_div_up(n, per_cluster), 1);

	if (now >= old)
		return;
	qcow2_disk_release(q, q->header.reftable_off + (now << q->geo.cluster_bits), old - now);
	q->header.reftable_clusters = (uint32_t)now;
	disk->n_reftable = now * per_cluster;
}

/* ---- The file ------------------------------------------------------------------------------------- */

/* Lock held.  No table lies behind the last cluster that is counted. */
static bool find_end(struct qcow2 *q, struct img_err *err)
{
	struct qcow2_disk *disk = q->disk;
	uint64_t end;

	if (!qcow2_counts_find_end(q, &end, err))
		return false;
	if (end < disk->end &&
	    !qcow2_guard_check(q, end << q->geo.cluster_bits,
			       (disk->end - end) << q->geo.cluster_bits, err))
		return false;
	disk->end = end;
	disk->hint = img_min_u64(disk->hint, end);
	return true;
}

bool qcow2_trim(struct qcow2 *q, struct img_err *err)
{
	bool any = true;

	while (any)
		if (!drop_last_blocks(q, &any, err))
			return false;
	shorten_table(q);
	if (!qcow2_settle(q, err))
		return false;
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	const bool ok = find_end(q, err);

	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	return ok && qcow2_cut_file(q, err) && qcow2_flush(q, err);
}
