/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where clusters are in use that nothing refers to, signs that an L2 table has lost entries: part of
 * it was overwritten with zeros, or with other entries of its own.  Disks are written by the sector,
 * so what zeros took are whole sectors; of a disk with holes many are empty, and nobody can tell
 * which were not.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "extent/extent.h"
#include "format/qcow2/refs_inside.h"

/* So many clusters with data are not what a crash leaves of a few requests. */
enum { MANY = 32 };

struct suspects {
	const struct qcow2_refs *refs;
	struct qcow2_geometry geo;
	struct qcow2_counts *active;	/* references of the active tables to standard clusters; owned */
	struct img_findings *found;
	uint64_t gap_host, gap_guest;	/* an empty sector of a table that is not empty; or NOWHERE */
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

/* Where entry i leads, if that is a standard cluster; 0: nowhere, or there is no such entry. */
static uint64_t host_of(const struct suspects *s, const struct table *t, size_t i)
{
	const uint64_t entry = i < t->n ? img_get_be64(t->raw + i * s->geo.l2_entry_len) : 0;

	return entry & QCOW2_ENTRY_COMPRESSED ? 0 : entry & QCOW2_ENTRY_HOST;
}

/* Whether the neighbours of the empty entry i leave place for a cluster that nothing refers to. */
static bool is_missing(const struct suspects *s, const struct table *t, size_t i)
{
	const uint64_t size = qcow2_cluster_size(&s->geo);
	const uint64_t before = i ? host_of(s, t, i - 1) : 0;
	const uint64_t cluster = (before + size) >> s->geo.cluster_bits;

	return before && host_of(s, t, i + 1) == before + 2 * size &&
	       cluster < qcow2_refs_clusters(s->refs) && !qcow2_refs_get(s->refs, cluster) &&
	       qcow2_refs_stored(s->refs, cluster);
}

static bool look_at_entry(struct suspects *s, const struct table *t, size_t i, struct img_err *err)
{
	const uint8_t *raw = t->raw + i * s->geo.l2_entry_len;
	const uint64_t bitmap = s->geo.subclusters ? img_get_be64(raw + 8) : 0;
	const struct img_finding_kind *why;
	struct qcow2_cluster cluster;

	if (!img_get_be64(raw))
		return !is_missing(s, t, i) || tell(s, &qcow2_found_l2_missing, t, i, err);
	if (!qcow2_l2_decode(&s->geo, img_get_be64(raw), bitmap, &cluster, &why) ||
	    !cluster.allocated || cluster.kind == QCOW2_CLUSTER_COMPRESSED)
		return true;
	const uint64_t number = cluster.host >> s->geo.cluster_bits;
	if (qcow2_counts_get(s->active, number) && !tell(s, &qcow2_found_l2_shared, t, i, err))
		return false;
	return qcow2_counts_add(s->active, number, 1, err);
}

static void find_gap(struct suspects *s, const struct table *t, size_t len)
{
	if (s->gap_host != IMG_NOWHERE || img_is_zero(t->raw, len))
		return;
	for (size_t at = 0; at < len; at += QCOW2_SECTOR)
		if (img_is_zero(t->raw + at, QCOW2_SECTOR)) {
			s->gap_host = t->host + at;
			s->gap_guest = t->guest +
				       ((uint64_t)(at / s->geo.l2_entry_len) << s->geo.cluster_bits);
			return;
		}
}

static bool visit(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		  struct img_err *err)
{
	struct suspects *s = ctx;
	const struct table t = {
		.host = host, .raw = raw, .n = len / s->geo.l2_entry_len,
		.guest = (uint64_t)s->refs->l1_indexes[index] << qcow2_l1_bits(&s->geo),
	};

	find_gap(s, &t, len);
	for (size_t i = 0; i < t.n; i++)
		if (!look_at_entry(s, &t, i, err))
			return false;
	return true;
}

/* ---- Clusters that are lost ---------------------------------------------------------------------- */

static bool has_data(const struct suspects *s, uint64_t cluster, uint8_t *raw, bool *has,
		     struct img_err *err)
{
	const size_t size = qcow2_cluster_size(&s->geo);
	size_t got;

	if (!img_store_read_some(s->refs->tables.file, cluster << s->geo.cluster_bits, raw, size, &got,
				 err))
		return false;
	*has = !img_is_zero(raw, got);
	return true;
}

/* How many hold something, at most MANY. */
static bool count_data(const struct suspects *s, size_t *n, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(qcow2_cluster_size(&s->geo), err);
	uint64_t cluster = 0, stored;
	bool has;

	*n = 0;
	if (!raw || !qcow2_counts_sort(s->refs->otherwise, err))
		return false;
	for (; *n < MANY && qcow2_counts_next(s->refs->otherwise, &cluster, &stored); cluster++) {
		if (stored < 2 || qcow2_refs_get(s->refs, cluster))
			continue;
		if (!has_data(s, cluster, raw, &has, err))
			return false;
		*n += has;
	}
	return true;
}

static bool tell_gap(const struct suspects *s, struct img_err *err)
{
	const struct img_finding one = {
		.kind = &qcow2_found_l2_gap, .n = 1, .host = s->gap_host, .guest = s->gap_guest,
		.expected = IMG_NOWHERE, .found = IMG_NOWHERE,
	};
	size_t n;

	return s->gap_host == IMG_NOWHERE ||
	       (count_data(s, &n, err) && (n < MANY || img_findings_add(s->found, one, 0, err)));
}

bool qcow2_find_suspects(const struct qcow2_refs *refs, const struct qcow2_header *hdr,
			 uint64_t memory, struct img_findings *found, struct img_err *err)
{
	struct suspects s = { .refs = refs, .found = found, .gap_host = IMG_NOWHERE };
	struct qcow2_cluster_list tables = refs->tables;
	bool ok;

	qcow2_geometry_init(&s.geo, hdr);
	/* Places in a data file are no places in this one. */
	if (s.geo.data_file)
		return true;
	tables.n = refs->n_active;
	s.active = qcow2_counts_new_window(refs->start, memory, err);
	ok = s.active && qcow2_bulk_clusters(&tables, visit, &s, err) && tell_gap(&s, err);
	qcow2_counts_free(s.active);
	return ok;
}
