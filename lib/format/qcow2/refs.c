/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reference map.  First what has its place by a header or a directory is claimed, cluster by
 * cluster; whatever runs into a cluster that was claimed before is damage and is followed no
 * further, so that the work is bounded by the file.  L2 tables are gathered with the number of
 * entries that point to them and read once each, in the order of the file.
 */
#include "format/qcow2/refs.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/bulk.h"
#include "format/qcow2/counts.h"

struct qcow2_refs {
	struct qcow2_counts *total;
	uint64_t n_clusters;		/* that the file has */
};

/* While references are being collected. */
struct collection {
	const struct qcow2_header *hdr;
	struct img_store *file;
	struct qcow2_geometry geo;
	uint64_t n_clusters;
	struct qcow2_counts *total;	/* all references */
	struct qcow2_counts *fixed;	/* those to what has its place by a header or a directory */
	struct qcow2_counts *tables;	/* those to L2 tables */
	struct qcow2_refs_damage *damage;
};

/* ---- Damage -------------------------------------------------------------------------------------- */

static void found(struct qcow2_damage *damage, uint64_t at, const char *why)
{
	if (damage->n++)
		return;
	damage->at = at;
	damage->why = why;
}

const struct qcow2_damage *qcow2_refs_worst(const struct qcow2_refs_damage *damage)
{
	if (damage->broken.n)
		return &damage->broken;
	if (damage->overlap.n)
		return &damage->overlap;
	return damage->outside.n ? &damage->outside : NULL;
}

/* ---- Tables that have their place ---------------------------------------------------------------- */

/*
 * Counts a reference to each cluster of [host, host + len), len > 0, which are tables that must be
 * nothing else.  *whole: they lie in the file and nobody else has claimed them.
 */
static bool claim(struct collection *c, uint64_t host, uint64_t len, bool *whole,
		  struct img_err *err)
{
	const uint64_t first = host >> c->geo.cluster_bits;
	uint64_t end;

	*whole = img_add_u64(host, len - 1, &end);
	end = *whole ? (end >> c->geo.cluster_bits) + 1 : UINT64_MAX;
	if (end > c->n_clusters) {
		found(&c->damage->outside, host, N_("a table reaches behind the end of the file"));
		*whole = false;
		end = c->n_clusters;
	}
	for (uint64_t at = first; at < end; at++) {
		const bool taken = qcow2_counts_get(c->fixed, at);

		if (!qcow2_counts_add(c->total, at, 1, err))
			return false;
		if (taken) {
			*whole = false;
			return true;	/* told at the end, with the other overlaps */
		}
		if (!qcow2_counts_add(c->fixed, at, 1, err))
			return false;
	}
	return true;
}

static bool is_aligned(const struct collection *c, uint64_t host)
{
	return !(host & (qcow2_cluster_size(&c->geo) - 1));
}

/* One cluster that a table points to from entry_at. */
static bool count_cluster(struct collection *c, struct qcow2_counts *special, uint64_t host,
			  uint64_t entry_at, uint64_t n, struct img_err *err)
{
	const uint64_t cluster = host >> c->geo.cluster_bits;

	if (cluster >= c->n_clusters) {
		found(&c->damage->outside, entry_at,
		      N_("an entry points behind the end of the file"));
		return true;
	}
	return qcow2_counts_add(c->total, cluster, n, err) &&
	       (!special || qcow2_counts_add(special, cluster, n, err));
}

/* ---- L1 and L2 tables ---------------------------------------------------------------------------- */

static bool visit_l1(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		     struct img_err *err)
{
	struct collection *c = ctx;
	const char *why;
	uint64_t table;

	(void)index;
	for (size_t i = 0; i + 8 <= len; i += 8) {
		if (!qcow2_l1_decode(&c->geo, img_get_be64(raw + i), &table, &why))
			found(&c->damage->broken, host + i, why);
		else if (table && !count_cluster(c, c->tables, table, host + i, 1, err))
			return false;
	}
	return true;
}

static bool collect_l1(struct collection *c, uint64_t host, uint64_t n_entries, uint64_t told_at,
		       struct img_err *err)
{
	bool whole;

	if (!n_entries)
		return true;
	if (!host || !is_aligned(c, host) || n_entries > QCOW2_L1_BYTES_MAX / 8) {
		found(&c->damage->broken, told_at, N_("an L1 table has an impossible place or size"));
		return true;
	}
	return claim(c, host, n_entries * 8, &whole, err) &&
	       (!whole || qcow2_bulk_range(c->file, host, n_entries * 8, visit_l1, c, err));
}

/* Every cluster that the stream touches, n times. */
static bool count_compressed(struct collection *c, const struct qcow2_cluster *cluster,
			     uint64_t entry_at, uint64_t n, struct img_err *err)
{
	const uint64_t last = cluster->host + cluster->stored_len - 1;
	uint64_t at = img_round_down(cluster->host, qcow2_cluster_size(&c->geo));

	for (; at <= last; at += qcow2_cluster_size(&c->geo))
		if (!count_cluster(c, NULL, at, entry_at, n, err))
			return false;
	return true;
}

static bool count_entry(struct collection *c, const uint8_t *raw, uint64_t entry_at, uint64_t n,
			struct img_err *err)
{
	const uint64_t entry = img_get_be64(raw);
	const uint64_t bitmap = c->geo.subclusters ? img_get_be64(raw + 8) : 0;
	struct qcow2_cluster cluster;
	const char *why;

	if (!entry && !bitmap)
		return true;
	if (!qcow2_l2_decode(&c->geo, entry, bitmap, &cluster, &why)) {
		found(&c->damage->broken, entry_at, why);
		return true;
	}
	if (cluster.kind == QCOW2_CLUSTER_COMPRESSED)
		return count_compressed(c, &cluster, entry_at, n, err);
	if (!cluster.allocated || c->geo.data_file)
		return true;
	return count_cluster(c, NULL, cluster.host, entry_at, n, err);
}

static bool visit_l2(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		     struct img_err *err)
{
	struct collection *c = ctx;
	const uint64_t n = qcow2_counts_get(c->tables, host >> c->geo.cluster_bits);

	(void)index;
	for (size_t i = 0; i < len; i += c->geo.l2_entry_len)
		if (!count_entry(c, raw + i, host + i, n, err))
			return false;
	return true;
}

static bool collect_l2(struct collection *c, struct img_err *err)
{
	struct qcow2_cluster_list list = { .file = c->file, .cluster_bits = c->geo.cluster_bits };
	uint64_t cluster = 0, n;
	bool ok = qcow2_counts_sort(c->tables, err);

	for (; ok && qcow2_counts_next(c->tables, &cluster, &n); cluster++)
		ok = qcow2_cluster_list_add(&list, cluster << c->geo.cluster_bits, err);
	ok = ok && qcow2_bulk_clusters(&list, visit_l2, c, err);
	qcow2_cluster_list_clear(&list);
	return ok;
}

/* ---- Snapshots ----------------------------------------------------------------------------------- */

static bool collect_snapshots(struct collection *c, struct img_err *err)
{
	const uint64_t at = c->hdr->snapshots_off;
	struct qcow2_snapshots list;
	struct img_err why = { 0 };
	uint64_t file_size;
	bool ok, whole;

	if (!c->hdr->n_snapshots)
		return true;
	if (!img_store_size(c->file, &file_size, err))
		return false;
	if (!qcow2_snapshots_read(c->hdr, c->file, file_size, &list, &why)) {
		if (why.code == IMG_E_IO || why.code == IMG_E_NOMEM)
			return img_fail(err, why.code, "%s", why.text);
		found(&c->damage->broken, at, N_("the snapshot table cannot be decoded"));
		return true;
	}
	ok = claim(c, at, img_max_u64(list.table_len, 1), &whole, err);
	for (size_t i = 0; ok && i < list.n; i++)
		ok = collect_l1(c, list.v[i].l1_off, list.v[i].l1_entries, at, err);
	qcow2_snapshots_clear(&list);
	return ok;
}

/* ---- Bitmaps ------------------------------------------------------------------------------------- */

static bool visit_bitmap_table(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
			       struct img_err *err)
{
	struct collection *c = ctx;

	(void)index;
	for (size_t i = 0; i + 8 <= len; i += 8) {
		const uint64_t entry = img_get_be64(raw + i);
		const uint64_t cluster = entry & QCOW2_ENTRY_HOST;

		if ((entry & QCOW2_BITMAP_ENTRY_RESERVED) || !is_aligned(c, cluster) ||
		    (cluster && (entry & QCOW2_BITMAP_ENTRY_ONES)))
			found(&c->damage->broken, host + i,
			      N_("an entry of a bitmap's table breaks the specification"));
		else if (cluster && !count_cluster(c, NULL, cluster, host + i, 1, err))
			return false;
	}
	return true;
}

static bool collect_bitmap(struct collection *c, const uint8_t *raw, uint64_t told_at,
			   struct img_err *err)
{
	const uint64_t host = img_get_be64(raw + QCOW2_BITMAP_TABLE_OFF);
	const uint64_t n_entries = img_get_be32(raw + QCOW2_BITMAP_TABLE_ENTRIES);
	bool whole;

	if (!n_entries)
		return true;
	if (!host || !is_aligned(c, host) || n_entries > QCOW2_BITMAP_TABLE_ENTRIES_MAX) {
		found(&c->damage->broken, told_at,
		      N_("a bitmap's table has an impossible place or size"));
		return true;
	}
	return claim(c, host, n_entries * 8, &whole, err) &&
	       (!whole ||
		qcow2_bulk_range(c->file, host, n_entries * 8, visit_bitmap_table, c, err));
}

/* The bytes of an entry of the directory with padding; 0: it does not end before len. */
static size_t bitmap_len(const uint8_t *raw, size_t len)
{
	if (len < QCOW2_BITMAP_EXTRA)
		return 0;
	const uint64_t whole = (uint64_t)QCOW2_BITMAP_EXTRA +
			       img_get_be32(raw + QCOW2_BITMAP_EXTRA_LEN) +
			       img_get_be16(raw + QCOW2_BITMAP_NAME_LEN);
	const uint64_t padded = img_round_up(whole, QCOW2_BITMAP_ALIGN);

	return padded <= len ? (size_t)padded : 0;
}

static bool collect_directory(struct collection *c, const uint8_t *raw, size_t len,
			      struct img_err *err)
{
	size_t used, at = 0;

	for (uint32_t i = 0; i < c->hdr->n_bitmaps; i++, at += used) {
		const uint64_t told_at = c->hdr->bitmap_dir_off + at;

		used = bitmap_len(raw + at, len - at);
		if (!used) {
			found(&c->damage->broken, told_at,
			      N_("the bitmap directory ends inside an entry"));
			return true;
		}
		if (!collect_bitmap(c, raw + at, told_at, err))
			return false;
	}
	return true;
}

static bool read_directory(struct collection *c, uint64_t host, size_t len, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(len, err);
	size_t got;

	return raw && img_store_read_some(c->file, host, raw, len, &got, err) &&
	       collect_directory(c, raw, got, err);
}

/* Without the feature bit nobody may use what the extension points to. */
static bool collect_bitmaps(struct collection *c, struct img_err *err)
{
	const uint64_t host = c->hdr->bitmap_dir_off, len = c->hdr->bitmap_dir_len;
	bool whole;

	if (!c->hdr->n_bitmaps || !(c->hdr->autoclear & QCOW2_AUTOCLEAR_BITMAPS))
		return true;
	if (!host || !is_aligned(c, host) || !len || len > QCOW2_BITMAP_DIR_MAX ||
	    c->hdr->n_bitmaps > QCOW2_BITMAPS_MAX) {
		found(&c->damage->broken, 0,
		      N_("the bitmap directory has an impossible place or size"));
		return true;
	}
	return claim(c, host, len, &whole, err) &&
	       (!whole || read_directory(c, host, (size_t)len, err));
}

/* ---- The rest of what the header points to ------------------------------------------------------- */

static bool collect_luks(struct collection *c, struct img_err *err)
{
	const uint64_t host = c->hdr->crypt_off, len = c->hdr->crypt_len;
	bool whole;

	if (c->hdr->crypt != QCOW2_CRYPT_LUKS || !len)
		return true;
	if (!host || !is_aligned(c, host) || len > QCOW2_LUKS_MAX) {
		found(&c->damage->broken, 0,
		      N_("the encryption header has an impossible place or size"));
		return true;
	}
	return claim(c, host, len, &whole, err);
}

static bool visit_reftable(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
			   struct img_err *err)
{
	struct collection *c = ctx;
	const char *why;
	uint64_t block;
	bool whole;

	(void)index;
	for (size_t i = 0; i + 8 <= len; i += 8) {
		if (!qcow2_reftable_decode(&c->geo, img_get_be64(raw + i), &block, &why))
			found(&c->damage->broken, host + i, why);
		else if (block >> c->geo.cluster_bits >= c->n_clusters)
			found(&c->damage->outside, host + i,
			      N_("an entry points behind the end of the file"));
		else if (block && !claim(c, block, qcow2_cluster_size(&c->geo), &whole, err))
			return false;
	}
	return true;
}

static bool collect_refcounts(struct collection *c, struct img_err *err)
{
	const uint64_t host = c->hdr->reftable_off;
	const uint64_t len = (uint64_t)c->hdr->reftable_clusters << c->geo.cluster_bits;
	bool whole;

	if (!len)
		return true;
	return claim(c, host, len, &whole, err) &&
	       (!whole || qcow2_bulk_range(c->file, host, len, visit_reftable, c, err));
}

/* ---- All of it ----------------------------------------------------------------------------------- */

/* Clusters of tables to which somebody refers as something else. */
static bool find_overlaps(struct collection *c, struct img_err *err)
{
	const char *const why = N_("a cluster of tables is in use for something else, too");
	uint64_t cluster, n;

	if (!qcow2_counts_sort(c->fixed, err))
		return false;
	for (cluster = 0; qcow2_counts_next(c->fixed, &cluster, &n); cluster++)
		if (qcow2_counts_get(c->total, cluster) != n)
			found(&c->damage->overlap, cluster << c->geo.cluster_bits, why);
	for (cluster = 0; qcow2_counts_next(c->tables, &cluster, &n); cluster++)
		if (!qcow2_counts_get(c->fixed, cluster) &&
		    qcow2_counts_get(c->total, cluster) != n)
			found(&c->damage->overlap, cluster << c->geo.cluster_bits, why);
	return true;
}

static bool collect(struct collection *c, bool with_refcounts, struct img_err *err)
{
	bool whole;

	if (!claim(c, 0, qcow2_cluster_size(&c->geo), &whole, err))
		return false;
	if (with_refcounts && !collect_refcounts(c, err))
		return img_within(err, _("refcount table"));
	if (!collect_l1(c, c->hdr->l1_off, c->hdr->l1_entries, QCOW2_HDR_L1_OFF, err))
		return img_within(err, _("L1 table"));
	if (!collect_snapshots(c, err))
		return img_within(err, _("snapshots"));
	if (!collect_bitmaps(c, err))
		return img_within(err, _("bitmaps"));
	return collect_luks(c, err) && collect_l2(c, err) && find_overlaps(c, err) &&
	       qcow2_counts_sort(c->total, err);
}

struct qcow2_refs *qcow2_refs_collect(const struct qcow2_header *hdr, struct img_store *file,
				      bool with_refcounts, struct qcow2_refs_damage *damage,
				      struct img_err *err)
{
	struct qcow2_refs *refs = img_calloc(1, sizeof(*refs), err);
	struct collection c = { .hdr = hdr, .file = file, .damage = damage };
	uint64_t size;
	bool ok;

	*damage = (struct qcow2_refs_damage){ 0 };
	qcow2_geometry_init(&c.geo, hdr);
	ok = refs && img_store_size(file, &size, err) && (c.total = qcow2_counts_new(err)) &&
	     (c.fixed = qcow2_counts_new(err)) && (c.tables = qcow2_counts_new(err));
	if (ok) {
		refs->total = c.total;
		refs->n_clusters = c.n_clusters = img_div_up(size, qcow2_cluster_size(&c.geo));
		ok = collect(&c, with_refcounts, err);
	}
	qcow2_counts_free(c.fixed);
	qcow2_counts_free(c.tables);
	if (ok)
		return refs;
	qcow2_counts_free(c.total);
	free(refs);
	return NULL;
}

void qcow2_refs_free(struct qcow2_refs *refs)
{
	if (!refs)
		return;
	qcow2_counts_free(refs->total);
	free(refs);
}

/* ---- Answers ------------------------------------------------------------------------------------- */

uint64_t qcow2_refs_get(const struct qcow2_refs *refs, uint64_t cluster)
{
	return qcow2_counts_get(refs->total, cluster);
}

uint64_t qcow2_refs_clusters(const struct qcow2_refs *refs)
{
	return refs->n_clusters;
}

bool qcow2_refs_next(struct qcow2_refs *refs, uint64_t *cluster, uint64_t *n)
{
	return qcow2_counts_next(refs->total, cluster, n);
}

uint64_t qcow2_refs_most(const struct qcow2_refs *refs, uint64_t *cluster)
{
	return qcow2_counts_most(refs->total, cluster);
}

bool qcow2_refs_claim(struct qcow2_refs *refs, uint64_t cluster, uint64_t n, struct img_err *err)
{
	for (uint64_t i = 0; i < n; i++)
		if (!qcow2_counts_add(refs->total, cluster + i, 1, err))
			return false;
	return qcow2_counts_sort(refs->total, err);
}
