/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What tables look like: nothing but entries that lead into the file, which in most images rise by a
 * cluster each.  A table lies in front of the first data that need it, so one of its entries leads
 * to where it ends.
 */
#include "format/qcow1/salvage.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"

enum {
	SECTORS_MOST	= 1 << 24,	/* of tables: 8 GiB */
	SECTOR_ENTRIES	= QCOW1_SECTOR / QCOW1_ENTRY_LEN,
	READ_SECTORS	= 128,		/* together, at most */
};

bool qcow1_is_sane(const struct qcow1_header *hdr, uint64_t entry, uint64_t file_size)
{
	const struct qcow1_cluster cluster = qcow1_entry_decode(hdr, entry);

	if (cluster.kind == QCOW1_HOLE || cluster.host >= file_size ||
	    cluster.host < QCOW1_HDR_LEN || qcow1_cluster_damage(hdr, &cluster))
		return false;
	return cluster.kind == QCOW1_PLAIN || cluster.stored_len <= file_size - cluster.host;
}

struct qcow1_shape qcow1_measure_shape(const struct qcow1_header *hdr, const uint8_t *raw,
				       uint32_t n, uint64_t file_size)
{
	struct qcow1_shape shape = { 0 };

	for (uint32_t i = 0; i < n; i++) {
		const uint64_t entry = img_get_be64(raw + i * QCOW1_ENTRY_LEN);
		const bool sane = qcow1_is_sane(hdr, entry, file_size);

		shape.good += sane;
		shape.bad += entry && !sane;
	}
	return shape;
}

/* ---- Sectors --------------------------------------------------------------------------------- */

/* Whether there is a size of clusters with which the entry is sane. */
static bool can_be_sane(uint64_t entry, uint64_t file_size)
{
	struct qcow1_header hdr = { .cluster_bits = QCOW1_CLUSTER_BITS_MIN };
	const bool packed = entry & QCOW1_FLAG_COMPRESSED;

	if (!packed)
		return qcow1_is_sane(&hdr, entry, file_size);
	for (; hdr.cluster_bits <= QCOW1_CLUSTER_BITS_MAX; hdr.cluster_bits++)
		if (qcow1_is_sane(&hdr, entry, file_size))
			return true;
	return false;
}

static bool is_part_of_table(const uint8_t *raw, size_t len, uint64_t file_size)
{
	bool any = false;

	for (size_t i = 0; i + QCOW1_ENTRY_LEN <= len; i += QCOW1_ENTRY_LEN) {
		const uint64_t entry = img_get_be64(raw + i);

		if (entry && !can_be_sane(entry, file_size))
			return false;
		any |= entry;
	}
	return any;
}

static bool collect(void *ctx, uint64_t at, const uint8_t *bytes, size_t len, struct img_err *err)
{
	struct qcow1_salvage *s = ctx;

	(void)err;
	for (size_t i = 0; i < len && s->n_sectors < SECTORS_MOST; i += QCOW1_SECTOR) {
		if (!is_part_of_table(bytes + i, img_min_u64(len - i, QCOW1_SECTOR), s->file_size))
			continue;
		img_put_be64(img_paged_at(&s->work->sectors, s->n_sectors++ * UINT64_C(8), true),
			     at + i);
	}
	return true;
}

static bool has_most(const void *ctx)
{
	const struct qcow1_salvage *s = ctx;

	return s->n_sectors == SECTORS_MOST;
}

bool qcow1_salvage_scan(struct qcow1_salvage *s, struct img_err *err)
{
	const struct img_store_scan scan = { .run = collect, .has_enough = has_most, .ctx = s };

	return img_paged_init(&s->work->sectors, NULL, 0, SECTORS_MOST * UINT64_C(8),
			      qcow1_work_memory(s), err) &&
	       img_store_scan(s->file, 0, s->file_size, QCOW1_SECTOR, &scan, err);
}

/* ---- Widths ---------------------------------------------------------------------------------- */

/* For each size of clusters how many entries follow from the one before, and of tables who fit. */
struct widths {
	const struct qcow1_salvage *s;
	size_t pairs[QCOW1_CLUSTER_BITS_MAX + 1];
	size_t anchors[QCOW1_L2_BITS_MAX + 1];
	unsigned cluster_bits;		/* chosen */
};

static bool follows(unsigned cluster_bits, uint64_t first, uint64_t second)
{
	const struct qcow1_header hdr = { .cluster_bits = cluster_bits };
	const struct qcow1_cluster a = qcow1_entry_decode(&hdr, first);
	const struct qcow1_cluster b = qcow1_entry_decode(&hdr, second);

	return a.kind == b.kind && a.kind != QCOW1_HOLE && !qcow1_cluster_damage(&hdr, &a) &&
	       b.host == a.host + a.stored_len;
}

static void count_pairs(struct widths *w, uint64_t at, const uint8_t *raw)
{
	(void)at;
	for (unsigned i = 0; i + 1 < SECTOR_ENTRIES; i++) {
		const uint64_t first = img_get_be64(raw + i * QCOW1_ENTRY_LEN);
		const uint64_t second = img_get_be64(raw + (i + 1) * QCOW1_ENTRY_LEN);

		if (!first || !second)
			continue;
		for (unsigned b = QCOW1_CLUSTER_BITS_MIN; b <= QCOW1_CLUSTER_BITS_MAX; b++)
			w->pairs[b] += follows(b, first, second);
	}
}

static bool is_listed(const struct qcow1_salvage *s, uint64_t sector)
{
	size_t low = 0, high = s->n_sectors;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (qcow1_sector(s, middle) < sector)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->n_sectors && qcow1_sector(s, low) == sector;
}

/* Something that looks like a table begins here: one does not begin inside another. */
static bool is_start(const struct qcow1_salvage *s, uint64_t sector)
{
	return is_listed(s, sector) && !is_listed(s, sector - QCOW1_SECTOR);
}

/* A table that begins here ends where the lowest of its clusters behind it begins. */
static void count_anchors(struct widths *w, uint64_t at, const uint8_t *raw)
{
	const struct qcow1_header hdr = { .cluster_bits = w->cluster_bits };
	uint64_t lowest = UINT64_MAX;

	if (at % qcow1_cluster_size(&hdr) || !is_start(w->s, at))
		return;
	for (unsigned i = 0; i < SECTOR_ENTRIES; i++) {
		const uint64_t entry = img_get_be64(raw + i * QCOW1_ENTRY_LEN);
		const uint64_t host = qcow1_entry_decode(&hdr, entry).host;

		if (qcow1_is_sane(&hdr, entry, w->s->file_size) && host > at)
			lowest = img_min_u64(lowest, host);
	}
	for (unsigned b = QCOW1_L2_BITS_MIN; b <= QCOW1_L2_BITS_MAX; b++)
		w->anchors[b] += lowest - at == (uint64_t)QCOW1_ENTRY_LEN << b;
}

static bool for_sectors(struct widths *w, void (*look)(struct widths *, uint64_t, const uint8_t *),
			struct img_err *err)
{
	const struct qcow1_salvage *s = w->s;
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(READ_SECTORS * QCOW1_SECTOR, err);
	size_t got;

	for (size_t i = 0, n; raw && i < s->n_sectors; i += n) {
		for (n = 1; n < READ_SECTORS && i + n < s->n_sectors &&
		     qcow1_sector(s, i + n) == qcow1_sector(s, i) + n * QCOW1_SECTOR;)
			n++;
		if (!img_store_read_some(s->file, qcow1_sector(s, i), raw, n * QCOW1_SECTOR, &got,
					 err))
			return false;
		for (size_t k = 0; k < got / QCOW1_SECTOR; k++)
			look(w, qcow1_sector(s, i + k), raw + k * QCOW1_SECTOR);
	}
	return raw;
}

/* The first of the largest; `said` when nothing is much better. */
static unsigned choose(const size_t *counts, unsigned min, unsigned max, unsigned said)
{
	unsigned best = min;

	for (unsigned i = min; i <= max; i++)
		if (counts[i] > counts[best])
			best = i;
	return said >= min && said <= max && 2 * counts[said] >= counts[best] ? said : best;
}

/* QEMU's tables of images that stand on another, and those of all others. */
static unsigned usual_l2_bits(unsigned cluster_bits)
{
	return cluster_bits == 9 ? 12 : (unsigned)img_max_u64(9, cluster_bits - 3);
}

bool qcow1_measure_widths(const struct qcow1_salvage *s, struct qcow1_header *hdr, size_t *pairs,
			  struct img_err *err)
{
	struct widths w = { .s = s };
	unsigned said = hdr->l2_bits;

	if (!for_sectors(&w, count_pairs, err))
		return false;
	w.cluster_bits = choose(w.pairs, QCOW1_CLUSTER_BITS_MIN, QCOW1_CLUSTER_BITS_MAX,
				hdr->cluster_bits);
	if (!for_sectors(&w, count_anchors, err))
		return false;
	if (said < QCOW1_L2_BITS_MIN || said > QCOW1_L2_BITS_MAX)
		said = usual_l2_bits(w.cluster_bits);
	hdr->cluster_bits = w.cluster_bits;
	hdr->l2_bits = choose(w.anchors, QCOW1_L2_BITS_MIN, QCOW1_L2_BITS_MAX, said);
	*pairs = w.pairs[w.cluster_bits];
	return true;
}
