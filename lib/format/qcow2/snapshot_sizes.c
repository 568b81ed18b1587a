/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much of the file each snapshot shows, and how much of it nothing else needs.  Each L2 table is
 * read once, however many snapshots have it.
 */
#include "format/qcow2/snapshot.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/parallel.h"
#include "format/qcow2/bulk.h"
#include "format/qcow2/counts.h"

enum { MOST_THREADS = 8 };

/* An L2 table that a snapshot has. */
struct use {
	uint64_t table;			/* host */
	size_t snapshot;
};

struct sizes {
	struct qcow2 *q;
	struct qcow2_refs *refs;	/* owned */
	struct img_snapshot *out;
	struct use *uses;		/* owned; by table */
	size_t n, cap;
	size_t snapshot;		/* whose L1 table is read */
	size_t at;			/* the first use of the next table */
};

/* ---- Who has which table ------------------------------------------------------------------------- */

static bool add_uses(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		     struct img_err *err)
{
	struct sizes *s = ctx;
	const struct img_finding_kind *why;
	uint64_t table;

	(void)index;
	(void)host;
	for (size_t i = 0; i + 8 <= len; i += 8) {
		if (!qcow2_l1_decode(&s->q->geo, img_get_be64(raw + i), &table, &why) || !table)
			continue;
		struct use *uses = img_grow_by_one(s->uses, s->n, &s->cap, sizeof(*uses), err);

		if (!uses)
			return false;
		s->uses = uses;
		s->uses[s->n++] = (struct use){ table, s->snapshot };
	}
	return true;
}

/* The L1 table is its own. */
static bool add_snapshot(struct sizes *s, const struct qcow2_snapshot *snap, struct img_err *err)
{
	const uint64_t len = (uint64_t)snap->l1_entries * 8;

	s->out[s->snapshot].exclusive = img_round_up(len, qcow2_cluster_size(&s->q->geo));
	s->out[s->snapshot].shared = 0;
	return qcow2_bulk_range(s->q->map.file, snap->l1_off, len, add_uses, s, err);
}

static int by_table(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	return (x->snapshot > y->snapshot) - (x->snapshot < y->snapshot);
}

/* ---- What is in a table -------------------------------------------------------------------------- */

/* Counts the clusters of the file that an L2 entry refers to. */
static bool count_entry(const struct sizes *s, const uint8_t *raw, struct qcow2_counts *counts,
			struct img_err *err)
{
	const struct qcow2_geometry *geo = &s->q->geo;
	const uint64_t bitmap = geo->subclusters ? img_get_be64(raw + 8) : 0;
	const struct img_finding_kind *why;
	struct qcow2_cluster c;
	uint64_t last;

	if (!qcow2_l2_decode(geo, img_get_be64(raw), bitmap, &c, &why))
		return true;
	if (c.kind == QCOW2_CLUSTER_COMPRESSED)
		last = c.host + c.stored_len - 1;
	else if (c.allocated)
		last = c.host;
	else
		return true;
	for (uint64_t at = c.host >> geo->cluster_bits; at <= last >> geo->cluster_bits; at++)
		if (!qcow2_counts_add(counts, at, 1, err))
			return false;
	return true;
}

/* *all clusters that the table leads to; *own: of these nothing else refers to. */
static bool count_table(const struct sizes *s, const uint8_t *raw, size_t len, uint64_t *all,
			uint64_t *own, struct img_err *err)
{
	struct qcow2_counts *counts = qcow2_counts_new(err);
	uint64_t cluster = 0, n;
	bool ok = counts;

	for (size_t i = 0; ok && i < len; i += s->q->geo.l2_entry_len)
		ok = count_entry(s, raw + i, counts, err);
	ok = ok && qcow2_counts_sort(counts, err);
	*all = *own = 0;
	for (; ok && qcow2_counts_next(counts, &cluster, &n); cluster++) {
		++*all;
		*own += qcow2_refs_get(s->refs, cluster) == n;
	}
	qcow2_counts_free(counts);
	return ok;
}

static bool visit_table(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
			struct img_err *err)
{
	struct sizes *s = ctx;
	const unsigned bits = s->q->geo.cluster_bits;
	const bool alone = qcow2_refs_get(s->refs, host >> bits) == 1;
	uint64_t all, own;

	(void)index;
	if (!count_table(s, raw, len, &all, &own, err))
		return false;
	/* The table itself is one of them. */
	own = alone ? own + 1 : 0;
	for (; s->at < s->n && s->uses[s->at].table == host; s->at++) {
		struct img_snapshot *out = &s->out[s->uses[s->at].snapshot];

		out->exclusive += own << bits;
		out->shared += (all + 1 - own) << bits;
	}
	return true;
}

/* ---- All of it ----------------------------------------------------------------------------------- */

static bool add_up(struct sizes *s, const struct qcow2_snapshots *list, struct img_err *err)
{
	struct qcow2_cluster_list tables = {
		.file = s->q->map.file, .cluster_bits = s->q->geo.cluster_bits,
	};
	bool ok = true;

	for (; ok && s->snapshot < list->n; s->snapshot++)
		ok = add_snapshot(s, &list->v[s->snapshot], err);
	if (s->n)
		qsort(s->uses, s->n, sizeof(*s->uses), by_table);
	for (size_t i = 0; ok && i < s->n; i++)
		if (!i || s->uses[i].table != s->uses[i - 1].table)
			ok = qcow2_cluster_list_add(&tables, s->uses[i].table, err);
	ok = ok && qcow2_bulk_clusters(&tables, visit_table, s, err);
	qcow2_cluster_list_clear(&tables);
	free(s->uses);
	return ok;
}

bool qcow2_snapshot_sizes(struct qcow2 *q, const struct qcow2_snapshots *list,
			  struct img_snapshot *out, struct img_err *err)
{
	struct img_findings damage = { .most = 0 };
	const struct qcow2_refs_how how = {
		.hdr = &q->header, .file = q->map.file, .with_refcounts = true, .damage = &damage,
		.threads = img_thread_count(0, MOST_THREADS),
	};
	struct sizes s = { .q = q, .out = out };
	bool ok;

	if (q->geo.data_file)
		return true;
	s.refs = qcow2_refs_collect(&how, err);
	ok = s.refs && (img_findings_total(&damage, IMG_CORRUPT) ||
			img_findings_total(&damage, IMG_FATAL) || add_up(&s, list, err));
	img_findings_clear(&damage);
	qcow2_refs_free(s.refs);
	return ok;
}
