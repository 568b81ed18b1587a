/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much a file has lost at its end, as far as that can be seen without reading all tables: from
 * the header, the L1 table, the refcount table, and the L2 table of the last part of the disk that
 * holds anything, as what was written last mostly lies last.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/bulk.h"
#include "format/qcow2/qcow2.h"

/* The end of what was seen to be in use; places that no file can have count for nothing. */
static void raise_end(uint64_t host, uint64_t len, uint64_t *end)
{
	uint64_t used;

	if (host && len && img_add_u64(host, len, &used) && used <= QCOW2_HOST_END)
		*end = img_max_u64(*end, used);
}

static void add_header(const struct qcow2_header *hdr, uint64_t *end)
{
	raise_end(hdr->l1_off, (uint64_t)hdr->l1_entries * 8, end);
	raise_end(hdr->reftable_off, (uint64_t)hdr->reftable_clusters << hdr->cluster_bits, end);
	raise_end(hdr->snapshots_off, hdr->n_snapshots, end);
	if (hdr->autoclear & QCOW2_AUTOCLEAR_BITMAPS)
		raise_end(hdr->bitmap_dir_off, hdr->bitmap_dir_len, end);
	if (hdr->crypt == QCOW2_CRYPT_LUKS)
		raise_end(hdr->crypt_off, hdr->crypt_len, end);
}

/* *last: the last table in the order of the disk; 0: there is none. */
static void add_l1(const struct qcow2 *q, uint64_t *last, size_t *last_index, uint64_t *end)
{
	const struct img_finding_kind *why;
	uint64_t host;

	*last = 0;
	for (size_t i = 0; i < q->map.n_l1; i++) {
		if (!qcow2_l1_decode(&q->geo, q->map.l1[i], &host, &why) || !host)
			continue;
		raise_end(host, qcow2_cluster_size(&q->geo), end);
		*last = host;
		*last_index = i;
	}
}

struct blocks {
	const struct qcow2_geometry *geo;
	uint64_t *end;
};

static bool add_blocks(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		       struct img_err *err)
{
	const struct blocks *b = ctx;
	const struct img_finding_kind *why;
	uint64_t block;

	(void)index;
	(void)host;
	(void)err;
	for (size_t i = 0; i + 8 <= len; i += 8) {
		const uint64_t entry = img_get_be64(raw + i);

		/* Most of a table is empty: not to decode that is a tenth of imginfo's work. */
		if (entry && qcow2_reftable_decode(b->geo, entry, &block, &why))
			raise_end(block, qcow2_cluster_size(b->geo), b->end);
	}
	return true;
}

static bool add_refcounts(const struct qcow2 *q, uint64_t *end, struct img_err *err)
{
	struct blocks blocks = { .geo = &q->geo, .end = end };

	return qcow2_bulk_range(q->map.file, q->header.reftable_off,
				(uint64_t)q->header.reftable_clusters << q->geo.cluster_bits,
				add_blocks, &blocks, err);
}

/* What the disk reads of a cluster at `guest`; of a compressed one, whose end is not known, a byte. */
static void add_cluster(const struct qcow2 *q, const struct qcow2_cluster *cluster, uint64_t guest,
			uint64_t *end)
{
	const uint64_t size = qcow2_cluster_size(&q->geo);

	if (cluster->kind == QCOW2_CLUSTER_COMPRESSED)
		raise_end(cluster->host, 1, end);
	else if (cluster->kind == QCOW2_CLUSTER_DATA && guest < q->header.size)
		raise_end(cluster->host, img_min_u64(size, q->header.size - guest), end);
}

static bool add_l2(const struct qcow2 *q, uint64_t table, uint64_t guest, uint64_t *end,
		   struct img_err *err)
{
	const size_t size = (size_t)qcow2_cluster_size(&q->geo), entry_len = q->geo.l2_entry_len;
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(size, err);
	const struct img_finding_kind *why;
	struct qcow2_cluster cluster;
	size_t got;

	if (!raw || !img_store_read_some(q->map.file, table, raw, size, &got, err))
		return false;
	for (size_t i = 0; i + entry_len <= got; i += entry_len) {
		const uint64_t bitmap = q->geo.subclusters ? img_get_be64(raw + i + 8) : 0;

		if (qcow2_l2_decode(&q->geo, img_get_be64(raw + i), bitmap, &cluster, &why))
			add_cluster(q, &cluster, guest + (i / entry_len << q->geo.cluster_bits), end);
	}
	return true;
}

bool qcow2_missing(const struct qcow2 *q, uint64_t *bytes, struct img_err *err)
{
	const uint64_t size = q->map.file_size;
	size_t l1_index = 0;
	uint64_t table, end = 0;

	add_header(&q->header, &end);
	add_l1(q, &table, &l1_index, &end);
	if (!add_refcounts(q, &end, err))
		return false;
	/* Clusters of the disk in a data file say nothing of this one. */
	if (table && table < size && !q->geo.data_file &&
	    !add_l2(q, table, (uint64_t)l1_index << qcow2_l1_bits(&q->geo), &end, err))
		return false;
	*bytes = end > size ? end - size : 0;
	return true;
}
