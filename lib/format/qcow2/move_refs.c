/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All references of an image to clusters of its file, to look at and to change, in bulk.  The image
 * was checked before: each entry is legal, and each table is in the file, once.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/move.h"
#include "format/qcow2/refs_inside.h"

struct visit {
	struct qcow2_geometry geo;
	struct img_store *file;
	const struct qcow2_referring *how;
	bool changed;			/* the list that is being visited */
};

/* Where a table of len bytes at host is from now on; *host: where it can be read. */
static uint64_t seat(const struct visit *v, uint64_t *host, uint64_t len)
{
	const uint64_t now = v->how->refer(v->how->ctx, *host, len, false);

	if (v->how->moved)
		*host = now;
	return now;
}

/* ---- Entries -------------------------------------------------------------------------------------- */

/* The entry at raw leads to host, and now to another place. */
static void change_entry(uint8_t *raw, size_t at, uint64_t host, uint64_t now,
			 struct qcow2_changes *changes)
{
	if (now == host)
		return;
	/* The other bits of an entry stand beside the offset, and stay. */
	img_put_be64(raw + at, img_get_be64(raw + at) + (now - host));
	qcow2_changes_note(changes, at, sizeof(uint64_t));
}

/* Of L1, the refcount table or a bitmap's table: each leads to a cluster, or nowhere. */
static bool visit_offsets(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
			  struct img_err *err)
{
	const struct visit *v = ctx;
	struct qcow2_changes changes = { 0 };

	(void)index;
	for (size_t i = 0; i + 8 <= len; i += 8) {
		const uint64_t to = img_get_be64(raw + i) & QCOW2_ENTRY_HOST;

		if (to)
			change_entry(raw, i, to,
				     v->how->refer(v->how->ctx, to, qcow2_cluster_size(&v->geo),
						   false),
				     &changes);
	}
	return qcow2_changes_write(&changes, v->file, host, raw, err);
}

static uint64_t visit_cluster(const struct visit *v, const struct qcow2_cluster *c)
{
	if (c->kind == QCOW2_CLUSTER_COMPRESSED)
		return v->how->refer(v->how->ctx, c->host, c->stored_len, false);
	return v->how->refer(v->how->ctx, c->host, qcow2_cluster_size(&v->geo),
			     c->kind == QCOW2_CLUSTER_DATA || c->kind == QCOW2_CLUSTER_MIXED);
}

static void change_cluster(const struct visit *v, uint8_t *raw, size_t at, struct qcow2_cluster *c,
			   struct qcow2_changes *changes)
{
	if (!v->how->recast) {
		change_entry(raw, at, c->host, visit_cluster(v, c), changes);
	} else if (v->how->recast(v->how->ctx, c)) {
		qcow2_l2_encode(&v->geo, c, raw + at);
		qcow2_changes_note(changes, at, v->geo.l2_entry_len);
	}
}

static bool visit_l2(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		     struct img_err *err)
{
	const struct visit *v = ctx;
	struct qcow2_changes changes = { 0 };

	(void)index;
	for (size_t i = 0; i < len; i += v->geo.l2_entry_len) {
		const uint64_t entry = img_get_be64(raw + i);
		const uint64_t bitmap = v->geo.subclusters ? img_get_be64(raw + i + 8) : 0;
		const struct img_finding_kind *why;
		struct qcow2_cluster c;

		if (entry && qcow2_l2_decode(&v->geo, entry, bitmap, &c, &why) && c.allocated)
			change_cluster(v, raw, i, &c, &changes);
	}
	return qcow2_changes_write(&changes, v->file, host, raw, err);
}

/* Those of all L2 tables. */
static bool visit_clusters(struct visit *v, const struct qcow2_refs *refs, struct img_err *err)
{
	struct qcow2_cluster_list now = {
		.file = v->file, .cluster_bits = refs->tables.cluster_bits,
	};
	bool ok = true;

	if (!v->how->moved)
		return qcow2_bulk_clusters(&refs->tables, visit_l2, v, err);
	for (size_t i = 0; ok && i < refs->tables.n; i++) {
		uint64_t host = refs->tables.v[i];

		seat(v, &host, qcow2_cluster_size(&v->geo));
		ok = qcow2_cluster_list_add(&now, host, err);
	}
	ok = ok && qcow2_bulk_clusters(&now, visit_l2, v, err);
	qcow2_cluster_list_clear(&now);
	return ok;
}

/* ---- Tables --------------------------------------------------------------------------------------- */

/* A table of n offsets at *host, 0: it has none.  *host is where it is from now on. */
static bool visit_table(struct visit *v, uint64_t *host, uint64_t n, struct img_err *err)
{
	if (!n || !*host)
		return true;
	const uint64_t now = seat(v, host, n * sizeof(uint64_t));
	const bool ok = qcow2_bulk_range(v->file, *host, n * sizeof(uint64_t), visit_offsets, v, err);

	*host = now;
	return ok;
}

/* The same of one to which the entry at raw of some list leads. */
static bool visit_listed(struct visit *v, uint8_t *raw, uint64_t n, struct img_err *err)
{
	uint64_t host = img_get_be64(raw);

	if (!visit_table(v, &host, n, err))
		return false;
	v->changed |= host != img_get_be64(raw);
	img_put_be64(raw, host);
	return true;
}

/* A list of entries that lead to tables; len > 0 bytes at *host. */
struct listing {
	struct visit *v;
	uint32_t n;
	/* Visits the tables of the entry at raw; its length with padding. */
	bool (*entry)(struct visit *v, uint8_t *raw, size_t *len, struct img_err *err);
};

static bool visit_entries(const struct listing *list, uint8_t *raw, size_t len, struct img_err *err)
{
	size_t used;

	for (uint32_t i = 0; i < list->n && len; i++, raw += used, len -= used) {
		if (!list->entry(list->v, raw, &used, err))
			return false;
		used = img_min_u64(used, len);
	}
	return true;
}

static bool visit_list(const struct listing *list, uint64_t *host, size_t len, struct img_err *err)
{
	struct visit *v = list->v;
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(len, err);
	const uint64_t now = seat(v, host, len);

	v->changed = false;
	if (!raw || !img_store_read(v->file, *host, raw, len, err) ||
	    !visit_entries(list, raw, len, err) ||
	    (v->changed && !img_store_write(v->file, *host, raw, len, err)))
		return false;
	*host = now;
	return true;
}

static bool visit_snapshot(struct visit *v, uint8_t *raw, size_t *len, struct img_err *err)
{
	*len = img_round_up(QCOW2_SNAP_EXTRA + (uint64_t)img_get_be32(raw + QCOW2_SNAP_EXTRA_LEN) +
			    img_get_be16(raw + QCOW2_SNAP_ID_LEN) +
			    img_get_be16(raw + QCOW2_SNAP_NAME_LEN), QCOW2_SNAP_ALIGN);
	return visit_listed(v, raw + QCOW2_SNAP_L1_OFF, img_get_be32(raw + QCOW2_SNAP_L1_ENTRIES),
			    err);
}

static bool visit_snapshots(struct visit *v, struct qcow2_header *hdr, struct img_err *err)
{
	const struct listing list = { .v = v, .n = hdr->n_snapshots, .entry = visit_snapshot };
	struct qcow2_header there = *hdr;
	struct qcow2_snapshots snapshots;
	uint64_t file_size;

	if (!hdr->n_snapshots)
		return true;
	seat(v, &there.snapshots_off, 1);
	if (!img_store_size(v->file, &file_size, err) ||
	    !qcow2_snapshots_read(&there, v->file, file_size, &snapshots, err))
		return false;
	const uint64_t len = snapshots.table_len;

	qcow2_snapshots_clear(&snapshots);
	return visit_list(&list, &hdr->snapshots_off, len, err);
}

static bool visit_bitmap(struct visit *v, uint8_t *raw, size_t *len, struct img_err *err)
{
	*len = img_round_up(QCOW2_BITMAP_EXTRA + (uint64_t)img_get_be32(raw + QCOW2_BITMAP_EXTRA_LEN) +
			    img_get_be16(raw + QCOW2_BITMAP_NAME_LEN), QCOW2_BITMAP_ALIGN);
	return visit_listed(v, raw + QCOW2_BITMAP_TABLE_OFF,
			    img_get_be32(raw + QCOW2_BITMAP_TABLE_ENTRIES), err);
}

/* Of bitmaps that are lost nothing is in the file for sure. */
static bool visit_bitmaps(struct visit *v, struct qcow2_header *hdr, struct img_err *err)
{
	const struct listing list = { .v = v, .n = hdr->n_bitmaps, .entry = visit_bitmap };

	return !hdr->n_bitmaps || !(hdr->autoclear & QCOW2_AUTOCLEAR_BITMAPS) ||
	       visit_list(&list, &hdr->bitmap_dir_off, hdr->bitmap_dir_len, err);
}

bool qcow2_references_visit(struct qcow2_header *hdr, struct img_store *file,
			    const struct qcow2_refs *refs, const struct qcow2_referring *how,
			    struct img_err *err)
{
	struct visit v = { .file = file, .how = how };
	const uint64_t n_blocks = ((uint64_t)hdr->reftable_clusters << hdr->cluster_bits) / 8;

	qcow2_geometry_init(&v.geo, hdr);
	if (hdr->crypt == QCOW2_CRYPT_LUKS)
		hdr->crypt_off = how->refer(how->ctx, hdr->crypt_off, hdr->crypt_len, false);
	/* With a data file L2 tables lead nowhere in this one. */
	return (v.geo.data_file || visit_clusters(&v, refs, err)) &&
	       visit_table(&v, &hdr->l1_off, hdr->l1_entries, err) &&
	       visit_table(&v, &hdr->reftable_off, n_blocks, err) &&
	       visit_snapshots(&v, hdr, err) && visit_bitmaps(&v, hdr, err);
}
