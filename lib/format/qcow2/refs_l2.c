/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What L2 tables refer to: several threads, each with a part of the list of tables.  The active ones
 * come in the order of the disk, behind them those that only snapshots have.  Parts follow each
 * other, so what is found does not depend on how many there are.
 */
#include <stdatomic.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/parallel.h"
#include "extent/extent.h"
#include "format/qcow2/refs_inside.h"

enum { THREADS_MAX = 64 };

/* A thread's own: what it counts, and what it finds. */
struct part {
	struct collection c;		/* with total and damage of its own */
	struct img_findings damage;
	struct qcow2_refs_stats stats;
	size_t first, n;		/* tables of the list */
	/* Of the table that is being read: */
	uint64_t table;			/* host */
	uint64_t guest;			/* or IMG_NOWHERE */
	uint64_t n_refs;		/* how many entries point to it */
	uint64_t run, n_run;		/* clusters with data that were not noted yet */
	uint64_t follows;		/* host that would follow the last cluster in its table; 0: none */
	bool reports;			/* tells the job how far all are */
	_Atomic uint64_t *done;		/* tables, of all parts */
	_Atomic bool *stop;
	struct img_err err;
	bool ok;
};

static uint64_t guest_of(const struct part *p, uint64_t entry_at)
{
	return p->guest == IMG_NOWHERE ? IMG_NOWHERE
	       : p->guest + (entry_at / p->c.geo.l2_entry_len << p->c.geo.cluster_bits);
}

static bool entry_found(struct part *p, const struct img_finding_kind *kind, uint64_t entry_at,
			uint64_t entry)
{
	return qcow2_refs_found(&p->c, kind, p->table + entry_at, guest_of(p, entry_at), entry,
				&p->err);
}

/* Every cluster that the stream touches. */
static bool count_compressed(struct part *p, const struct qcow2_cluster *cluster,
			     uint64_t entry_at, uint64_t entry)
{
	const struct qcow2_geometry *geo = &p->c.geo;
	const uint64_t last = cluster->host + cluster->stored_len - 1;
	uint64_t at = img_round_down(cluster->host, qcow2_cluster_size(geo));

	p->stats.compressed++;
	p->stats.allocated++;
	p->stats.fragmented++;
	p->stats.odd_flags |= (entry & QCOW2_ENTRY_COPIED) != 0;
	for (; at <= last; at += qcow2_cluster_size(geo)) {
		if (at >> geo->cluster_bits >= p->c.n_clusters)
			return entry_found(p, &qcow2_found_compressed_outside, entry_at, entry);
		if (!qcow2_refs_note(&p->c, QCOW2_USE_COMPRESSED, at >> geo->cluster_bits,
				     p->n_refs, &p->err))
			return false;
	}
	return true;
}

/* How many bytes from its start on the active disk reads of the cluster. */
static uint64_t bytes_read(const struct part *p, const struct qcow2_cluster *cluster, uint64_t guest)
{
	const uint64_t disk = p->c.hdr->size, size = qcow2_cluster_size(&p->c.geo);
	uint64_t len = size;

	if (cluster->kind == QCOW2_CLUSTER_ZERO || guest >= disk)
		return 0;
	if (cluster->kind == QCOW2_CLUSTER_MIXED)
		len = !cluster->data_map ? 0
		      : (32 - (uint64_t)__builtin_clz(cluster->data_map)) * size / QCOW2_SUBCLUSTERS;
	return img_min_u64(len, disk - guest);
}

/* Data of the table that were not noted yet. */
static bool note_run(struct part *p)
{
	const uint64_t first = p->run, end = first + p->n_run;

	p->n_run = 0;
	if (!p->c.watch)
		return qcow2_counts_add_run(p->c.total, first, end - first, p->n_refs, &p->err);
	for (uint64_t at = first; at < end; at++)
		if (!qcow2_refs_note(&p->c, QCOW2_USE_DATA, at, p->n_refs, &p->err))
			return false;
	return true;
}

static bool note_data(struct part *p, uint64_t cluster, size_t n)
{
	if (p->n_run && cluster != p->run + p->n_run && !note_run(p))
		return false;
	if (!p->n_run)
		p->run = cluster;
	p->n_run += n;
	return true;
}

/* Of n entries from raw on, how many lead to clusters that follow each other, and are whole. */
static size_t whole_run(const struct part *p, const struct qcow2_cluster *cluster,
			const uint8_t *raw, size_t n)
{
	const struct qcow2_geometry *geo = &p->c.geo;
	const uint64_t number = cluster->host >> geo->cluster_bits;
	const uint64_t end = p->c.file_size >> geo->cluster_bits;

	return geo->data_file || number >= end ? 1
	       : qcow2_l2_run(geo, raw, img_min_u64(n, end - number));
}

/* The first of a run of clusters speaks for all of them. */
static bool count_standard(struct part *p, const struct qcow2_cluster *cluster, uint64_t entry_at,
			   uint64_t entry, size_t run)
{
	const uint64_t number = cluster->host >> p->c.geo.cluster_bits;

	p->stats.allocated += run;
	p->stats.fragmented += p->follows && cluster->host != p->follows;
	p->follows = cluster->host + run * qcow2_cluster_size(&p->c.geo);
	p->stats.odd_flags |= !cluster->copied;
	if (p->c.geo.data_file)
		return p->guest == IMG_NOWHERE || cluster->host == guest_of(p, entry_at) ||
		       entry_found(p, &qcow2_found_l2_misplaced, entry_at, entry);
	if (number >= p->c.n_clusters)
		return entry_found(p, &qcow2_found_l2_outside, entry_at, entry);
	if (qcow2_refs_is_cut(&p->c, cluster->host, bytes_read(p, cluster, guest_of(p, entry_at))) &&
	    !entry_found(p, &qcow2_found_l2_cut, entry_at, entry))
		return false;
	return note_data(p, number, run);
}

/* Some of n entries from raw on, at least one; *done says how many. */
static bool count_entries(struct part *p, const uint8_t *raw, size_t n, uint64_t entry_at,
			  size_t *done)
{
	const uint64_t entry = img_get_be64(raw);
	const uint64_t bitmap = p->c.geo.subclusters ? img_get_be64(raw + 8) : 0;
	const struct img_finding_kind *why;
	struct qcow2_cluster cluster;

	*done = 1;
	if (!entry && !bitmap)
		return true;
	if (!qcow2_l2_decode(&p->c.geo, entry, bitmap, &cluster, &why))
		return entry_found(p, why, entry_at, entry);
	if (cluster.kind == QCOW2_CLUSTER_COMPRESSED)
		return count_compressed(p, &cluster, entry_at, entry);
	if (!cluster.allocated)
		return true;
	*done = whole_run(p, &cluster, raw, n);
	return count_standard(p, &cluster, entry_at, entry, *done);
}

/* One part speaks for all; what it hears they see. */
static void report_progress(struct part *p)
{
	const struct img_job *job = p->c.how->job;
	const uint64_t done = atomic_fetch_add(p->done, 1) + 1;

	if (!job || !p->reports || done % 64)
		return;
	if (job->progress)
		job->progress(job->ctx, done << p->c.geo.cluster_bits,
			      p->c.refs->tables.n << p->c.geo.cluster_bits);
	if (job->cancelled && job->cancelled(job->ctx))
		*p->stop = true;
}

static void note_empty(struct qcow2_refs_stats *stats, uint64_t host)
{
	if (!stats->empty_tables++)
		stats->empty_table = host;
}

static bool visit_l2(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		     struct img_err *err)
{
	struct part *p = ctx;
	const uint32_t l1_index = p->c.refs->l1_indexes[p->first + index];
	const size_t entry_len = p->c.geo.l2_entry_len;
	size_t done;

	if (*p->stop)
		return img_fail(err, IMG_E_CANCELLED, _("cancelled"));
	report_progress(p);
	p->table = host;
	p->n_refs = qcow2_counts_get(p->c.tables, host >> p->c.geo.cluster_bits);
	p->guest = l1_index == QCOW2_NOT_ACTIVE ? IMG_NOWHERE
		   : (uint64_t)l1_index << qcow2_l1_bits(&p->c.geo);
	p->follows = 0;
	if (img_is_zero(raw, len))
		note_empty(&p->stats, host);
	for (size_t i = 0; i < len; i += done * entry_len)
		if (!count_entries(p, raw + i, (len - i) / entry_len, i, &done))
			return false;
	return note_run(p);
}

static void add_stats(struct qcow2_refs_stats *to, const struct qcow2_refs_stats *from)
{
	to->allocated += from->allocated;
	to->compressed += from->compressed;
	to->fragmented += from->fragmented;
	to->odd_flags |= from->odd_flags;
	if (!to->empty_tables)
		to->empty_table = from->empty_table;
	to->empty_tables += from->empty_tables;
}

/* Visits n tables of the list from first on. */
static bool visit_tables(struct part *p, size_t first, size_t n)
{
	struct qcow2_cluster_list some = p->c.refs->tables;

	if (!n)
		return true;
	some.v += first;
	some.n = n;
	p->first = first;
	return qcow2_bulk_clusters(&some, visit_l2, p, &p->err);
}

/* The active tables of the part, then the others, which say nothing of what the disk holds. */
static void work_part(void *ctx, unsigned i)
{
	struct part *p = (struct part *)ctx + i;
	const size_t n_active = p->c.refs->n_active;
	const size_t first = p->first, end = first + p->n;
	const size_t split = first > n_active ? first : end < n_active ? end : n_active;
	struct qcow2_refs_stats stats;

	p->ok = visit_tables(p, first, split - first);
	stats = p->stats;
	p->ok = p->ok && visit_tables(p, split, end - split);
	p->stats = stats;
	*p->stop |= !p->ok;
}

static bool start_parts(struct part *parts, unsigned n, struct collection *c,
			_Atomic uint64_t *done, _Atomic bool *stop, struct img_err *err)
{
	const size_t tables = c->refs->tables.n;

	for (unsigned i = 0; i < n; i++) {
		struct part *p = &parts[i];

		p->c = *c;
		p->c.damage = &p->damage;
		p->damage.most = c->damage->most;
		p->first = tables * i / n;
		p->n = tables * (i + 1) / n - p->first;
		p->reports = i == 0;
		p->done = done;
		p->stop = stop;
		p->c.total = c->how->memory
			? qcow2_counts_new_window(c->how->first, c->how->memory / (n + 1), err)
			: qcow2_counts_new(err);
		if (!p->c.total)
			return false;
	}
	return true;
}

/* The failure that ended the work, not one that followed from it. */
static bool first_failure(const struct part *parts, unsigned n, struct img_err *err)
{
	const struct part *failed = NULL;

	for (unsigned i = 0; i < n; i++)
		if (!parts[i].ok && (!failed || failed->err.code == IMG_E_CANCELLED))
			failed = &parts[i];
	if (failed && err)
		*err = failed->err;
	return !failed;
}

static bool gather_parts(struct part *parts, unsigned n, struct collection *c, struct img_err *err)
{
	for (unsigned i = 0; i < n; i++)
		qcow2_counts_cut(c->total, qcow2_counts_end(parts[i].c.total));
	for (unsigned i = 0; i < n; i++) {
		qcow2_counts_cut(parts[i].c.total, qcow2_counts_end(c->total));
		if (!qcow2_counts_merge(c->total, parts[i].c.total, err) ||
		    !img_findings_append(c->damage, &parts[i].damage, err))
			return false;
		add_stats(&c->refs->stats, &parts[i].stats);
	}
	return true;
}

/* A thread is not worth a few tables. */
static unsigned thread_count(const struct collection *c)
{
	const uint64_t worth = 1 + c->refs->tables.n / 16;

	return (unsigned)img_min_u64(img_min_u64(worth, THREADS_MAX),
				     img_max_u64(c->how->threads, 1));
}

static bool read_tables(struct collection *c, struct img_err *err)
{
	const unsigned n = thread_count(c);
	struct part *parts = img_calloc(n, sizeof(*parts), err);
	_Atomic uint64_t done = 0;
	_Atomic bool stop = false;
	bool ok = parts && start_parts(parts, n, c, &done, &stop, err);

	if (ok) {
		img_parallel(n, work_part, parts);
		ok = first_failure(parts, n, err) && gather_parts(parts, n, c, err);
	}
	for (unsigned i = 0; parts && i < n; i++) {
		qcow2_counts_free(parts[i].c.total);
		img_findings_clear(&parts[i].damage);
	}
	free(parts);
	return ok;
}

/* Behind the active tables, which are in the list already, those that only snapshots have. */
static bool list_others(struct collection *c, struct img_err *err)
{
	struct qcow2_counts *listed = qcow2_counts_new(err);
	uint64_t cluster = 0, n;
	bool ok = listed && qcow2_counts_sort(c->tables, err);

	c->refs->n_active = c->refs->tables.n;
	for (size_t i = 0; ok && i < c->refs->n_active; i++)
		ok = qcow2_counts_add(listed, c->refs->tables.v[i] >> c->geo.cluster_bits, 1, err);
	for (; ok && qcow2_counts_next(c->tables, &cluster, &n); cluster++)
		if (!qcow2_counts_get(listed, cluster))
			ok = qcow2_refs_add_table(c, cluster << c->geo.cluster_bits, QCOW2_NOT_ACTIVE, err);
	qcow2_counts_free(listed);
	return ok;
}

bool qcow2_refs_collect_l2(struct collection *c, struct img_err *err)
{
	return list_others(c, err) && read_tables(c, err);
}

