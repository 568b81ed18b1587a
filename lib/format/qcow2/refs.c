/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reference map.  First what has its place by a header or a directory is claimed, cluster by
 * cluster; whatever runs into a cluster that was claimed before is damage and is followed no
 * further, so that the work is bounded by the file.  L2 tables are gathered with the number of
 * entries that point to them, and read once each (refs_l2.c).
 */
#include "format/qcow2/refs.h"

#include <inttypes.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/refs_inside.h"

/* ---- Notes --------------------------------------------------------------------------------------- */

bool qcow2_refs_found(struct collection *c, const struct img_finding_kind *kind, uint64_t host,
		      uint64_t guest, uint64_t value, struct img_err *err)
{
	const struct img_finding one = {
		.kind = kind, .n = 1, .host = host, .guest = guest, .expected = IMG_NOWHERE,
		.found = value,
	};

	return c->how->first || c->watch || img_findings_add(c->damage, one, 0, err);
}

bool qcow2_refs_note(struct collection *c, enum qcow2_use use, uint64_t cluster, uint64_t n,
		     struct img_err *err)
{
	if (!c->watch)
		return qcow2_counts_add(c->total, cluster, n, err);
	for (size_t i = 0; i < c->n_watch; i++)
		if (c->watch[i].cluster == cluster)
			c->watch[i].uses |= 1u << use;
	return true;
}

/* ---- The end of the file ------------------------------------------------------------------------- */

bool qcow2_refs_is_cut(const struct collection *c, uint64_t host, uint64_t len)
{
	return host < c->file_size && len > c->file_size - host;
}

/* ---- Tables that have their place ---------------------------------------------------------------- */

bool qcow2_refs_claim_table(struct collection *c, enum qcow2_use use, uint64_t host, uint64_t len,
			    bool *whole, struct img_err *err)
{
	const uint64_t first = host >> c->geo.cluster_bits;
	uint64_t end;

	*whole = img_add_u64(host, len - 1, &end);
	end = *whole ? (end >> c->geo.cluster_bits) + 1 : UINT64_MAX;
	if ((end > c->n_clusters || qcow2_refs_is_cut(c, host, len)) &&
	    !qcow2_refs_found(c, &qcow2_found_table_outside, host, IMG_NOWHERE, IMG_NOWHERE, err))
		return false;
	if (end > c->n_clusters) {
		*whole = false;
		end = c->n_clusters;
	}
	for (uint64_t at = first; at < end; at++) {
		const bool taken = qcow2_counts_get(c->fixed, at);

		if (!qcow2_refs_note(c, use, at, 1, err))
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

bool qcow2_refs_is_aligned(const struct collection *c, uint64_t host)
{
	return !(host & (qcow2_cluster_size(&c->geo) - 1));
}

/* ---- L1 tables ----------------------------------------------------------------------------------- */

/* One L1 table while it is read. */
struct l1_walk {
	struct collection *c;
	bool active;
};

bool qcow2_refs_add_table(struct collection *c, uint64_t host, uint32_t l1_index,
			  struct img_err *err)
{
	uint32_t *indexes = img_grow_by_one(c->refs->l1_indexes, c->refs->tables.n,
					    &c->refs->l1_indexes_cap, sizeof(*indexes), err);

	if (!indexes)
		return false;
	c->refs->l1_indexes = indexes;
	indexes[c->refs->tables.n] = l1_index;
	return qcow2_cluster_list_add(&c->refs->tables, host, err);
}

static bool visit_l1_entry(struct l1_walk *w, uint64_t entry, uint64_t host, uint64_t index,
			   struct img_err *err)
{
	struct collection *c = w->c;
	const uint64_t guest = w->active && index << qcow2_l1_bits(&c->geo) < c->how->hdr->size
			       ? index << qcow2_l1_bits(&c->geo) : IMG_NOWHERE;
	const struct img_finding_kind *why;
	uint64_t table, cluster;

	c->refs->l1_in_use |= w->active;
	if (!qcow2_l1_decode(&c->geo, entry, &table, &why))
		return qcow2_refs_found(c, why, host, guest, entry, err);
	if (!table)
		return true;
	cluster = table >> c->geo.cluster_bits;
	if (cluster >= c->n_clusters)
		return qcow2_refs_found(c, &qcow2_found_l1_outside, host, guest, entry, err);
	if (qcow2_refs_is_cut(c, table, qcow2_cluster_size(&c->geo)) &&
	    !qcow2_counts_get(c->tables, cluster) &&
	    !qcow2_refs_found(c, &qcow2_found_table_outside, table, guest, IMG_NOWHERE, err))
		return false;
	if (w->active) {
		c->refs->stats.odd_flags |= !(entry & QCOW2_ENTRY_COPIED);
		if (!qcow2_counts_get(c->tables, cluster) &&
		    !qcow2_refs_add_table(c, table, (uint32_t)index, err))
			return false;
	}
	return qcow2_refs_note(c, QCOW2_USE_L2, cluster, 1, err) &&
	       qcow2_counts_add(c->tables, cluster, 1, err);
}

static bool visit_l1(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		     struct img_err *err)
{
	struct l1_walk *w = ctx;
	const uint64_t first = index * (QCOW2_BULK_BYTES / 8);

	for (size_t i = 0; i + 8 <= len; i += 8) {
		const uint64_t entry = img_get_be64(raw + i);

		if (entry && !visit_l1_entry(w, entry, host + i, first + i / 8, err))
			return false;
	}
	return true;
}

/* n_entries > 0 at a place that was validated. */
static bool collect_l1(struct collection *c, uint64_t host, uint64_t n_entries, bool active,
		       struct img_err *err)
{
	struct l1_walk walk = { .c = c, .active = active };
	bool whole;

	return qcow2_refs_claim_table(c, active ? QCOW2_USE_L1 : QCOW2_USE_SNAPSHOT_L1, host,
				      n_entries * 8, &whole, err) &&
	       (!whole || qcow2_bulk_range(c->file, host, n_entries * 8, visit_l1, &walk, err));
}

/* ---- Snapshots ----------------------------------------------------------------------------------- */

static bool collect_snapshot(struct collection *c, const struct qcow2_snapshot *snap,
			     struct img_err *err)
{
	const uint64_t host = snap->l1_off, n_entries = snap->l1_entries;

	/* Zeros, where the table ends before its count does. */
	if (!snap->id[0] && !host && !qcow2_refs_found(c, &qcow2_found_snapshot_table,
						       c->hdr->snapshots_off, IMG_NOWHERE,
						       IMG_NOWHERE, err))
		return false;
	if (!n_entries)
		return true;
	if (!host || !qcow2_refs_is_aligned(c, host) || n_entries > QCOW2_L1_BYTES_MAX / 8)
		return qcow2_refs_found(c, &qcow2_found_snapshot_l1, c->hdr->snapshots_off,
					IMG_NOWHERE, host, err);
	return collect_l1(c, host, n_entries, false, err);
}

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
		return qcow2_refs_found(c, &qcow2_found_snapshot_table, at, IMG_NOWHERE, IMG_NOWHERE, err);
	}
	ok = qcow2_refs_claim_table(c, QCOW2_USE_SNAPSHOTS, at, img_max_u64(list.table_len, 1), &whole, err);
	for (size_t i = 0; ok && i < list.n; i++)
		ok = collect_snapshot(c, &list.v[i], err);
	qcow2_snapshots_clear(&list);
	return ok;
}

/* ---- The rest of what the header points to ------------------------------------------------------- */

static bool collect_luks(struct collection *c, struct img_err *err)
{
	const uint64_t host = c->hdr->crypt_off, len = c->hdr->crypt_len;
	bool whole;

	if (c->hdr->crypt != QCOW2_CRYPT_LUKS)
		return true;
	if (!host || !len || !qcow2_refs_is_aligned(c, host) || len > QCOW2_LUKS_MAX)
		return qcow2_refs_found(c, &qcow2_found_crypt_place, 0, IMG_NOWHERE, host, err);
	return qcow2_refs_claim_table(c, QCOW2_USE_CRYPT, host, len, &whole, err);
}

static bool visit_reftable_entry(struct collection *c, uint64_t entry, uint64_t entry_at,
				 struct img_err *err)
{
	const struct img_finding_kind *why;
	uint64_t block;
	bool whole;

	if (!qcow2_reftable_decode(&c->geo, entry, &block, &why))
		return qcow2_refs_found(c, why, entry_at, IMG_NOWHERE, entry, err);
	if (block >> c->geo.cluster_bits >= c->n_clusters)
		return qcow2_refs_found(c, &qcow2_found_reftable_outside, entry_at, IMG_NOWHERE,
					entry, err);
	return !block || qcow2_refs_claim_table(c, QCOW2_USE_REFBLOCK, block,
						qcow2_cluster_size(&c->geo), &whole, err);
}

static bool visit_reftable(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
			   struct img_err *err)
{
	(void)index;
	for (size_t i = 0; i + 8 <= len; i += 8)
		if (!visit_reftable_entry(ctx, img_get_be64(raw + i), host + i, err))
			return false;
	return true;
}

static bool collect_refcounts(struct collection *c, struct img_err *err)
{
	const uint64_t host = c->hdr->reftable_off;
	const uint64_t len = (uint64_t)c->hdr->reftable_clusters << c->geo.cluster_bits;
	bool whole;

	if (!len)
		return true;
	return qcow2_refs_claim_table(c, QCOW2_USE_REFTABLE, host, len, &whole, err) &&
	       (!whole || qcow2_bulk_range(c->file, host, len, visit_reftable, c, err));
}

/* ---- All of it ----------------------------------------------------------------------------------- */

static bool collect(struct collection *c, struct img_err *err)
{
	const struct qcow2_header *hdr = c->hdr;
	bool whole;

	if (!qcow2_refs_claim_table(c, QCOW2_USE_HEADER, 0, qcow2_cluster_size(&c->geo), &whole, err))
		return false;
	if (c->how->with_refcounts && !collect_refcounts(c, err))
		return img_within(err, _("refcount table"));
	if (hdr->l1_entries && !collect_l1(c, hdr->l1_off, hdr->l1_entries, true, err))
		return img_within(err, _("L1 table"));
	if (!collect_snapshots(c, err))
		return img_within(err, _("snapshots"));
	if (!qcow2_refs_collect_bitmaps(c, err))
		return img_within(err, _("bitmaps"));
	return collect_luks(c, err) && qcow2_refs_collect_l2(c, err);
}

static bool start_collection(struct collection *c, struct img_err *err)
{
	c->fixed = qcow2_counts_new(err);
	c->tables = qcow2_counts_new(err);
	c->total = !c->how->memory ? qcow2_counts_new(err)
		   : qcow2_counts_new_window(c->how->first, c->how->memory, err);
	c->refs->tables.file = c->file;
	c->refs->tables.cluster_bits = c->geo.cluster_bits;
	return c->fixed && c->tables && c->total;
}

/* What was counted belongs to the result, for good or to be freed with it. */
static void end_collection(struct collection *c)
{
	c->refs->total = c->total;
	c->refs->fixed = c->fixed;
	c->refs->l2 = c->tables;
}

bool qcow2_refs_watch(const struct collection *counted, struct qcow2_watched *watch, size_t n,
		      struct img_err *err)
{
	struct qcow2_refs *refs = img_calloc(1, sizeof(*refs), err);
	struct collection c = {
		.how = counted->how, .hdr = counted->hdr, .file = counted->file,
		.geo = counted->geo, .file_size = counted->file_size,
		.n_clusters = counted->n_clusters, .damage = counted->damage, .refs = refs, .watch = watch,
		.n_watch = n,
	};
	struct qcow2_refs_how alone = *counted->how;

	if (!refs)
		return false;
	/* The marks are not made to be set by several threads. */
	alone.threads = 1;
	c.how = &alone;
	const bool ok = start_collection(&c, err) && collect(&c, err);
	end_collection(&c);
	qcow2_refs_free(refs);
	return ok;
}

struct qcow2_refs *qcow2_refs_collect(const struct qcow2_refs_how *how, struct img_err *err)
{
	struct qcow2_refs *refs = img_calloc(1, sizeof(*refs), err);
	struct collection c = {
		.how = how, .hdr = how->hdr, .file = how->file, .damage = how->damage, .refs = refs,
	};
	bool ok;

	qcow2_geometry_init(&c.geo, c.hdr);
	if (!refs || !img_store_size(c.file, &c.file_size, err)) {
		free(refs);
		return NULL;
	}
	refs->start = how->first;
	refs->n_clusters = c.n_clusters = img_div_up(c.file_size, qcow2_cluster_size(&c.geo));
	ok = start_collection(&c, err) && collect(&c, err) && qcow2_refs_find_overlaps(&c, err) &&
	     qcow2_counts_sort(c.total, err);
	end_collection(&c);
	if (ok)
		return refs;
	qcow2_refs_free(refs);
	return NULL;
}

void qcow2_refs_free(struct qcow2_refs *refs)
{
	if (!refs)
		return;
	qcow2_counts_free(refs->total);
	qcow2_counts_free(refs->fixed);
	qcow2_counts_free(refs->l2);
	qcow2_counts_free(refs->otherwise);
	qcow2_cluster_list_clear(&refs->tables);
	free(refs->l1_indexes);
	free(refs);
}

/* ---- Answers ------------------------------------------------------------------------------------- */

/* The first that is no leak, or as bad as that. */
static const struct img_finding *worst(const struct img_findings *damage)
{
	for (size_t i = 0; i < damage->n; i++)
		if (damage->v[i].kind->severity == IMG_CORRUPT)
			return &damage->v[i];
	return &damage->v[0];
}

bool qcow2_refs_certain(const struct img_findings *damage, struct img_err *err)
{
	const struct img_finding *first = damage->n ? worst(damage) : NULL;

	return !first ||
	       img_fail(err, IMG_E_CORRUPT, _("what refers to which cluster cannot be told for "
			"certain: %s (at 0x%" PRIx64 ")"), _(first->kind->text), first->host);
}

uint64_t qcow2_refs_outside(const struct img_findings *damage)
{
	static const struct img_finding_kind *const kinds[] = {
		&qcow2_found_table_outside, &qcow2_found_l1_outside, &qcow2_found_l2_outside,
		&qcow2_found_compressed_outside, &qcow2_found_reftable_outside,
		&qcow2_found_bitmap_outside,
	};
	uint64_t n = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		n += img_findings_count(damage, kinds[i]);
	return n;
}

uint64_t qcow2_refs_get(const struct qcow2_refs *refs, uint64_t cluster)
{
	return qcow2_counts_get(refs->total, cluster);
}

bool qcow2_refs_is_table(const struct qcow2_refs *refs, uint64_t cluster)
{
	return qcow2_counts_get(refs->fixed, cluster) || qcow2_counts_get(refs->l2, cluster);
}

void qcow2_refs_get_many(const struct qcow2_refs *refs, uint64_t cluster, uint64_t *counts,
			 size_t n)
{
	qcow2_counts_get_many(refs->total, cluster, counts, n);
}

uint64_t qcow2_refs_clusters(const struct qcow2_refs *refs)
{
	return refs->n_clusters;
}

uint64_t qcow2_refs_start(const struct qcow2_refs *refs)
{
	return refs->start;
}

uint64_t qcow2_refs_end(const struct qcow2_refs *refs)
{
	return qcow2_counts_end(refs->total);
}

bool qcow2_refs_next(struct qcow2_refs *refs, uint64_t *cluster, uint64_t *n)
{
	return qcow2_counts_next(refs->total, cluster, n);
}

uint64_t qcow2_refs_most(const struct qcow2_refs *refs, uint64_t *cluster)
{
	return qcow2_counts_most(refs->total, cluster);
}

const struct qcow2_refs_stats *qcow2_refs_stats(const struct qcow2_refs *refs)
{
	return &refs->stats;
}

uint64_t qcow2_refs_tables(const struct qcow2_refs *refs)
{
	return refs->tables.n;
}

bool qcow2_refs_claim(struct qcow2_refs *refs, uint64_t cluster, uint64_t n, struct img_err *err)
{
	for (uint64_t i = 0; i < n; i++)
		if (!qcow2_counts_add(refs->total, cluster + i, 1, err))
			return false;
	return qcow2_counts_sort(refs->total, err);
}
