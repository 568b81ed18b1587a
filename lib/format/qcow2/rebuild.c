/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * New refcount structures, made from the reference map alone: after a crash that left the old ones
 * behind (§"Lazy refcounts"), or in another width.  They are written behind the end of the file and
 * come into force by one sector of the header; until then nothing that was in the file is touched.
 * What the old ones took becomes free with that.
 */
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/amend.h"
#include "format/qcow2/bulk.h"
#include "format/qcow2/refs.h"

struct rebuild {
	const struct qcow2_header *hdr;
	struct img_store *file;
	struct qcow2_refs *refs;	/* owned; without refcount structures, then with the new ones */
	unsigned order;
	unsigned block_bits;		/* a block counts 1 << block_bits clusters */
	uint64_t start;			/* first of the new clusters: the table, behind it the blocks */
	uint64_t table_clusters;
	uint64_t *blocks;		/* their numbers, rising; owned */
	size_t n_blocks, blocks_cap;
};

/* ---- What is needed, and where it goes ----------------------------------------------------------- */

/* The references of the image; damage is left to the caller, who clears it. */
static struct qcow2_refs *collect(const struct rebuild *r, bool with_refcounts,
				  struct img_findings *damage, struct img_err *err)
{
	const struct qcow2_refs_how how = {
		.hdr = r->hdr, .file = r->file, .with_refcounts = with_refcounts, .damage = damage,
	};

	return qcow2_refs_collect(&how, err);
}

static bool find_references(struct rebuild *r, struct img_err *err)
{
	struct img_findings damage = { .most = 1 };
	uint64_t cluster;
	bool ok;

	r->refs = collect(r, false, &damage, err);
	ok = r->refs && qcow2_refs_certain(&damage, err);
	img_findings_clear(&damage);
	if (!ok)
		return false;
	const uint64_t most = qcow2_refs_most(r->refs, &cluster);
	if (most > qcow2_refcount_max(r->order))
		return img_fail(err, IMG_E_RANGE,
				_("cluster %" PRIu64 " is in use %" PRIu64 " times, which reference "
				  "counts of %u bits cannot say"), cluster, most, 1u << r->order);
	return true;
}

/*
 * Behind the end of the file; in a device, whose end is no such sign, behind the last cluster that
 * something refers to, old refcounts included.
 */
static bool find_start(struct rebuild *r, struct img_err *err)
{
	struct img_findings damage = { .most = 1 };
	struct qcow2_refs *all;
	uint64_t cluster = 0, n;

	r->start = qcow2_refs_clusters(r->refs);
	if (r->file->caps & IMG_STORE_RESIZE)
		return true;
	all = collect(r, true, &damage, err);
	img_findings_clear(&damage);
	if (!all)
		return false;
	while (qcow2_refs_next(all, &cluster, &n))
		r->start = ++cluster;
	qcow2_refs_free(all);
	return true;
}

static bool list_blocks(struct rebuild *r, struct img_err *err)
{
	uint64_t cluster = 0, n;

	r->n_blocks = 0;
	while (qcow2_refs_next(r->refs, &cluster, &n)) {
		const uint64_t number = cluster >> r->block_bits;
		uint64_t *blocks = img_grow_by_one(r->blocks, r->n_blocks, &r->blocks_cap,
						   sizeof(*blocks), err);

		if (!blocks)
			return false;
		r->blocks = blocks;
		r->blocks[r->n_blocks++] = number;
		cluster = (number + 1) << r->block_bits;
	}
	return true;
}

/* Whether the last of the blocks counts cluster as well. */
static bool has_block_for(const struct rebuild *r, uint64_t cluster)
{
	return r->n_blocks && r->blocks[r->n_blocks - 1] == cluster >> r->block_bits;
}

/*
 * The new clusters count themselves, and may need further blocks for that: more and more are taken
 * until they suffice.  Sets table_clusters and returns the number of all.
 */
static uint64_t count_new_clusters(struct rebuild *r)
{
	const uint64_t first = r->start >> r->block_bits;
	uint64_t len = 1;

	for (;;) {
		const uint64_t last = (r->start + len - 1) >> r->block_bits;
		const uint64_t own = last - first + 1 - has_block_for(r, r->start);

		r->table_clusters = img_div_up((last + 1) * 8, UINT64_C(1) << r->hdr->cluster_bits);
		if (r->table_clusters + r->n_blocks + own == len)
			return len;
		len = r->table_clusters + r->n_blocks + own;
	}
}

static bool place(struct rebuild *r, struct img_err *err)
{
	const uint64_t len = list_blocks(r, err) ? count_new_clusters(r) : 0;

	if (!len)
		return false;
	if (r->table_clusters << r->hdr->cluster_bits > QCOW2_REFTABLE_BYTES_MAX)
		return img_fail(err, IMG_E_RANGE, _("a refcount table larger than 8 MiB would be "
				"needed for reference counts of %u bits"), 1u << r->order);
	if (!qcow2_refs_claim(r->refs, r->start, len, err) || !list_blocks(r, err))
		return false;
	assert(r->table_clusters + r->n_blocks == len);
	return true;
}

/* ---- Writing ------------------------------------------------------------------------------------- */

static uint64_t block_host(const struct rebuild *r, size_t i)
{
	return (r->start + r->table_clusters + i) << r->hdr->cluster_bits;
}

static bool write_table(const struct rebuild *r, struct img_err *err)
{
	const size_t len = (size_t)r->table_clusters << r->hdr->cluster_bits;
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(len, err);

	if (!raw)
		return false;
	memset(raw, 0, len);
	for (size_t i = 0; i < r->n_blocks; i++)
		img_put_be64(raw + r->blocks[i] * 8, block_host(r, i));
	return img_store_write(r->file, r->start << r->hdr->cluster_bits, raw, len, err);
}

static void fill_block(const struct rebuild *r, uint64_t number, uint8_t *raw)
{
	const uint64_t first = number << r->block_bits;
	uint64_t cluster = first, n;

	memset(raw, 0, (size_t)1 << r->hdr->cluster_bits);
	while (qcow2_refs_next(r->refs, &cluster, &n) && cluster >> r->block_bits == number)
		qcow2_refcount_put(raw, r->order, cluster++ - first, n);
}

static bool write_blocks(const struct rebuild *r, struct img_err *err)
{
	const size_t cluster = (size_t)1 << r->hdr->cluster_bits;
	const size_t most = img_max_u64(QCOW2_BULK_BYTES / cluster, 1);
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(most * cluster, err);

	if (!raw)
		return false;
	for (size_t i = 0; i < r->n_blocks; i += most) {
		const size_t n = img_min_u64(most, r->n_blocks - i);

		for (size_t j = 0; j < n; j++)
			fill_block(r, r->blocks[i + j], raw + j * cluster);
		if (!img_store_write(r->file, block_host(r, i), raw, n * cluster, err))
			return false;
	}
	return true;
}

/* ---- Coming into force --------------------------------------------------------------------------- */

/* On failure the header in memory is as before; the one in the file is that, or the new one. */
static bool put_header(struct qcow2 *q, const struct qcow2_header *numbers, struct img_err *err)
{
	const struct qcow2_header old = q->header;

	q->header = *numbers;
	if (qcow2_header_patch(q, err) && img_store_sync(q->map.file, err))
		return true;
	q->header = old;
	return false;
}

static bool take_over(struct qcow2 *q, const struct rebuild *r, bool dirty, struct img_err *err)
{
	struct qcow2_header hdr = q->header;

	hdr.reftable_off = r->start << hdr.cluster_bits;
	hdr.reftable_clusters = (uint32_t)r->table_clusters;
	hdr.refcount_order = r->order;
	if (!dirty)
		hdr.incompatible &= ~QCOW2_INCOMPATIBLE_DIRTY;
	return put_header(q, &hdr, err);
}

/* How many flags are wrong; repair: and are right from now on. */
static bool check_flags(const struct rebuild *r, bool repair, uint64_t *wrong, struct img_err *err)
{
	struct img_findings found = { .most = 0 };
	const bool ok = qcow2_copied_check(r->refs, r->hdr, r->file, repair, &found, err);

	*wrong = img_findings_total(&found, IMG_CORRUPT);
	img_findings_clear(&found);
	return ok;
}

/* An image that was dirty stays so until the last flag is right. */
static bool settle_flags(struct qcow2 *q, const struct rebuild *r, struct img_err *err)
{
	struct qcow2_header hdr = q->header;
	uint64_t wrong;

	if (!check_flags(r, true, &wrong, err) || !img_store_sync(r->file, err))
		return false;
	hdr.incompatible &= ~QCOW2_INCOMPATIBLE_DIRTY;
	return hdr.incompatible == q->header.incompatible || put_header(q, &hdr, err);
}

static bool rebuild(struct qcow2 *q, struct rebuild *r, struct img_err *err)
{
	uint64_t wrong;

	if (!find_references(r, err) || !find_start(r, err) || !place(r, err) ||
	    !check_flags(r, false, &wrong, err) || !write_table(r, err) || !write_blocks(r, err) ||
	    !img_store_sync(r->file, err))
		return false;
	return take_over(q, r, wrong, err) && (!wrong || settle_flags(q, r, err));
}

bool qcow2_rebuild_check(struct qcow2 *q, unsigned order, struct img_err *err)
{
	struct rebuild r = { .hdr = &q->header, .file = q->map.file, .order = order };
	const bool ok = find_references(&r, err);

	qcow2_refs_free(r.refs);
	return ok || img_within(err, _("reference counts"));
}

bool qcow2_rebuild_refcounts(struct qcow2 *q, unsigned order, struct img_err *err)
{
	struct rebuild r = {
		.hdr = &q->header, .file = q->map.file, .order = order,
		.block_bits = q->header.cluster_bits + 3 - order,
	};
	bool ok;

	assert(order <= QCOW2_REFCOUNT_ORDER_MAX);
	assert(q->header.version > 2 || order == QCOW2_REFCOUNT_ORDER_V2);
	ok = rebuild(q, &r, err);
	qcow2_refs_free(r.refs);
	free(r.blocks);
	return ok || img_within(err, _("reference counts"));
}
