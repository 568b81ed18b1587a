/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file gets longer.  Where no refcount block is for the new clusters, blocks come first among
 * them and count themselves; where the refcount table has no entry for a block, a longer table
 * comes behind the blocks.
 *
 * Order: the file is longer and the new tables are durable before anything points to them.
 */
#include <inttypes.h>
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/disk.h"

/* New clusters: [first, +blocks) are blocks, then `table` of a refcount table, then n others. */
struct extension {
	uint64_t first, blocks, table, n;
	uint64_t first_block;		/* index of the first new block */
};

static uint64_t ext_end(const struct extension *ext)
{
	return ext->first + ext->blocks + ext->table + ext->n;
}

/* Clusters of a refcount table with room for `blocks`, and for as many again. */
static uint64_t table_clusters(const struct qcow2 *q, uint64_t blocks)
{
	const uint64_t most = QCOW2_REFTABLE_BYTES_MAX >> q->geo.cluster_bits;
	const uint64_t needed = img_div_up(blocks * sizeof(uint64_t), qcow2_cluster_size(&q->geo));

	return img_max_u64(needed, img_min_u64(needed * 2, most));
}

static bool has_block(const struct qcow2_disk *disk, uint64_t index)
{
	return index < disk->n_reftable && disk->reftable[index];
}

/* How much is needed depends on how much there is: tries until it fits. */
static bool plan(const struct qcow2 *q, struct extension *ext, struct img_err *err)
{
	const struct qcow2_disk *disk = q->disk;
	const unsigned bits = qcow2_count_bits(q);
	uint64_t blocks, table;

	/* The file may have been longer once: blocks for what was there then are used again. */
	ext->first_block = ext->first >> bits;
	while (has_block(disk, ext->first_block))
		ext->first_block++;
	for (;;) {
		const uint64_t last = (ext_end(ext) - 1) >> bits;

		blocks = last + 1 - img_min_u64(last + 1, ext->first_block);
		table = last < disk->n_reftable ? 0 : table_clusters(q, last + 1);
		if (blocks <= ext->blocks && table <= ext->table)
			break;
		ext->blocks = img_max_u64(blocks, ext->blocks);
		ext->table = img_max_u64(table, ext->table);
	}
	if (ext->table << q->geo.cluster_bits > QCOW2_REFTABLE_BYTES_MAX ||
	    ext_end(ext) > QCOW2_HOST_END >> q->geo.cluster_bits)
		return img_fail(err, IMG_E_RANGE, _("the image file cannot grow beyond %" PRIu64
				" bytes"), ext->first << q->geo.cluster_bits);
	return true;
}

/* Without the lock.  A device has its length, but may hold anything. */
static bool lengthen(struct qcow2 *q, const struct extension *ext, struct img_err *err)
{
	const uint64_t start = ext->first << q->geo.cluster_bits;
	const uint64_t end = ext_end(ext) << q->geo.cluster_bits;
	uint64_t size;

	if (q->map.file->caps & IMG_STORE_RESIZE)
		return img_store_resize(q->map.file, end, err);
	if (!img_store_size(q->map.file, &size, err))
		return false;
	if (end > size)
		return img_fail(err, IMG_E_NOSPACE, _("the image is full: %" PRIu64 " bytes are "
				"needed, and there are %" PRIu64), end, size);
	return img_store_zero(q->map.file, start, end - start, false, err);
}

static void set_end(struct qcow2 *q, uint64_t end)
{
	q->disk->end = end;
	q->map.file_size = img_max_u64(q->map.file_size, end << q->geo.cluster_bits);
	if (!q->data_file)
		q->map.data_size = q->map.file_size;
}

/* Sets the counts of the new clusters that a new block is for, and writes it. */
static bool make_block(struct qcow2 *q, const struct extension *ext, uint64_t i, struct img_err *err)
{
	const uint64_t host = (ext->first + i) << q->geo.cluster_bits;
	const uint64_t base = (ext->first_block + i) << qcow2_count_bits(q);
	const uint64_t end = img_min_u64(ext_end(ext), base + (UINT64_C(1) << qcow2_count_bits(q)));
	struct qcow2_table *block;

	if (!qcow2_cache_make(q->map.cache, host, &block, err))
		return false;
	for (uint64_t c = img_max_u64(base, ext->first); c < end; c++)
		qcow2_refcount_put(block->raw, q->header.refcount_order, c - base, 1);
	qcow2_cache_changed(q->map.cache, block, 0, qcow2_cluster_size(&q->geo), false);
	const bool ok = qcow2_cache_write(q->map.cache, block, err);

	qcow2_cache_put(q->map.cache, block);
	return ok;
}

static bool make_blocks(struct qcow2 *q, const struct extension *ext, struct img_err *err)
{
	for (uint64_t i = 0; i < ext->blocks; i++)
		if (!make_block(q, ext, i, err))
			return false;
	return true;
}

/* The new clusters that a block is for which was there before. */
static bool count_in_old_block(struct qcow2 *q, const struct extension *ext, struct img_err *err)
{
	const uint64_t end = img_min_u64(ext_end(ext), ext->first_block << qcow2_count_bits(q));
	const struct qcow2_stretch old = { ext->first, end - img_min_u64(end, ext->first) };

	if (!old.n)
		return true;
	if (!qcow2_counts_set(q, old, err))
		return false;
	if (qcow2_counts_write(q, old, err))
		return true;
	/* Nothing refers to them yet; what cannot be undone leaks. */
	(void)!qcow2_counts_lower(q, old, NULL);
	return false;
}

/* ---- Pointing to the new ones ---------------------------------------------------------------- */

bool qcow2_reftable_write(struct qcow2 *q, uint64_t off, size_t from, size_t n, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(n * sizeof(uint64_t), err);

	if (!raw)
		return false;
	for (size_t i = 0; i < n; i++)
		img_put_be64(raw + i * sizeof(uint64_t), q->disk->reftable[from + i]);
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	const bool ok = img_store_write(q->map.file, off + from * sizeof(uint64_t), raw,
					n * sizeof(uint64_t), err);
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	return ok;
}

static bool sync_file(struct qcow2 *q, struct img_err *err)
{
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	const bool ok = img_store_sync(q->map.file, err);
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	return ok;
}

/* Room in memory for the entries of the new table; those of new blocks are filled in. */
static bool enter_blocks(struct qcow2 *q, const struct extension *ext, struct img_err *err)
{
	struct qcow2_disk *disk = q->disk;
	const size_t n = ext->table ? (ext->table << q->geo.cluster_bits) / sizeof(uint64_t)
				    : disk->n_reftable;
	uint64_t *entries = disk->reftable;

	if (n > disk->n_reftable) {
		entries = img_grow(disk->reftable, n, sizeof(*entries), err);
		if (!entries)
			return false;
		memset(entries + disk->n_reftable, 0, (n - disk->n_reftable) * sizeof(*entries));
		disk->reftable = entries;
		disk->n_reftable = n;
	}
	for (uint64_t i = 0; i < ext->blocks; i++)
		entries[ext->first_block + i] = (ext->first + i) << q->geo.cluster_bits;
	return true;
}

/* The table on the disk does not have them: neither may the one in memory. */
static void leave_blocks(struct qcow2_disk *disk, const struct extension *ext, size_t n_before)
{
	for (uint64_t i = 0; i < ext->blocks; i++)
		disk->reftable[ext->first_block + i] = 0;
	disk->n_reftable = n_before;
}

/* The header's sector goes from one table to the other at once. */
static bool switch_table(struct qcow2 *q, const struct extension *ext, struct img_err *err)
{
	const uint64_t old_off = q->header.reftable_off;
	const uint64_t old_len = (uint64_t)q->header.reftable_clusters << q->geo.cluster_bits;
	const uint64_t off = (ext->first + ext->blocks) << q->geo.cluster_bits;

	if (!qcow2_reftable_write(q, off, 0, q->disk->n_reftable, err) || !sync_file(q, err))
		return false;
	const uint32_t old_clusters = q->header.reftable_clusters;

	q->header.reftable_off = off;
	q->header.reftable_clusters = (uint32_t)ext->table;
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	const bool ok = qcow2_header_patch(q, err) && img_store_sync(q->map.file, err);
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	if (!ok) {
		q->header.reftable_off = old_off;
		q->header.reftable_clusters = old_clusters;
		return false;
	}
	if (old_len)
		qcow2_drop(q, old_off, old_len);
	return true;
}

static bool point_to_blocks(struct qcow2 *q, const struct extension *ext, struct img_err *err)
{
	const size_t per_sector = QCOW2_SECTOR / sizeof(uint64_t);
	const size_t from = img_round_down(ext->first_block, per_sector);
	const size_t end = img_round_up(ext->first_block + ext->blocks, per_sector);
	const size_t n_before = q->disk->n_reftable;

	if (!sync_file(q, err) || !enter_blocks(q, ext, err))
		return false;
	if (ext->table ? switch_table(q, ext, err)
		       : qcow2_reftable_write(q, q->header.reftable_off, from, end - from,
					      err))
		return true;
	leave_blocks(q->disk, ext, n_before);
	return false;
}

/* What is new becomes known, first its counts. */
static bool settle_in(struct qcow2 *q, const struct extension *ext, struct img_err *err)
{
	return make_blocks(q, ext, err) && count_in_old_block(q, ext, err) &&
	       ((!ext->blocks && !ext->table) || point_to_blocks(q, ext, err));
}

bool qcow2_grow_end(const struct qcow2 *q, uint64_t n, uint64_t *end, struct img_err *err)
{
	struct extension ext = { .first = q->disk->end, .n = n };

	if (!plan(q, &ext, err))
		return false;
	*end = ext_end(&ext);
	return true;
}

bool qcow2_grow(struct qcow2 *q, uint64_t n, struct qcow2_stretch *out, struct img_err *err)
{
	struct extension ext = { .first = q->disk->end, .n = n };

	if (q->disk->lost)
		return img_fail(err, IMG_E_INCOMPLETE, _("the file has lost its end, and what the disk "
				"holds there would turn into zeros if the file grew"));
	if (!plan(q, &ext, err) ||
	    !qcow2_guard_check(q, ext.first << q->geo.cluster_bits,
			       (ext_end(&ext) - ext.first) << q->geo.cluster_bits, err))
		return false;
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	const bool longer = lengthen(q, &ext, err);
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	if (!longer)
		return false;
	set_end(q, ext_end(&ext));
	if (!qcow2_guard_add(q, ext.first << q->geo.cluster_bits,
			     (ext.blocks + ext.table) << q->geo.cluster_bits, err))
		return false;
	if (!settle_in(q, &ext, err)) {
		/* These are free clusters, or leaks, of a file that is longer. */
		qcow2_guard_remove(q, ext.first, ext.blocks + ext.table);
		return false;
	}
	*out = (struct qcow2_stretch){ ext.first + ext.blocks + ext.table, n };
	return true;
}
