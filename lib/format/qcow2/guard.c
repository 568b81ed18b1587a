/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the tables of an image lie, of all kinds and of all its snapshots.  No cluster is given
 * out, and no guest byte written, where one of them is: an image whose counts or entries say
 * otherwise is damaged, and writing would make it worse.
 */
#include <inttypes.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/disk.h"

/* Pieces of tables that are read at once. */
#define READ_BYTES (1 << 20)

bool qcow2_guard_add(struct qcow2 *q, uint64_t host, uint64_t len, struct img_err *err)
{
	const unsigned bits = q->geo.cluster_bits;
	/* What lies behind the end of the file cannot be written over. */
	const uint64_t end = img_min_u64(q->map.file_size, host + img_min_u64(len, UINT64_MAX - host));

	if (host >= end)
		return true;
	return qcow2_clusterset_add_run(&q->disk->tables, host >> bits,
					((end - 1) >> bits) - (host >> bits) + 1, err);
}

void qcow2_guard_remove(struct qcow2 *q, uint64_t first, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		if (!qcow2_clusterset_has(&q->disk->tables, first + i))
			continue;
		qcow2_clusterset_remove(&q->disk->tables, first + i);
		qcow2_cache_forget(q->map.cache, (first + i) << q->geo.cluster_bits);
	}
}

bool qcow2_guard_check(struct qcow2 *q, uint64_t host, uint64_t len, struct img_err *err)
{
	const unsigned bits = q->geo.cluster_bits;

	for (uint64_t c = host >> bits; c <= (host + len - 1) >> bits; c++)
		if (qcow2_clusterset_has(&q->disk->tables, c))
			return qcow2_contradiction(q->disk, err,
				_("a table of the image lies in cluster %" PRIu64
				  ", which should be free for data"), c);
	return true;
}

/* ---- Finding them ---------------------------------------------------------------------------- */

/* The tables that n entries of a snapshot's L1 table point to. */
static bool add_pointed(struct qcow2 *q, const uint64_t *entries, size_t n, struct img_err *err)
{
	for (size_t i = 0; i < n; i++) {
		const uint64_t host = entries[i] & QCOW2_ENTRY_HOST;

		if (host && !qcow2_guard_add(q, host, qcow2_cluster_size(&q->geo), err))
			return false;
	}
	return true;
}

/*
 * A table that changes has its clusters to itself.  One that lies behind the end of the file must not
 * be grown over.
 */
static bool add_own(struct qcow2 *q, uint64_t host, uint64_t len, struct img_err *err)
{
	const uint64_t first = host >> q->geo.cluster_bits;
	const uint64_t n = img_div_up(len, qcow2_cluster_size(&q->geo));

	for (uint64_t i = 0; i < n; i++)
		if (qcow2_clusterset_has(&q->disk->tables, first + i))
			return img_fail(err, IMG_E_CORRUPT, _("two tables of the image lie in cluster %"
					PRIu64), first + i);
	return qcow2_clusterset_add_run(&q->disk->tables, first, n, err);
}

static bool add_blocks(struct qcow2 *q, struct img_err *err)
{
	for (size_t i = 0; i < q->disk->n_reftable; i++) {
		const uint64_t host = q->disk->reftable[i] & QCOW2_ENTRY_HOST;

		if (host && !add_own(q, host, qcow2_cluster_size(&q->geo), err))
			return false;
	}
	return true;
}

/*
 * The active L2 tables.  Those that are not ours alone are copied before they change, so several
 * entries may lead to one; they come first, so that none of the others is among them.
 */
static bool add_active(struct qcow2 *q, bool ours, struct img_err *err)
{
	const uint64_t len = qcow2_cluster_size(&q->geo);

	for (size_t i = 0; i < q->map.n_l1; i++) {
		const uint64_t host = q->map.l1[i] & QCOW2_ENTRY_HOST;

		if (!host || !(q->map.l1[i] & QCOW2_ENTRY_COPIED) == ours)
			continue;
		if (!(ours ? add_own(q, host, len, err)
			   : qcow2_clusterset_add(&q->disk->tables, host >> q->geo.cluster_bits,
						  err)))
			return false;
	}
	return true;
}

/* As much of a snapshot's L1 table as the file has, and what it points to. */
static bool add_inactive(struct qcow2 *q, const struct qcow2_snapshot *snap, uint64_t *budget,
			 struct img_err *err)
{
	const uint64_t size = q->map.file_size, off = snap->l1_off;
	const uint64_t left = size - img_min_u64(size, off);
	uint64_t len = img_min_u64((uint64_t)snap->l1_entries * sizeof(uint64_t), left);

	if (snap->l1_entries > QCOW2_L1_BYTES_MAX / sizeof(uint64_t))
		return img_fail(err, IMG_E_RANGE, _("an L1 table of %" PRIu32 " entries is larger than "
				"32 MiB"), snap->l1_entries);
	/* Tables that lie apart are not longer than the file. */
	if (len > *budget)
		return img_fail(err, IMG_E_CORRUPT, _("the L1 tables of snapshots overlap"));
	*budget -= len;
	if (!qcow2_guard_add(q, off, len, err))
		return false;
	IMG_AUTO_FREE uint64_t *entries = img_alloc_aligned(img_min_u64(len, READ_BYTES), err);

	if (!entries && len)
		return false;
	for (uint64_t at = off; len >= sizeof(uint64_t);) {
		const size_t n = img_min_u64(len, READ_BYTES) / sizeof(uint64_t);

		if (!img_store_read(q->map.file, at, entries, n * sizeof(uint64_t), err))
			return false;
		for (size_t i = 0; i < n; i++)
			entries[i] = img_get_be64(&entries[i]);
		if (!add_pointed(q, entries, n, err))
			return false;
		at += n * sizeof(uint64_t);
		len -= n * sizeof(uint64_t);
	}
	return true;
}

static bool add_snapshots(struct qcow2 *q, struct img_err *err)
{
	uint64_t budget = q->map.file_size;
	struct qcow2_snapshots list;
	bool ok;

	if (!qcow2_snapshots_read(&q->header, q->map.file, q->map.file_size, &list, err))
		return false;
	ok = qcow2_guard_add(q, q->header.snapshots_off, list.table_len, err);
	for (size_t i = 0; ok && i < list.n; i++)
		ok = add_inactive(q, &list.v[i], &budget, err) ||
		     img_within(err, _("snapshot \"%s\""), list.v[i].name);
	qcow2_snapshots_clear(&list);
	return ok;
}

bool qcow2_guard_start(struct qcow2 *q, struct img_err *err)
{
	const struct qcow2_header *hdr = &q->header;

	return add_own(q, 0, qcow2_cluster_size(&q->geo), err) &&
	       add_own(q, hdr->l1_off, (uint64_t)hdr->l1_entries * sizeof(uint64_t), err) &&
	       add_own(q, hdr->reftable_off,
		       (uint64_t)hdr->reftable_clusters << q->geo.cluster_bits, err) &&
	       add_blocks(q, err) && add_active(q, false, err) && add_active(q, true, err) &&
	       /* Of bitmaps that are lost nothing is in the file for sure. */
	       (!(hdr->autoclear & QCOW2_AUTOCLEAR_BITMAPS) ||
		hdr->bitmap_dir_len > QCOW2_BITMAP_DIR_MAX ||
		qcow2_guard_add(q, hdr->bitmap_dir_off, hdr->bitmap_dir_len, err)) &&
	       (hdr->crypt != QCOW2_CRYPT_LUKS ||
		qcow2_guard_add(q, hdr->crypt_off, hdr->crypt_len, err)) &&
	       add_snapshots(q, err);
}
