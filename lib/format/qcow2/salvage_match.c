/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where snapshots say that tables belong which nothing of the disk itself leads to.  A table that a
 * snapshot shares with the disk is counted once for each; one that the disk went on writing to after
 * the snapshot still leads to most of the same clusters, in the same entries.
 */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/bulk.h"
#include "format/qcow2/salvage.h"
#include "format/qcow2/shape.h"

enum {
	TRAITS_MAX = 1 << 22,		/* entries of snapshots' tables that are kept */
	TRAITS_OF_TABLE = 256,		/* of each */
};

/* An entry of a snapshot's table. */
struct trait {
	uint64_t host;			/* where it leads */
	uint32_t slot;			/* of the L1 table */
	uint32_t entry;
};

struct matching {
	struct qcow2_salvage *s;
	struct trait *v;		/* by host; owned */
	size_t n, cap;
	uint32_t *votes;		/* for each slot; owned */
};

/*
 * Counted less often than it is referred to, now that the disk does, too: it did not.  Without counts
 * any table that is a snapshot's may be.
 */
static bool is_borrowed(const struct qcow2_salvage *s, uint64_t entry)
{
	const uint64_t host = entry & QCOW2_ENTRY_HOST, cluster = host >> s->geo.cluster_bits;
	const struct qcow2_found *table = qcow2_salvage_find(s, host);

	if (!s->counts_known)
		return table && table->snapshots;
	return qcow2_refs_stored(s->refs, cluster) < qcow2_refs_get(s->refs, cluster);
}

/* Whether a table may be placed there: where there is none, or only one that was a snapshot's. */
static bool is_open(const struct qcow2_salvage *s, size_t i)
{
	return qcow2_salvage_is_slot(s, i) ||
	       (s->l1_state[i] == QCOW2_L1_GUESSED && is_borrowed(s, s->l1[i]));
}

/* ---- What snapshots have ------------------------------------------------------------------------- */

static bool add_trait(struct matching *m, const struct trait *one, struct img_err *err)
{
	struct trait *v;

	if (m->n == TRAITS_MAX)
		return true;
	v = img_grow_by_one(m->v, m->n, &m->cap, sizeof(*v), err);
	if (!v)
		return false;
	m->v = v;
	v[m->n++] = *one;
	return true;
}

/* A table as the snapshot's L1 has it for the slot. */
static bool add_table(struct matching *m, uint32_t slot, const uint8_t *raw, struct img_err *err)
{
	const struct qcow2_geometry *geo = &m->s->geo;
	const struct qcow2_shapes shapes = { .geo = *geo };
	const size_t n = (size_t)1 << geo->l2_bits;
	struct qcow2_cluster cluster;
	size_t kept = 0;

	for (size_t i = 0; i < n && kept < TRAITS_OF_TABLE; i++) {
		if (!qcow2_shapes_entry(&shapes, raw, i, &cluster))
			continue;
		const struct trait one = { cluster.host, slot, (uint32_t)i };
		kept++;
		if (!add_trait(m, &one, err))
			return false;
	}
	return true;
}

static int compare_traits(const void *a, const void *b)
{
	const struct trait *x = a, *y = b;

	return (x->host > y->host) - (x->host < y->host);
}

static bool list_traits(struct matching *m, struct img_err *err)
{
	struct qcow2_salvage *s = m->s;
	const size_t size = qcow2_cluster_size(&s->geo);
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(size, err);
	uint64_t host;
	size_t got;

	if (!raw)
		return false;
	for (size_t i = 0; i < s->n_l1; i++) {
		if (!is_open(s, i))
			continue;
		if (!qcow2_salvage_donor(s, i, 0, &host, err))
			return false;
		if (!host)
			continue;
		if (!img_store_read_some(s->file, host, raw, size, &got, err))
			return false;
		if (got == size && !add_table(m, (uint32_t)i, raw, err))
			return false;
	}
	if (m->n)
		qsort(m->v, m->n, sizeof(*m->v), compare_traits);
	return true;
}

/* ---- Tables that went on from there -------------------------------------------------------------- */

static size_t find_trait(const struct matching *m, uint64_t host)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (m->v[middle].host < host)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void vote(struct matching *m, const struct qcow2_cluster *cluster, size_t entry)
{
	for (size_t i = find_trait(m, cluster->host); i < m->n && m->v[i].host == cluster->host; i++)
		m->votes[m->v[i].slot] += m->v[i].entry == entry;
}

/* The slot with most votes, if it is the only one; n_l1: none. */
static size_t elected(const struct matching *m)
{
	size_t best = m->s->n_l1;
	bool alone = true;

	for (size_t i = 0; i < m->s->n_l1; i++) {
		if (!m->votes[i])
			continue;
		alone = best == m->s->n_l1 || m->votes[i] != m->votes[best];
		if (best == m->s->n_l1 || m->votes[i] > m->votes[best])
			best = i;
	}
	return alone ? best : m->s->n_l1;
}

static bool visit(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		  struct img_err *err)
{
	struct matching *m = ctx;
	struct qcow2_salvage *s = m->s;
	const struct qcow2_shapes shapes = { .geo = s->geo };
	struct qcow2_cluster cluster;
	size_t slot;

	(void)index;
	memset(m->votes, 0, s->n_l1 * sizeof(*m->votes));
	for (size_t i = 0; i < len / s->geo.l2_entry_len; i++)
		if (qcow2_shapes_entry(&shapes, raw, i, &cluster))
			vote(m, &cluster, i);
	slot = elected(m);
	return slot == s->n_l1 || !is_open(s, slot) ||
	       qcow2_salvage_put(s, qcow2_salvage_find(s, host), slot, err);
}

static bool match_tables(struct matching *m, struct img_err *err)
{
	struct qcow2_salvage *s = m->s;
	struct qcow2_cluster_list list = { .file = s->file, .cluster_bits = s->geo.cluster_bits };
	bool ok = true;

	for (size_t i = 0; ok && i < s->n_found; i++)
		ok = !s->found[i].free || s->found[i].placed ||
		     qcow2_cluster_list_add(&list, s->found[i].host, err);
	ok = ok && qcow2_bulk_clusters(&list, visit, m, err);
	qcow2_cluster_list_clear(&list);
	return ok;
}

/* ---- Tables that the disk had in common ---------------------------------------------------------- */

static bool take_common(struct qcow2_salvage *s, struct img_err *err)
{
	uint64_t host;

	for (size_t i = 0; i < s->n_l1; i++) {
		if (!qcow2_salvage_is_slot(s, i))
			continue;
		if (!qcow2_salvage_donor(s, i, 0, &host, err))
			return false;
		struct qcow2_found *one = host ? qcow2_salvage_find(s, host) : NULL;

		if (one && qcow2_salvage_is_missed(s, host >> s->geo.cluster_bits) &&
		    !qcow2_salvage_put(s, one, i, err))
			return false;
	}
	return true;
}

bool qcow2_salvage_match(struct qcow2_salvage *s, struct img_err *err)
{
	struct matching m = { .s = s };
	bool ok;

	if (!s->snapshots.n)
		return true;
	m.votes = img_calloc(img_max_u64(s->n_l1, 1), sizeof(*m.votes), err);
	ok = m.votes && take_common(s, err) && list_traits(&m, err) && match_tables(&m, err);
	free(m.votes);
	free(m.v);
	return ok;
}
