/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entries of the L1 table that are empty while a snapshot has a table in their place which is counted
 * once more often than anything leads there.  All that such an entry led to is shared with the snapshot,
 * so that nothing is without a reference; lower counts would make the loss look right.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/refs_inside.h"

struct search {
	const struct qcow2_refs *refs;
	const struct qcow2_header *hdr;
	struct img_store *file;
	struct qcow2_geometry geo;
	struct qcow2_counts *told;	/* tables that were; owned */
	uint8_t *active;		/* QCOW2_BULK_BYTES of the L1 table; owned */
	bool any;			/* something was told */
	struct img_findings *found;
};

static bool is_overcounted(const struct search *s, uint64_t cluster)
{
	return qcow2_refs_stored(s->refs, cluster) > qcow2_refs_get(s->refs, cluster);
}

static bool tell(struct search *s, uint64_t index, uint64_t cluster, struct img_err *err)
{
	const struct img_finding one = {
		.kind = &qcow2_found_l1_missing, .n = 1, .host = s->hdr->l1_off + index * 8,
		.guest = index << qcow2_l1_bits(&s->geo),
		.expected = cluster << s->geo.cluster_bits, .found = 0,
	};

	s->any = true;
	return qcow2_counts_add(s->told, cluster, 1, err) && img_findings_add(s->found, one, 0, err);
}

/* Entry `index` of the disk is empty; what a snapshot has there is `entry`. */
static bool look_at_entry(struct search *s, uint64_t index, uint64_t entry, struct img_err *err)
{
	const struct img_finding_kind *why;
	uint64_t table;

	if (!qcow2_l1_decode(&s->geo, entry, &table, &why) || !table)
		return true;
	const uint64_t cluster = table >> s->geo.cluster_bits;

	return !is_overcounted(s, cluster) || qcow2_counts_get(s->told, cluster) ||
	       tell(s, index, cluster, err);
}

/* A part of a snapshot's table, beside the same part of the disk's. */
static bool visit_l1(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		     struct img_err *err)
{
	struct search *s = ctx;
	const uint64_t first = (uint64_t)index * (QCOW2_BULK_BYTES / 8);
	const uint64_t left = s->hdr->l1_entries > first ? s->hdr->l1_entries - first : 0;
	const size_t n = img_min_u64(left, len / 8);

	(void)host;
	if (n && !img_store_read(s->file, s->hdr->l1_off + first * 8, s->active, n * 8, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!img_get_be64(s->active + i * 8) &&
		    !look_at_entry(s, first + i, img_get_be64(raw + i * 8), err))
			return false;
	return true;
}

/* Tables that cannot be are told of by who collects the references. */
static bool look_at_snapshots(struct search *s, struct img_err *err)
{
	struct qcow2_snapshots list;
	struct img_err why = { 0 };
	uint64_t file_size;
	bool ok = true;

	if (!img_store_size(s->file, &file_size, err))
		return false;
	if (s->hdr->l1_entries * UINT64_C(8) > file_size - img_min_u64(s->hdr->l1_off, file_size))
		return true;
	if (!qcow2_snapshots_read(s->hdr, s->file, file_size, &list, &why))
		return img_code_is_damage(why.code) || img_fail(err, why.code, "%s", why.text);
	for (size_t i = 0; ok && i < list.n; i++) {
		const struct qcow2_snapshot *snap = &list.v[i];
		const uint64_t len = (uint64_t)snap->l1_entries * 8;

		if (len && len <= QCOW2_L1_BYTES_MAX && snap->l1_off < file_size &&
		    len <= file_size - snap->l1_off)
			ok = qcow2_bulk_range(s->file, snap->l1_off, len, visit_l1, s, err);
	}
	qcow2_snapshots_clear(&list);
	return ok;
}

bool qcow2_find_lent(const struct qcow2_refs *refs, const struct qcow2_header *hdr,
		     struct img_store *file, uint64_t memory, struct img_findings *found,
		     struct img_err *err)
{
	struct search s = { .refs = refs, .hdr = hdr, .file = file, .found = found };
	bool ok;

	if (!hdr->n_snapshots)
		return true;
	qcow2_geometry_init(&s.geo, hdr);
	s.told = qcow2_counts_new_window(refs->start, memory, err);
	s.active = s.told ? img_alloc_aligned(QCOW2_BULK_BYTES, err) : NULL;
	ok = s.active && look_at_snapshots(&s, err) &&
	     (!s.any || qcow2_tell_empty_l1(refs, hdr, found, err));
	free(s.active);
	qcow2_counts_free(s.told);
	return ok;
}
