/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two entries that lead to one cluster, while its count or their COPIED flags say that fewer do.  It
 * is not the count that is wrong then: an entry was overwritten with another one, or entries were
 * moved by one place and what fell off at the end was empty, so that nothing is missed.  Higher counts
 * would make it look right, and where each of them led nobody could tell any more.
 */
#include "base/bytes.h"
#include "base/num.h"
#include "format/qcow2/refs_inside.h"

struct search {
	const struct qcow2_refs *refs;
	struct qcow2_geometry geo;
	struct qcow2_counts *seen;	/* references of active tables, but for streams; owned */
	struct img_findings *found;
};

/* A table while it is looked at. */
struct table {
	uint64_t host, guest;		/* guest IMG_NOWHERE: only snapshots have it */
	const uint8_t *raw;
	size_t entry_len;
	unsigned guest_bits;		/* of the disk, for one entry */
};

static bool tell(const struct search *s, const struct img_finding_kind *kind, const struct table *t,
		 size_t i, struct img_err *err)
{
	const struct img_finding one = {
		.kind = kind, .n = 1, .host = t->host + i * t->entry_len,
		.guest = t->guest == IMG_NOWHERE ? IMG_NOWHERE
			 : t->guest + ((uint64_t)i << t->guest_bits),
		.expected = IMG_NOWHERE, .found = img_get_be64(t->raw + i * t->entry_len),
	};

	return img_findings_add(s->found, one, 0, err);
}

/* A count of 0 is wrong anyway, and says nothing of the entries: only `flagged` does. */
static bool is_undercounted(const struct search *s, uint64_t cluster, bool flagged)
{
	const uint64_t stored = qcow2_refs_stored(s->refs, cluster);

	return stored < qcow2_refs_get(s->refs, cluster) && (stored || flagged);
}

/* Entry i leads to a cluster to which an active table led before. */
static bool note(struct search *s, const struct img_finding_kind *kind, const struct table *t, size_t i,
		 uint64_t cluster, bool flagged, struct img_err *err)
{
	if (qcow2_counts_get(s->seen, cluster) && is_undercounted(s, cluster, flagged) &&
	    !tell(s, kind, t, i, err))
		return false;
	return qcow2_counts_add(s->seen, cluster, 1, err);
}

/* ---- L1 ------------------------------------------------------------------------------------------ */

/* No image shares L2 tables within a disk, so that any count that is too low speaks against them. */
static bool visit_l1(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		     struct img_err *err)
{
	struct search *s = ctx;
	const unsigned bits = qcow2_l1_bits(&s->geo);
	const struct table t = {
		.host = host, .raw = raw, .entry_len = 8, .guest_bits = bits,
		.guest = (uint64_t)index * (QCOW2_BULK_BYTES / 8) << bits,
	};
	const struct img_finding_kind *why;
	uint64_t table;

	for (size_t i = 0; (i + 1) * t.entry_len <= len; i++)
		if (qcow2_l1_decode(&s->geo, img_get_be64(raw + i * t.entry_len), &table, &why) &&
		    table && !note(s, &qcow2_found_l1_twin, &t, i, table >> s->geo.cluster_bits, true,
				   err))
			return false;
	return true;
}

/* ---- L2 ------------------------------------------------------------------------------------------ */

static bool is_stream_undercounted(const struct search *s, const struct qcow2_cluster *cluster)
{
	const uint64_t last = (cluster->host + cluster->stored_len - 1) >> s->geo.cluster_bits;
	bool is = false;

	for (uint64_t at = cluster->host >> s->geo.cluster_bits; at <= last; at++)
		is |= is_undercounted(s, at, false);
	return is;
}

/* Whether entry i is the one before it once more. */
static bool is_repeated(const struct table *t, size_t i)
{
	const uint8_t *raw = t->raw + i * t->entry_len;

	return i && img_get_be64(raw) == img_get_be64(raw - t->entry_len);
}

/*
 * Of streams, which share clusters rightly, and of tables of snapshots, which share theirs with each
 * other, only neighbours are compared.
 */
static bool look_at_entry(struct search *s, const struct table *t, size_t i, struct img_err *err)
{
	const uint8_t *raw = t->raw + i * t->entry_len;
	const uint64_t bitmap = s->geo.subclusters ? img_get_be64(raw + 8) : 0;
	const struct img_finding_kind *why, *kind = &qcow2_found_l2_twin;
	struct qcow2_cluster cluster;

	if (!qcow2_l2_decode(&s->geo, img_get_be64(raw), bitmap, &cluster, &why) ||
	    !cluster.allocated)
		return true;
	const uint64_t number = cluster.host >> s->geo.cluster_bits;
	/* Two sorts of use are told as such. */
	if (qcow2_refs_is_table(s->refs, number))
		return true;
	if (cluster.kind == QCOW2_CLUSTER_COMPRESSED)
		return !is_repeated(t, i) || !is_stream_undercounted(s, &cluster) ||
		       tell(s, kind, t, i, err);
	if (t->guest == IMG_NOWHERE)
		return !is_repeated(t, i) || !is_undercounted(s, number, cluster.copied) ||
		       tell(s, kind, t, i, err);
	return note(s, kind, t, i, number, cluster.copied, err);
}

static bool visit_l2(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		     struct img_err *err)
{
	struct search *s = ctx;
	const uint32_t l1_index = s->refs->l1_indexes[index];
	const struct table t = {
		.host = host, .raw = raw, .entry_len = s->geo.l2_entry_len,
		.guest_bits = s->geo.cluster_bits,
		.guest = l1_index == QCOW2_NOT_ACTIVE ? IMG_NOWHERE
			 : (uint64_t)l1_index << qcow2_l1_bits(&s->geo),
	};

	for (size_t i = 0; (i + 1) * t.entry_len <= len; i++)
		if (!look_at_entry(s, &t, i, err))
			return false;
	return true;
}

bool qcow2_find_twins(const struct qcow2_refs *refs, const struct qcow2_header *hdr,
		      uint64_t memory, struct img_findings *found, struct img_err *err)
{
	struct search s = { .refs = refs, .found = found };
	bool ok;

	qcow2_geometry_init(&s.geo, hdr);
	s.seen = qcow2_counts_new_window(refs->start, memory, err);
	ok = s.seen && qcow2_bulk_range(refs->tables.file, hdr->l1_off,
					(uint64_t)hdr->l1_entries * 8, visit_l1, &s, err);
	/* Places in a data file are no places in this one. */
	if (ok && !s.geo.data_file)
		ok = qcow2_bulk_clusters(&refs->tables, visit_l2, &s, err);
	qcow2_counts_free(s.seen);
	return ok;
}
