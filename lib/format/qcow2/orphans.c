/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clusters that nothing refers to are lost space, unless what led to them is gone.  Among them L2
 * tables are told by their shape: entries that all are legal, and that mostly lead to other clusters
 * which nothing refers to.  Data hardly ever look like that.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/refs_inside.h"

/* What is looked at first: nearly all that is no table shows it there. */
enum { HEAD = QCOW2_SECTOR };

struct search {
	struct qcow2_refs *refs;
	struct img_store *file;
	struct qcow2_geometry geo;
	uint8_t *raw;			/* a cluster; owned */
	struct img_findings *found;
	uint64_t tables;		/* found so far */
	uint64_t file_size;
	uint64_t nothing_before;	/* known to be zeros up to here */
	bool snapshots;			/* the image has some */
};

/* Entries of a possible table. */
struct shape {
	uint64_t mapped, orphaned;
	bool flagged;			/* one says that it is COPIED or compressed */
};

static bool is_orphan(const struct search *s, uint64_t cluster)
{
	return !qcow2_refs_get(s->refs, cluster);
}

/* False: no entry of an L2 table of this file. */
static bool look_at_entry(const struct search *s, const uint8_t *raw, struct shape *shape)
{
	const uint64_t entry = img_get_be64(raw);
	const uint64_t bitmap = s->geo.subclusters ? img_get_be64(raw + 8) : 0;
	const struct img_finding_kind *why;
	struct qcow2_cluster cluster;

	if (!entry && !bitmap)
		return true;
	if (!qcow2_l2_decode(&s->geo, entry, bitmap, &cluster, &why))
		return false;
	if (!cluster.allocated)
		return true;
	if (cluster.host >> s->geo.cluster_bits >= qcow2_refs_clusters(s->refs))
		return false;
	shape->flagged |= (entry & (QCOW2_ENTRY_COPIED | QCOW2_ENTRY_COMPRESSED)) != 0;
	shape->mapped++;
	shape->orphaned += is_orphan(s, cluster.host >> s->geo.cluster_bits);
	return true;
}

static bool fits(const struct search *s, size_t len, struct shape *shape)
{
	for (size_t at = 0; at < len; at += s->geo.l2_entry_len)
		if (!look_at_entry(s, s->raw + at, shape))
			return false;
	return true;
}

/*
 * The entries of a refcount table look like those of an L2 table, but never have a flag; those of an
 * L2 table are without only where snapshots share all that it leads to.
 */
static bool is_table(const struct search *s, const struct shape *shape)
{
	return shape->orphaned * 2 > shape->mapped && (shape->flagged || s->snapshots);
}

/* Holes are no tables, and there may be terabytes of them. */
static bool is_hole(struct search *s, uint64_t host, bool *hole, struct img_err *err)
{
	struct img_extent ex;

	*hole = host < s->nothing_before || host >= s->file_size;
	if (*hole)
		return true;
	if (!img_store_extent(s->file, host, s->file_size, &ex, err))
		return false;
	if (ex.kind == IMG_EXTENT_ZERO)
		s->nothing_before = img_round_down(ex.start + ex.len, qcow2_cluster_size(&s->geo));
	*hole = host < s->nothing_before;
	return true;
}

/* *mapped: the entries of the table that lies there, 0: it is none. */
static bool look_at_cluster(struct search *s, uint64_t host, uint64_t *mapped, struct img_err *err)
{
	const size_t size = qcow2_cluster_size(&s->geo);
	struct shape head = { 0 }, whole = { 0 };
	size_t got;
	bool hole;

	*mapped = 0;
	if (!is_hole(s, host, &hole, err))
		return false;
	if (hole)
		return true;
	if (!img_store_read_some(s->file, host, s->raw, HEAD, &got, err))
		return false;
	if (got < HEAD || !fits(s, HEAD, &head))
		return true;
	if (!img_store_read_some(s->file, host, s->raw, size, &got, err))
		return false;
	if (got == size && fits(s, size, &whole) && is_table(s, &whole))
		*mapped = whole.mapped;
	return true;
}

static bool try_cluster(struct search *s, uint64_t cluster, struct img_err *err)
{
	const uint64_t host = cluster << s->geo.cluster_bits;
	uint64_t mapped;

	if (!is_orphan(s, cluster))
		return true;
	if (!look_at_cluster(s, host, &mapped, err))
		return false;
	const struct img_finding one = {
		.kind = &qcow2_found_l2_orphan, .n = 1, .host = host, .guest = IMG_NOWHERE,
		.expected = IMG_NOWHERE, .found = mapped,
	};
	s->tables += mapped > 0;
	return !mapped || img_findings_add(s->found, one, 0, err);
}

static bool search_counted(struct search *s, struct img_err *err)
{
	uint64_t cluster = 0, n;

	if (!qcow2_counts_sort(s->refs->otherwise, err))
		return false;
	for (; qcow2_counts_next(s->refs->otherwise, &cluster, &n); cluster++)
		if (!try_cluster(s, cluster, err))
			return false;
	return true;
}

static bool search_all(struct search *s, struct img_err *err)
{
	const uint64_t end = img_min_u64(qcow2_refs_end(s->refs), qcow2_refs_clusters(s->refs));

	for (uint64_t cluster = qcow2_refs_start(s->refs); cluster < end; cluster++) {
		if (!try_cluster(s, cluster, err))
			return false;
		cluster = img_max_u64(cluster + 1, s->nothing_before >> s->geo.cluster_bits) - 1;
	}
	return true;
}

static bool start_search(struct search *s, const struct qcow2_header *hdr, struct img_err *err)
{
	qcow2_geometry_init(&s->geo, hdr);
	s->snapshots = hdr->n_snapshots;
	s->raw = img_alloc_aligned(qcow2_cluster_size(&s->geo), err);
	return s->raw && img_store_size(s->file, &s->file_size, err);
}

bool qcow2_find_orphans(struct qcow2_refs *refs, const struct qcow2_header *hdr,
			struct img_store *file, bool everywhere, struct img_findings *found,
			struct img_err *err)
{
	struct search s = { .refs = refs, .file = file, .found = found };
	const struct img_finding empty = {
		.kind = &qcow2_found_l1_empty, .n = 1, .host = hdr->l1_off, .guest = 0,
		.expected = IMG_NOWHERE, .found = IMG_NOWHERE,
	};
	const bool ok = start_search(&s, hdr, err) &&
			(everywhere ? search_all(&s, err) : search_counted(&s, err)) &&
			(!s.tables || refs->l1_in_use || img_findings_add(found, empty, 0, err));

	free(s.raw);
	return ok;
}

bool qcow2_is_orphan_table(struct qcow2_refs *refs, const struct qcow2_header *hdr,
			   struct img_store *file, uint64_t host, bool *is, struct img_err *err)
{
	struct search s = { .refs = refs, .file = file };
	uint64_t mapped = 0;
	const bool ok = start_search(&s, hdr, err) &&
			(!is_orphan(&s, host >> s.geo.cluster_bits) ||
			 look_at_cluster(&s, host, &mapped, err));

	*is = mapped > 0;
	free(s.raw);
	return ok;
}
