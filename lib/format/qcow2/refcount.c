/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reference counts of an image that is written: reading, setting and lowering them in the blocks
 * that the cache holds, and the search for free clusters.  Blocks that do not exist are made in
 * grow.c.
 */
#include <inttypes.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/disk.h"

bool qcow2_counts_load(struct qcow2 *q, struct img_err *err)
{
	const uint64_t len = (uint64_t)q->header.reftable_clusters << q->geo.cluster_bits;
	struct qcow2_disk *disk = q->disk;

	disk->n_reftable = len / sizeof(uint64_t);
	disk->reftable = img_calloc(img_max_u64(disk->n_reftable, 1), sizeof(uint64_t), err);
	if (!disk->reftable)
		return false;
	if (len && !img_store_read(q->map.file, q->header.reftable_off, disk->reftable, len, err))
		return img_within(err, _("refcount table"));
	for (size_t i = 0; i < disk->n_reftable; i++)
		disk->reftable[i] = img_get_be64(&disk->reftable[i]);
	return true;
}

unsigned qcow2_count_bits(const struct qcow2 *q)
{
	return q->geo.cluster_bits + 3 - q->header.refcount_order;
}

bool qcow2_count_block(struct qcow2 *q, uint64_t index, struct qcow2_table **out,
		       struct img_err *err)
{
	struct qcow2_disk *disk = q->disk;
	const struct img_finding_kind *why;
	uint64_t host;

	*out = NULL;
	if (index >= disk->n_reftable)
		return true;
	if (!qcow2_reftable_decode(&q->geo, disk->reftable[index], &host, &why))
		return qcow2_contradiction(disk, err, _("refcount table entry %" PRIu64 ": %s"),
					   index, _(why->text));
	if (!host)
		return true;
	if (host >= q->map.file_size)
		return qcow2_contradiction(disk, err, _("refcount block %" PRIu64 " lies behind the "
					   "end of the file"), index);
	return qcow2_cache_get(q->map.cache, host, 1, q->map.file_size, out, err) ||
	       img_within(err, _("refcount block %" PRIu64), index);
}

/* The block for a cluster; as above. */
static bool get_block(struct qcow2 *q, uint64_t cluster, struct qcow2_table **out,
		      struct img_err *err)
{
	return qcow2_count_block(q, cluster >> qcow2_count_bits(q), out, err);
}

/* The part of which that lies in the same block as its first cluster. */
static uint64_t in_block(const struct qcow2 *q, struct qcow2_stretch which)
{
	const uint64_t per_block = UINT64_C(1) << qcow2_count_bits(q);

	return img_min_u64(which.n, per_block - (which.first & (per_block - 1)));
}

static size_t index_of(const struct qcow2 *q, uint64_t cluster)
{
	return cluster & ((UINT64_C(1) << qcow2_count_bits(q)) - 1);
}

bool qcow2_count_read(struct qcow2 *q, uint64_t cluster, uint64_t *count, struct img_err *err)
{
	struct qcow2_table *block;

	if (!get_block(q, cluster, &block, err))
		return false;
	*count = 0;
	if (!block)
		return true;
	*count = qcow2_refcount_get(block->raw, q->header.refcount_order, index_of(q, cluster));
	qcow2_cache_put(q->map.cache, block);
	return true;
}

/* Counts [first, first + n) of one block changed. */
static void note_change(struct qcow2 *q, struct qcow2_table *block, uint64_t first, uint64_t n)
{
	const unsigned order = q->header.refcount_order;
	const size_t at = index_of(q, first) << order >> 3;
	const size_t end = (((index_of(q, first) + n) << order) + 7) >> 3;

	qcow2_cache_changed(q->map.cache, block, at, end - at, false);
}

/* Adds up (from 0) or takes one down from each count; `which` lies in one block. */
static bool change_in_block(struct qcow2 *q, struct qcow2_table *block, struct qcow2_stretch which,
			    bool set, struct img_err *err)
{
	const unsigned order = q->header.refcount_order;

	for (uint64_t i = 0; i < which.n; i++) {
		const size_t index = index_of(q, which.first + i);
		const uint64_t count = qcow2_refcount_get(block->raw, order, index);

		if (set ? count != 0 : count == 0)
			return qcow2_contradiction(q->disk, err, set
				? _("cluster %" PRIu64 " is in use, but should be free")
				: _("cluster %" PRIu64 " is in use, but counted as free"),
				which.first + i);
		qcow2_refcount_put(block->raw, order, index, set ? 1 : count - 1);
	}
	note_change(q, block, which.first, which.n);
	return true;
}

static bool change(struct qcow2 *q, struct qcow2_stretch which, bool set, struct img_err *err)
{
	struct qcow2_table *block;

	for (uint64_t n; which.n; which.first += n, which.n -= n) {
		n = in_block(q, which);
		if (!get_block(q, which.first, &block, err))
			return false;
		if (!block)
			return qcow2_contradiction(q->disk, err, _("cluster %" PRIu64 " is in use, "
						   "but has no count"), which.first);
		const struct qcow2_stretch part = { which.first, n };
		const bool ok = change_in_block(q, block, part, set, err);

		qcow2_cache_put(q->map.cache, block);
		if (!ok)
			return false;
	}
	return true;
}

bool qcow2_counts_set(struct qcow2 *q, struct qcow2_stretch which, struct img_err *err)
{
	return change(q, which, true, err);
}

bool qcow2_counts_lower(struct qcow2 *q, struct qcow2_stretch which, struct img_err *err)
{
	return change(q, which, false, err);
}

/* Puts a count in the place of another: *count gets what was there. */
static bool exchange(struct qcow2 *q, uint64_t cluster, uint64_t *count, struct img_err *err)
{
	const unsigned order = q->header.refcount_order;
	const size_t index = index_of(q, cluster);
	struct qcow2_table *block;

	if (!get_block(q, cluster, &block, err))
		return false;
	if (!block)
		return qcow2_contradiction(q->disk, err, _("cluster %" PRIu64 " is in use, but has no "
					   "count"), cluster);
	const uint64_t old = qcow2_refcount_get(block->raw, order, index);

	qcow2_refcount_put(block->raw, order, index, *count);
	note_change(q, block, cluster, 1);
	qcow2_cache_put(q->map.cache, block);
	*count = old;
	return true;
}

bool qcow2_count_move(struct qcow2 *q, uint64_t from, uint64_t to, struct img_err *err)
{
	uint64_t count = 0;

	if (!exchange(q, from, &count, err) || !exchange(q, to, &count, err))
		return false;
	return !count || qcow2_contradiction(q->disk, err, _("cluster %" PRIu64
					     " is in use, but should be free"), to);
}

/* The first run of zeros among counts [from, end) of a block. */
static struct qcow2_stretch free_in_block(const struct qcow2 *q, const struct qcow2_table *block,
					  size_t from, size_t end)
{
	const unsigned order = q->header.refcount_order;
	size_t last;

	while (from < end && qcow2_refcount_get(block->raw, order, from))
		from++;
	last = from;
	while (last < end && !qcow2_refcount_get(block->raw, order, last))
		last++;
	return (struct qcow2_stretch){ from, last - from };
}

bool qcow2_counts_find_free(struct qcow2 *q, uint64_t from, uint64_t max,
			    struct qcow2_stretch *out, struct img_err *err)
{
	/* Counts may go on behind the end of the file: what it does not have yet is not free. */
	const uint64_t end = img_min_u64(q->disk->end, q->map.file_size >> q->geo.cluster_bits);
	struct qcow2_table *block;

	for (uint64_t n; from < end; from += n) {
		n = in_block(q, (struct qcow2_stretch){ from, end - from });
		if (!get_block(q, from, &block, err))
			return false;
		if (!block)
			continue;
		*out = free_in_block(q, block, index_of(q, from), index_of(q, from) + n);
		qcow2_cache_put(q->map.cache, block);
		if (out->n) {
			out->first += from - index_of(q, from);
			out->n = img_min_u64(out->n, max);
			return true;
		}
	}
	*out = (struct qcow2_stretch){ end, 0 };
	return true;
}

/* The end of the last cluster of a block that is counted; 0: none is. */
static size_t end_in_block(const struct qcow2 *q, const struct qcow2_table *block)
{
	size_t end = (size_t)1 << qcow2_count_bits(q);

	while (end && !qcow2_refcount_get(block->raw, q->header.refcount_order, end - 1))
		end--;
	return end;
}

bool qcow2_counts_find_end(struct qcow2 *q, uint64_t *end, struct img_err *err)
{
	struct qcow2_table *block;

	for (uint64_t i = q->disk->n_reftable; i-- > 0;) {
		const uint64_t base = i << qcow2_count_bits(q);

		if (!get_block(q, base, &block, err))
			return false;
		if (!block)
			continue;
		*end = base + end_in_block(q, block);
		qcow2_cache_put(q->map.cache, block);
		if (*end > base)
			return true;
	}
	*end = 1;	/* the header is there */
	return true;
}

bool qcow2_counts_write(struct qcow2 *q, struct qcow2_stretch which, struct img_err *err)
{
	struct qcow2_table *block;

	for (uint64_t n; which.n; which.first += n, which.n -= n) {
		n = in_block(q, which);
		if (!get_block(q, which.first, &block, err))
			return false;
		if (!block)
			continue;
		const bool ok = qcow2_cache_write(q->map.cache, block, err);

		qcow2_cache_put(q->map.cache, block);
		if (!ok)
			return false;
	}
	return true;
}
