/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an entry was before one of its bits changed.  Memory and disks flip single bits, and a table
 * entry is mostly offset: of the 64 entries that differ by one bit hardly any leads to a cluster that
 * is counted as used and that nothing refers to.  When exactly one does, it is the one.
 */
#include "base/num.h"
#include "format/qcow2/refs_inside.h"
#include "format/qcow2/repair.h"
#include "format/qcow2/shape.h"

bool qcow2_candidates_open(struct qcow2_candidates *c, struct qcow2_repair *r,
			   struct qcow2_refs *refs, struct img_err *err)
{
	*c = (struct qcow2_candidates){ .r = r, .refs = refs };
	qcow2_geometry_init(&c->geo, &r->hdr);
	return qcow2_decoder_open(&c->decoder, &r->hdr, r->file, err);
}

void qcow2_candidates_close(struct qcow2_candidates *c)
{
	qcow2_decoder_close(&c->decoder);
}

bool qcow2_is_lost(const struct qcow2_candidates *c, uint64_t host)
{
	const uint64_t cluster = host >> c->geo.cluster_bits;

	return cluster < qcow2_refs_clusters(c->refs) && qcow2_refs_stored(c->refs, cluster) &&
	       qcow2_refs_get(c->refs, cluster) == (cluster == c->own);
}

/* Whether all clusters that a compressed one touches are in the file and in use. */
static bool is_counted_stream(const struct qcow2_candidates *c, const struct qcow2_cluster *cluster)
{
	const uint64_t first = cluster->host >> c->geo.cluster_bits;
	const uint64_t last = (cluster->host + cluster->stored_len - 1) >> c->geo.cluster_bits;

	for (uint64_t at = first; at <= last; at++)
		if (at >= qcow2_refs_clusters(c->refs) || !qcow2_refs_stored(c->refs, at))
			return false;
	return true;
}

static bool is_possible(struct qcow2_candidates *c, uint64_t entry, uint64_t bitmap, bool *is,
			struct img_err *err)
{
	const struct img_finding_kind *why;
	struct qcow2_cluster cluster;

	*is = false;
	if (!qcow2_l2_decode(&c->geo, entry, bitmap, &cluster, &why) || !cluster.allocated)
		return true;
	if (cluster.kind == QCOW2_CLUSTER_COMPRESSED)
		return !is_counted_stream(c, &cluster) || (entry & QCOW2_ENTRY_COPIED) ||
		       qcow2_decoder_try(&c->decoder, &cluster, is, err);
	*is = qcow2_is_lost(c, cluster.host);
	return true;
}

/* The cluster that an entry refers to when it is taken for a compressed one. */
static uint64_t own_cluster(const struct qcow2_candidates *c, uint64_t entry, uint64_t bitmap)
{
	const struct img_finding_kind *why;
	struct qcow2_cluster cluster;

	return (entry & QCOW2_ENTRY_COMPRESSED) &&
	       qcow2_l2_decode(&c->geo, entry, bitmap, &cluster, &why)
		       ? cluster.host >> c->geo.cluster_bits : UINT64_MAX;
}

bool qcow2_find_entry(struct qcow2_candidates *c, uint64_t entry, uint64_t bitmap, uint64_t *found,
		      struct img_err *err)
{
	*found = 0;
	c->own = own_cluster(c, entry, bitmap);
	for (unsigned bit = 0; bit < 64; bit++) {
		const uint64_t other = entry ^ UINT64_C(1) << bit;
		bool is;

		if (!is_possible(c, other, bitmap, &is, err))
			return false;
		if (is)
			*found = *found ? QCOW2_SEVERAL_ENTRIES : other;
	}
	return true;
}

bool qcow2_was_empty(const struct qcow2_candidates *c, uint64_t entry)
{
	const uint64_t no_host = ~(QCOW2_ENTRY_HOST | QCOW2_ENTRY_COMPRESSED);

	/* Without COPIED flag it may be one that snapshots share. */
	return !(entry & (entry - 1)) && ((entry & no_host) || !c->r->hdr.n_snapshots);
}

bool qcow2_is_table(struct qcow2_candidates *c, uint64_t host, bool *is, struct img_err *err)
{
	struct qcow2_shapes shapes;
	unsigned found = 0;
	uint64_t next;
	const bool ok = qcow2_shapes_start(&shapes, &c->r->hdr, c->r->file, err) &&
			qcow2_shapes_look(&shapes, host, &found, &next, err);

	*is = found & QCOW2_SHAPE_L2;
	qcow2_shapes_end(&shapes);
	return ok;
}

bool qcow2_find_l1_entry(struct qcow2_candidates *c, uint64_t entry, uint64_t *found,
			 struct img_err *err)
{
	const struct img_finding_kind *why;
	uint64_t host;

	*found = 0;
	c->own = UINT64_MAX;
	for (unsigned bit = 0; bit < 64; bit++) {
		const uint64_t other = entry ^ UINT64_C(1) << bit;
		bool is;

		if (!qcow2_l1_decode(&c->geo, other, &host, &why) || !host ||
		    !qcow2_is_lost(c, host))
			continue;
		if (!qcow2_is_orphan_table(c->refs, &c->r->hdr, c->r->file, host, &is, err))
			return false;
		if (is)
			*found = *found ? QCOW2_SEVERAL_ENTRIES : other;
	}
	return true;
}
