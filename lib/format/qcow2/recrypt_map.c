/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which clusters of the file are those of a disk: of the active one, of those in snapshots, and what was
 * the memory of the machine.  No reference count is believed, and no table is in a cache.
 */
#include <inttypes.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/bulk.h"
#include "format/qcow2/counts.h"
#include "format/qcow2/recrypt.h"
#include "format/qcow2/refs.h"

/* ---- What it is ---------------------------------------------------------------------------------- */

/* Where a table was taken for a cluster of the disk it would be enciphered. */
static bool check_sound(const struct qcow2_header *hdr, struct img_store *st, struct img_err *err)
{
	struct qcow2_refs *refs;

	if (hdr->incompatible & QCOW2_INCOMPATIBLE_CORRUPT)
		return img_fail(err, IMG_E_CORRUPT, _("the image is marked as damaged; imgcheck -r "
				"repairs it"));
	if (hdr->incompatible & QCOW2_INCOMPATIBLE_DIRTY)
		return img_fail(err, IMG_E_CORRUPT, _("the image was not closed properly; imgcheck -r "
				"repairs it"));
	if (!qcow2_refs_collect_sound(hdr, st, NULL, &refs, err))
		return false;
	qcow2_refs_free(refs);
	return true;
}

static bool check(const struct qcow2_header *hdr, struct img_store *st, struct img_err *err)
{
	if (hdr->incompatible & QCOW2_INCOMPATIBLE_DATA_FILE)
		return img_fail(err, IMG_E_UNSUPPORTED, _("its data are in another file; the encryption of "
				"such an image is not changed in place"));
	return check_sound(hdr, st, err);
}

bool qcow2_recrypt_look(struct img_store *st, struct img_recrypt_seen *out, struct img_err *err)
{
	struct qcow2_header hdr;
	bool ok;

	if (!qcow2_header_read(st, &hdr, err))
		return false;
	ok = check(&hdr, st, err);
	*out = (struct img_recrypt_seen){
		.encrypted = hdr.crypt != QCOW2_CRYPT_NONE, .legacy = hdr.crypt == QCOW2_CRYPT_AES,
		.guest = hdr.size, .unit = UINT32_C(1) << hdr.cluster_bits,
	};
	if (hdr.crypt == QCOW2_CRYPT_LUKS) {
		out->key_at = hdr.crypt_off;
		out->key_len = hdr.crypt_len;
	}
	qcow2_header_clear(&hdr);
	return ok;
}

/* ---- L1 tables ----------------------------------------------------------------------------------- */

struct walk {
	const struct qcow2 *q;
	struct img_recrypt_visit *visit;
	struct qcow2_cluster_list tables;
	uint32_t *l1_indexes;		/* of each of them; owned */
	size_t l1_indexes_cap;
	struct qcow2_counts *seen;	/* L2 tables that are listed */
	uint64_t l1_off;		/* of the table that is read */
};

static bool list_table(struct walk *w, uint64_t table, uint32_t l1_index, struct img_err *err)
{
	const uint64_t cluster = table >> w->q->geo.cluster_bits;
	uint32_t *indexes;

	/* With IVs of the disk it matters where a table is used; one that has two places is found. */
	if (w->q->header.crypt != QCOW2_CRYPT_AES && qcow2_counts_get(w->seen, cluster))
		return true;
	indexes = img_grow_by_one(w->l1_indexes, w->tables.n, &w->l1_indexes_cap, sizeof(*indexes), err);
	if (!indexes)
		return false;
	w->l1_indexes = indexes;
	indexes[w->tables.n] = l1_index;
	return qcow2_cluster_list_add(&w->tables, table, err) &&
	       qcow2_counts_add(w->seen, cluster, 1, err);
}

static bool fail_entry(const struct img_finding_kind *why, uint64_t at, struct img_err *err)
{
	return img_fail(err, IMG_E_CORRUPT, _("the table entry at 0x%" PRIx64 " is damaged (%s)"), at,
			why ? why->id : "");
}

static bool list_tables(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
			struct img_err *err)
{
	struct walk *w = ctx;
	const uint64_t first = (host - w->l1_off) / sizeof(uint64_t);
	const struct img_finding_kind *why = NULL;
	uint64_t table;

	(void)index;
	for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
		if (!qcow2_l1_decode(&w->q->geo, img_get_be64(raw + i), &table, &why) ||
		    table >= w->q->map.file_size)
			return fail_entry(why, host + i, err);
		if (table && !list_table(w, table, (uint32_t)(first + i / sizeof(uint64_t)), err))
			return false;
	}
	return true;
}

static bool list_l1(struct walk *w, uint64_t at, uint32_t entries, struct img_err *err)
{
	w->l1_off = at;
	return qcow2_bulk_range(w->tables.file, at, entries * sizeof(uint64_t), list_tables, w, err);
}

static bool list_all(struct walk *w, struct img_err *err)
{
	const struct qcow2_header *hdr = &w->q->header;
	struct qcow2_snapshots list;
	bool ok;

	if (!list_l1(w, hdr->l1_off, hdr->l1_entries, err) ||
	    !qcow2_snapshots_read(hdr, w->tables.file, w->q->map.file_size, &list, err))
		return false;
	ok = true;
	for (size_t i = 0; ok && i < list.n; i++)
		ok = list_l1(w, list.v[i].l1_off, list.v[i].l1_entries, err);
	qcow2_snapshots_clear(&list);
	return ok;
}

/* ---- L2 tables ----------------------------------------------------------------------------------- */

/* The part of it that is asked for. */
static bool tell_run(const struct img_recrypt_visit *visit, uint64_t host, uint64_t guest, uint64_t len,
		     struct img_err *err)
{
	const uint64_t from = img_max_u64(host, visit->from), to = img_min_u64(host + len, visit->to);

	return from >= to || visit->found(visit->ctx, from, guest + (from - host), to - from, err);
}

/* Some of n entries from raw on, the first of which is for that guest byte; *done says how many. */
static bool visit_entries(struct walk *w, const uint8_t *raw, size_t n, uint64_t guest, size_t *done,
			  const struct img_finding_kind **why, struct img_err *err)
{
	const struct qcow2_geometry *geo = &w->q->geo;
	const uint64_t entry = img_get_be64(raw);
	const uint64_t bitmap = geo->subclusters ? img_get_be64(raw + sizeof(uint64_t)) : 0;
	struct qcow2_cluster cluster;

	*done = 1;
	if (!entry && !bitmap)
		return true;
	if (!qcow2_l2_decode(geo, entry, bitmap, &cluster, why))
		return false;
	if (cluster.kind == QCOW2_CLUSTER_COMPRESSED) {
		w->visit->packed++;
		return true;
	}
	if (!cluster.allocated)
		return true;
	*done = qcow2_l2_run(geo, raw, n);
	return (cluster.kind == QCOW2_CLUSTER_ZERO && !w->visit->unread) ||
	       tell_run(w->visit, cluster.host, guest, (uint64_t)*done << geo->cluster_bits, err);
}

static bool visit_table(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
			struct img_err *err)
{
	struct walk *w = ctx;
	const struct qcow2_geometry *geo = &w->q->geo;
	const size_t entry_len = geo->l2_entry_len;
	const uint64_t start = (uint64_t)w->l1_indexes[index] << qcow2_l1_bits(geo);
	size_t done;

	for (size_t i = 0; i < len; i += done * entry_len) {
		const uint64_t guest = start + ((uint64_t)(i / entry_len) << geo->cluster_bits);
		const struct img_finding_kind *why = NULL;

		if (!visit_entries(w, raw + i, (len - i) / entry_len, guest, &done, &why, err))
			return why ? fail_entry(why, host + i, err) : false;
	}
	return true;
}

bool qcow2_recrypt_visit(struct img_layer *ly, struct img_recrypt_visit *visit, struct img_err *err)
{
	const struct qcow2 *q = ly->priv;
	struct walk w = {
		.q = q, .visit = visit, .seen = qcow2_counts_new(err),
		.tables = { .file = q->map.file, .cluster_bits = q->geo.cluster_bits },
	};
	const bool ok = w.seen && list_all(&w, err) &&
			qcow2_bulk_clusters(&w.tables, visit_table, &w, err);

	qcow2_cluster_list_clear(&w.tables);
	qcow2_counts_free(w.seen);
	free(w.l1_indexes);
	return ok;
}
