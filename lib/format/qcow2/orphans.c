/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clusters that nothing refers to are lost space, unless what led to them is gone.  Among them L2
 * tables are told by their shape: entries that all are legal, and that mostly lead to other clusters
 * which nothing refers to.  Data hardly ever look like that.
 */
#include "base/num.h"
#include "format/qcow2/refs_inside.h"
#include "format/qcow2/shape.h"

struct search {
	struct qcow2_refs *refs;
	struct qcow2_shapes shapes;
	struct img_findings *found;
	uint64_t tables;		/* found so far */
	bool snapshots;			/* the image has some */
};

static bool is_orphan(const struct search *s, uint64_t cluster)
{
	return !qcow2_refs_get(s->refs, cluster);
}

/* What snapshots share with a table that is gone is counted once too often. */
static bool is_overcounted(const struct search *s, uint64_t cluster)
{
	return qcow2_refs_stored(s->refs, cluster) > qcow2_refs_get(s->refs, cluster);
}

/*
 * The entries of the table that was looked at; 0: it is none.  Most entries of one lead to what has
 * no owner.  Those of a refcount table look like those of an L2 table, but never have a flag, and
 * those of an L2 table are without only where snapshots share all that it leads to.
 */
static uint64_t count_orphaned(const struct search *s)
{
	const size_t n = (size_t)1 << s->shapes.geo.l2_bits;
	uint64_t mapped = 0, orphaned = 0;
	bool flagged = s->snapshots;
	struct qcow2_cluster cluster;

	for (size_t i = 0; i < n; i++) {
		if (!qcow2_shapes_entry(&s->shapes, s->shapes.raw, i, &cluster))
			continue;
		const uint64_t host = cluster.host >> s->shapes.geo.cluster_bits;

		mapped++;
		orphaned += is_orphan(s, host) || is_overcounted(s, host);
		flagged |= cluster.copied || cluster.kind == QCOW2_CLUSTER_COMPRESSED;
	}
	return flagged && orphaned * 2 > mapped ? mapped : 0;
}

/* *mapped: the entries of the table that lies there, 0: it is none; *next: where to go on. */
static bool look_at_cluster(struct search *s, uint64_t host, uint64_t *mapped, uint64_t *next,
			    struct img_err *err)
{
	unsigned shapes;

	if (!qcow2_shapes_look(&s->shapes, host, &shapes, next, err))
		return false;
	*mapped = shapes & QCOW2_SHAPE_L2 ? count_orphaned(s) : 0;
	return true;
}

/* *next: the first cluster behind it that may be something. */
static bool try_cluster(struct search *s, uint64_t cluster, uint64_t *next, struct img_err *err)
{
	const unsigned bits = s->shapes.geo.cluster_bits;
	const uint64_t host = cluster << bits;
	uint64_t mapped, behind;

	*next = cluster + 1;
	if (!is_orphan(s, cluster))
		return true;
	if (!look_at_cluster(s, host, &mapped, &behind, err))
		return false;
	*next = behind >> bits;
	const struct img_finding one = {
		.kind = &qcow2_found_l2_orphan, .n = 1, .host = host, .guest = IMG_NOWHERE,
		.expected = IMG_NOWHERE, .found = mapped,
	};
	s->tables += mapped > 0;
	return !mapped || img_findings_add(s->found, one, 0, err);
}

static bool search_counted(struct search *s, struct img_err *err)
{
	uint64_t cluster = 0, next, n;

	if (!qcow2_counts_sort(s->refs->otherwise, err))
		return false;
	for (; qcow2_counts_next(s->refs->otherwise, &cluster, &n); cluster++)
		if (!try_cluster(s, cluster, &next, err))
			return false;
	return true;
}

static bool search_all(struct search *s, struct img_err *err)
{
	const uint64_t end = img_min_u64(qcow2_refs_end(s->refs), qcow2_refs_clusters(s->refs));

	for (uint64_t cluster = qcow2_refs_start(s->refs), next; cluster < end; cluster = next)
		if (!try_cluster(s, cluster, &next, err))
			return false;
	return true;
}

bool qcow2_tell_empty_l1(const struct qcow2_refs *refs, const struct qcow2_header *hdr,
			 struct img_findings *found, struct img_err *err)
{
	const struct img_finding empty = {
		.kind = &qcow2_found_l1_empty, .n = 1, .host = hdr->l1_off, .guest = 0,
		.expected = IMG_NOWHERE, .found = IMG_NOWHERE,
	};

	return refs->l1_in_use || img_findings_count(found, &qcow2_found_l1_empty) ||
	       img_findings_add(found, empty, 0, err);
}

bool qcow2_find_orphans(struct qcow2_refs *refs, const struct qcow2_header *hdr,
			struct img_store *file, bool everywhere, struct img_findings *found,
			struct img_err *err)
{
	struct search s = { .refs = refs, .found = found, .snapshots = hdr->n_snapshots };
	const bool ok = qcow2_shapes_start(&s.shapes, hdr, file, err) &&
			(everywhere ? search_all(&s, err) : search_counted(&s, err)) &&
			(!s.tables || qcow2_tell_empty_l1(refs, hdr, found, err));

	qcow2_shapes_end(&s.shapes);
	return ok;
}

bool qcow2_is_orphan_table(struct qcow2_refs *refs, const struct qcow2_header *hdr,
			   struct img_store *file, uint64_t host, bool *is, struct img_err *err)
{
	struct search s = { .refs = refs, .snapshots = hdr->n_snapshots };
	uint64_t mapped = 0, next;
	const bool ok = qcow2_shapes_start(&s.shapes, hdr, file, err) &&
			(!is_orphan(&s, host >> s.shapes.geo.cluster_bits) ||
			 look_at_cluster(&s, host, &mapped, &next, err));

	*is = mapped > 0;
	qcow2_shapes_end(&s.shapes);
	return ok;
}
