/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where clusters are in use that nothing refers to, signs that an L2 table has lost entries: part of
 * it was overwritten with zeros, or with other entries of its own.
 */
#include "base/bytes.h"
#include "base/num.h"
#include "format/qcow2/refs_inside.h"

/* So many clusters that follow an entry, and so many empty entries, are no accident. */
enum { RUN = 32 };

struct suspects {
	const struct qcow2_refs *refs;
	struct qcow2_geometry geo;
	struct qcow2_counts *active;	/* references of the active tables to standard clusters; owned */
	struct img_findings *found;
};

/* A table while it is looked at. */
struct table {
	uint64_t host, guest;
	const uint8_t *raw;
	size_t n;			/* entries */
};

static bool tell(const struct suspects *s, const struct img_finding_kind *kind,
		 const struct table *t, size_t i, struct img_err *err)
{
	const struct img_finding one = {
		.kind = kind, .n = 1, .host = t->host + i * s->geo.l2_entry_len,
		.guest = t->guest + ((uint64_t)i << s->geo.cluster_bits),
		.expected = IMG_NOWHERE, .found = img_get_be64(t->raw + i * s->geo.l2_entry_len),
	};

	return img_findings_add(s->found, one, 0, err);
}

static bool is_lost(const struct suspects *s, uint64_t cluster)
{
	return !qcow2_refs_get(s->refs, cluster) &&
	       qcow2_counts_get(s->refs->otherwise, cluster) > 1;
}

/* Whether n entries from i on, and as many clusters from `cluster` on, have lost each other. */
static bool is_gap(const struct suspects *s, const struct table *t, size_t i, uint64_t cluster)
{
	for (size_t k = 0; k < RUN; k++)
		if (img_get_be64(t->raw + (i + k) * s->geo.l2_entry_len) ||
		    !is_lost(s, cluster + k))
			return false;
	return true;
}

static bool is_beside_gap(const struct suspects *s, const struct table *t, size_t i,
			  uint64_t cluster)
{
	return (i + RUN < t->n && is_gap(s, t, i + 1, cluster + 1)) ||
	       (i >= RUN && cluster >= RUN && is_gap(s, t, i - RUN, cluster - RUN));
}

static bool look_at_entry(struct suspects *s, const struct table *t, size_t i, struct img_err *err)
{
	const uint8_t *raw = t->raw + i * s->geo.l2_entry_len;
	const uint64_t bitmap = s->geo.subclusters ? img_get_be64(raw + 8) : 0;
	const struct img_finding_kind *why;
	struct qcow2_cluster cluster;

	if (!qcow2_l2_decode(&s->geo, img_get_be64(raw), bitmap, &cluster, &why) ||
	    !cluster.allocated || cluster.kind == QCOW2_CLUSTER_COMPRESSED)
		return true;
	const uint64_t number = cluster.host >> s->geo.cluster_bits;
	if (is_beside_gap(s, t, i, number) && !tell(s, &qcow2_found_l2_gap, t, i, err))
		return false;
	if (qcow2_counts_get(s->active, number) && !tell(s, &qcow2_found_l2_shared, t, i, err))
		return false;
	return qcow2_counts_add(s->active, number, 1, err);
}

static bool visit(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		  struct img_err *err)
{
	struct suspects *s = ctx;
	const struct table t = {
		.host = host, .raw = raw, .n = len / s->geo.l2_entry_len,
		.guest = (uint64_t)s->refs->l1_indexes[index] << qcow2_l1_bits(&s->geo),
	};

	for (size_t i = 0; i < t.n; i++)
		if (!look_at_entry(s, &t, i, err))
			return false;
	return true;
}

bool qcow2_find_suspects(const struct qcow2_refs *refs, const struct qcow2_header *hdr,
			 uint64_t memory, struct img_findings *found, struct img_err *err)
{
	struct suspects s = { .refs = refs, .found = found };
	struct qcow2_cluster_list tables = refs->tables;
	bool ok;

	qcow2_geometry_init(&s.geo, hdr);
	/* Places in a data file are no places in this one. */
	if (s.geo.data_file)
		return true;
	tables.n = refs->n_active;
	s.active = qcow2_counts_new_window(refs->start, memory, err);
	ok = s.active && qcow2_bulk_clusters(&tables, visit, &s, err);
	qcow2_counts_free(s.active);
	return ok;
}
