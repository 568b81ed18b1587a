/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entries of the active tables that a single wrong bit has spoilt.  Two sorts: those that are
 * illegal or lead out of the file, and those that lead to what is in use for something else while
 * its count is one.  All of the latter could have been the same other entry; the wrong one is told by
 * its neighbours, since clusters that are written one after the other lie so.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/refs_inside.h"
#include "format/qcow2/repair.h"

enum {
	/* So many bad entries in a table are no single bits: it was overwritten, or the file cut. */
	BAD_MAX = 8,
	/* Entries that share clusters and are looked at in one repair. */
	SHARED_MAX = 1 << 16,
};

/* An entry that leads to what others lead to as well, and what else it may have been. */
struct shared {
	uint64_t at;			/* in the file */
	uint64_t host;			/* where it leads, in clusters */
	uint64_t old, fixed;
	bool is_wrong, is_right;	/* what speaks for either */
	bool in_table;			/* what it leads to belongs to a table */
};

struct pass {
	struct qcow2_repair *r;
	struct qcow2_candidates c;
	bool l1;			/* entries of the L1 table are looked at, else those of L2 */
	bool changed;
	struct shared *shared;		/* owned */
	size_t n_shared, cap_shared;
};

static size_t entry_len(const struct pass *p)
{
	return p->l1 ? 8 : p->c.geo.l2_entry_len;
}

/* ---- What is wrong with an entry ----------------------------------------------------------------- */

enum state { FINE, BAD, SHARED };

/*
 * Whether clusters from host on are in use more than once, and counted less often.  Of one that is in
 * use once the count is wrong, not the entry.
 */
static bool is_overused(const struct pass *p, uint64_t host, uint64_t len)
{
	const struct qcow2_refs *refs = p->c.refs;
	const uint64_t first = host >> p->c.geo.cluster_bits;
	const uint64_t last = (host + len - 1) >> p->c.geo.cluster_bits;

	for (uint64_t at = first; at <= last; at++) {
		const uint64_t used = qcow2_refs_get(refs, at);

		if (used > 1 && qcow2_refs_stored(refs, at) < used)
			return true;
	}
	return false;
}

static bool is_outside(const struct pass *p, uint64_t host, uint64_t len)
{
	return (host + len - 1) >> p->c.geo.cluster_bits >= qcow2_refs_clusters(p->c.refs);
}

static enum state judge_l1(const struct pass *p, const uint8_t *raw, uint64_t *host)
{
	const struct img_finding_kind *why;

	if (!qcow2_l1_decode(&p->c.geo, img_get_be64(raw), host, &why))
		return BAD;
	if (!*host)
		return FINE;
	if (is_outside(p, *host, 1))
		return BAD;
	return is_overused(p, *host, 1) ? SHARED : FINE;
}

static bool judge_compressed(struct pass *p, const struct qcow2_cluster *cluster, bool copied,
			     enum state *state, struct img_err *err)
{
	bool does = true;

	if (is_outside(p, cluster->host, 1)) {
		*state = BAD;
		return true;
	}
	if ((copied || is_overused(p, cluster->host, cluster->stored_len) ||
	     is_outside(p, cluster->host, cluster->stored_len)) &&
	    !qcow2_decoder_try(&p->c.decoder, cluster, &does, err))
		return false;
	*state = does ? FINE : BAD;
	return true;
}

static bool judge_l2(struct pass *p, const uint8_t *raw, enum state *state, uint64_t *host,
		     struct img_err *err)
{
	const uint64_t entry = img_get_be64(raw);
	const uint64_t bitmap = p->c.geo.subclusters ? img_get_be64(raw + 8) : 0;
	const struct img_finding_kind *why;
	struct qcow2_cluster cluster;

	*state = BAD;
	if (!qcow2_l2_decode(&p->c.geo, entry, bitmap, &cluster, &why))
		return true;
	*host = cluster.host;
	if (cluster.kind == QCOW2_CLUSTER_COMPRESSED)
		return judge_compressed(p, &cluster, entry & QCOW2_ENTRY_COPIED, state, err);
	if (!cluster.allocated || p->c.geo.data_file)
		*state = FINE;
	else if (!is_outside(p, cluster.host, 1))
		*state = is_overused(p, cluster.host, 1) ? SHARED : FINE;
	return true;
}

static bool judge(struct pass *p, const uint8_t *raw, enum state *state, uint64_t *host,
		  struct img_err *err)
{
	*state = FINE;
	if (!img_get_be64(raw))
		return true;
	if (!p->l1)
		return judge_l2(p, raw, state, host, err);
	*state = judge_l1(p, raw, host);
	return true;
}

/* ---- Mending ------------------------------------------------------------------------------------- */

static bool find(struct pass *p, const uint8_t *raw, uint64_t *fixed, struct img_err *err)
{
	const uint64_t entry = img_get_be64(raw);
	const uint64_t bitmap = !p->l1 && p->c.geo.subclusters ? img_get_be64(raw + 8) : 0;

	return p->l1 ? qcow2_find_l1_entry(&p->c, entry, fixed, err)
		     : qcow2_find_entry(&p->c, entry, bitmap, fixed, err);
}

/* No other entry may be mended to the same cluster. */
static bool claim(struct pass *p, uint64_t entry, struct img_err *err)
{
	const struct img_finding_kind *why;
	struct qcow2_cluster cluster;
	uint64_t host;

	p->changed = true;
	if (!entry)
		return true;
	if (p->l1)
		return !qcow2_l1_decode(&p->c.geo, entry, &host, &why) ||
		       qcow2_refs_claim(p->c.refs, host >> p->c.geo.cluster_bits, 1, err);
	return (entry & QCOW2_ENTRY_COMPRESSED) ||
	       !qcow2_l2_decode(&p->c.geo, entry, 0, &cluster, &why) ||
	       qcow2_refs_claim(p->c.refs, cluster.host >> p->c.geo.cluster_bits, 1, err);
}

static bool mend_bad(struct pass *p, uint8_t *raw, size_t at, struct qcow2_changes *changes,
		     struct img_err *err)
{
	uint64_t fixed;

	if (!find(p, raw + at, &fixed, err))
		return false;
	if (fixed == QCOW2_SEVERAL_ENTRIES ||
	    (!fixed && !qcow2_was_empty(&p->c, img_get_be64(raw + at))))
		return true;
	img_put_be64(raw + at, fixed);
	qcow2_changes_note(changes, at, 8);
	return claim(p, fixed, err);
}

/* The host offset in an entry, without its flags. */
static uint64_t place_of(const uint8_t *raw)
{
	return img_get_be64(raw) & QCOW2_ENTRY_HOST;
}

/* Whether an entry with that place would go on where those beside it, at raw + i, end or begin. */
static bool fits(const struct pass *p, const uint8_t *raw, size_t len, size_t i, uint64_t place)
{
	const uint64_t size = qcow2_cluster_size(&p->c.geo), step = entry_len(p);
	const uint64_t before = i ? place_of(raw + i - step) : 0;
	const uint64_t behind = i + step < len ? place_of(raw + i + step) : 0;

	return (before && before + size == place) || (behind && place + size == behind);
}

/*
 * The cluster that is lost and that goes on where the entry before raw + i ends, or ends where the
 * one behind leads; 0: none, or they differ.
 */
static uint64_t lost_between(const struct pass *p, const uint8_t *raw, size_t len, size_t i)
{
	const uint64_t size = qcow2_cluster_size(&p->c.geo), step = entry_len(p);
	const uint64_t before = i ? place_of(raw + i - step) : 0;
	const uint64_t behind = i + step < len ? place_of(raw + i + step) : 0;
	const uint64_t up = before && qcow2_is_lost(&p->c, before + size) ? before + size : 0;
	const uint64_t down = behind > size && qcow2_is_lost(&p->c, behind - size) ? behind - size : 0;

	return up && down && up != down ? 0 : up | down;
}

/* What a table has is not the guest's, so that the entry is wrong; it may have led to what is lost. */
static void judge_in_table(const struct pass *p, const uint8_t *raw, size_t len, size_t i,
			   struct shared *one)
{
	const uint64_t lost = one->fixed || one->is_right ? 0 : lost_between(p, raw, len, i);

	if (!lost)
		return;
	one->fixed = lost | QCOW2_ENTRY_COPIED;
	one->is_wrong = true;
}

/* An L1 entry is right where it leads to a table; which of several is, nobody knows. */
static bool leads_right(struct pass *p, const uint8_t *raw, size_t len, size_t i, uint64_t host,
			bool *right, struct img_err *err)
{
	*right = !p->l1 && fits(p, raw, len, i, host);
	return !p->l1 || qcow2_is_table(&p->c, host, right, err);
}

static bool note_shared(struct pass *p, const uint8_t *raw, size_t len, size_t i, uint64_t host,
			uint64_t leads_to, struct img_err *err)
{
	struct shared one = {
		.at = host + i, .host = leads_to >> p->c.geo.cluster_bits,
		.old = img_get_be64(raw + i),
	};
	struct shared *v;

	if (p->n_shared >= SHARED_MAX)
		return true;
	if (!find(p, raw + i, &one.fixed, err))
		return false;
	if (one.fixed == QCOW2_SEVERAL_ENTRIES)
		return true;
	v = img_grow_by_one(p->shared, p->n_shared, &p->cap_shared, sizeof(*v), err);
	if (!v)
		return false;
	p->shared = v;
	if (!leads_right(p, raw, len, i, leads_to, &one.is_right, err))
		return false;
	one.is_wrong = one.fixed ? !one.is_right && fits(p, raw, len, i, one.fixed & QCOW2_ENTRY_HOST)
				 : qcow2_was_empty(&p->c, one.old);
	one.is_right &= !one.is_wrong;
	one.in_table = !p->l1 && qcow2_refs_is_table(p->c.refs, one.host);
	if (one.in_table)
		judge_in_table(p, raw, len, i, &one);
	v[p->n_shared++] = one;
	return true;
}

/* The bad entries of a piece; *n at most BAD_MAX + 1. */
static bool count_bad(struct pass *p, const uint8_t *raw, size_t len, size_t *n, struct img_err *err)
{
	enum state state;
	uint64_t host;

	*n = 0;
	for (size_t i = 0; i + entry_len(p) <= len && *n <= BAD_MAX; i += entry_len(p)) {
		if (!judge(p, raw + i, &state, &host, err))
			return false;
		*n += state == BAD;
	}
	return true;
}

static bool visit(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		  struct img_err *err)
{
	struct pass *p = ctx;
	struct qcow2_changes changes = { 0 };
	uint64_t to = 0;
	enum state state;
	size_t bad;

	(void)index;
	/*
	 * Two entries of L1 that lead to one L2 table make all that it leads to look shared, and what
	 * is free then belongs to the table that one of them has lost.
	 */
	if (!p->l1 && is_overused(p, host, 1))
		return true;
	if (!count_bad(p, raw, len, &bad, err))
		return false;
	for (size_t i = 0; i + entry_len(p) <= len; i += entry_len(p)) {
		if (!judge(p, raw + i, &state, &to, err) ||
		    (state == BAD && bad <= BAD_MAX && !mend_bad(p, raw, i, &changes, err)) ||
		    (state == SHARED && !note_shared(p, raw, len, i, host, to, err)))
			return false;
	}
	return qcow2_changes_write(&changes, p->r->file, host, raw, err);
}

/* ---- Entries that share a cluster ---------------------------------------------------------------- */

static int compare_shared(const void *a, const void *b)
{
	const struct shared *x = a, *y = b;

	if (x->host != y->host)
		return x->host < y->host ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

static bool write_entry(struct pass *p, const struct shared *one, struct img_err *err)
{
	uint8_t raw[8];

	img_put_be64(raw, one->fixed);
	return img_store_write(p->r->file, one->at, raw, sizeof(raw), err) &&
	       claim(p, one->fixed, err);
}

/*
 * The one of n entries that is wrong.  If it is the only entry, others than this sort of table lead
 * there, which hold no data, unless snapshots do.  NULL: nobody knows.
 */
static const struct shared *find_wrong(const struct pass *p, const struct shared *v, size_t n)
{
	const struct shared *wrong = NULL;

	if (n == 1)
		return (!p->r->hdr.n_snapshots || v->in_table) &&
		       ((v->fixed && !v->is_right) || v->is_wrong) ? v : NULL;
	for (size_t i = 0; i < n; i++) {
		if (v[i].is_wrong == v[i].is_right || (v[i].is_wrong && wrong))
			return NULL;
		if (v[i].is_wrong)
			wrong = &v[i];
	}
	return wrong;
}

/* By another entry that was mended. */
static bool is_claimed(const struct pass *p, uint64_t entry)
{
	const uint64_t cluster = (entry & QCOW2_ENTRY_HOST) >> p->c.geo.cluster_bits;

	return entry && !(entry & QCOW2_ENTRY_COMPRESSED) && qcow2_refs_get(p->c.refs, cluster);
}

static size_t end_of_group(const struct pass *p, size_t i)
{
	size_t end = i + 1;

	while (end < p->n_shared && p->shared[end].host == p->shared[i].host)
		end++;
	return end;
}

static size_t count_groups(const struct pass *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_shared; i = end_of_group(p, i))
		n++;
	return n;
}

/* Entries that stay as they are; where one of them once led may be among what nothing refers to. */
static void doubt(struct pass *p, const struct shared *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p->r->doubtful |= v[i].in_table && !v[i].is_right;
}

static bool mend_shared(struct pass *p, struct img_err *err)
{
	if (p->n_shared)
		qsort(p->shared, p->n_shared, sizeof(*p->shared), compare_shared);
	/* So many are no single bits either. */
	if (count_groups(p) > BAD_MAX)
		return true;
	for (size_t i = 0, end; i < p->n_shared; i = end) {
		const struct shared *wrong;

		end = end_of_group(p, i);
		wrong = find_wrong(p, p->shared + i, end - i);
		if (wrong && !is_claimed(p, wrong->fixed)) {
			if (!write_entry(p, wrong, err))
				return false;
		} else {
			doubt(p, p->shared + i, end - i);
		}
	}
	return true;
}

/* ---- All of it ----------------------------------------------------------------------------------- */

static bool visit_all(struct pass *p, struct img_err *err)
{
	const struct qcow2_header *hdr = &p->r->hdr;
	struct qcow2_cluster_list active = p->c.refs->tables;

	if (p->l1)
		return qcow2_bulk_range(p->r->file, hdr->l1_off, (uint64_t)hdr->l1_entries * 8, visit,
					p, err);
	active.n = p->c.refs->n_active;
	return qcow2_bulk_clusters(&active, visit, p, err);
}

/* Only where all clusters can be counted at once can it be known that one is the only one. */
static bool run_pass(struct qcow2_repair *r, bool l1, struct img_err *err)
{
	struct qcow2_refs *refs = qcow2_repair_refs(r, 0, NULL, err);
	struct pass p = { .r = r, .l1 = l1 };
	bool ok = refs != NULL;

	if (ok && qcow2_refs_end(refs) >= qcow2_refs_clusters(refs)) {
		ok = qcow2_candidates_open(&p.c, r, refs, err) && visit_all(&p, err) &&
		     mend_shared(&p, err) && (!p.changed || img_store_sync(r->file, err));
		qcow2_candidates_close(&p.c);
	}
	free(p.shared);
	qcow2_refs_free(refs);
	return ok;
}

bool qcow2_repair_entries(struct qcow2_repair *r, struct img_err *err)
{
	return run_pass(r, true, err) && run_pass(r, false, err);
}
