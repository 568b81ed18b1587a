/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The L2 tables of a salvage: who refers to what, what was wiped, what was moved, then entry by entry. */
#include "base/mem.h"
#include "base/num.h"
#include "extent/extent.h"
#include "format/qcow2/bulk.h"
#include "format/qcow2/salvage_heal.h"

/* So many tables whose entries moved are no accident of one of them. */
enum { SLIDES = 2 };

struct walk {
	struct qcow2_healing h;
	struct qcow2_cluster_list tables;
	size_t *indexes;		/* in L1, of each; owned */
	size_t cap_indexes;
	uint8_t *slides;		/* enum qcow2_slide of each; owned */
	size_t n_slides;		/* that are sure */
};

static struct qcow2_sick sick(const struct walk *w, size_t index, uint64_t host, uint8_t *raw,
			      size_t len)
{
	const struct qcow2_geometry *geo = &w->h.s->geo;

	return (struct qcow2_sick){
		.host = host, .raw = raw, .n = len / geo->l2_entry_len, .step = geo->l2_entry_len,
		.guest = (uint64_t)w->indexes[index] << qcow2_l1_bits(geo),
	};
}

/* ---- Who refers to what -------------------------------------------------------------------------- */

static bool count_table(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
			struct img_err *err)
{
	struct walk *w = ctx;
	struct qcow2_healing *h = &w->h;
	const struct qcow2_sick t = sick(w, index, host, raw, len);

	for (size_t i = 0; i < t.n; i++) {
		const uint64_t to = qcow2_heal_host(h, &t, i);

		if (to && to < h->s->file_size &&
		    !qcow2_counts_add(h->uses, to >> h->s->geo.cluster_bits, 1, err))
			return false;
	}
	return true;
}

static bool add_table(struct walk *w, size_t index, uint64_t host, struct img_err *err)
{
	size_t *v = img_grow_by_one(w->indexes, w->tables.n, &w->cap_indexes, sizeof(*v), err);

	if (!v)
		return false;
	w->indexes = v;
	v[w->tables.n] = index;
	return qcow2_cluster_list_add(&w->tables, host, err);
}

static bool list_tables(struct walk *w, struct img_err *err)
{
	const struct qcow2_salvage *s = w->h.s;
	const struct img_finding_kind *why;
	uint64_t host;

	w->tables = (struct qcow2_cluster_list){
		.file = s->overlay, .cluster_bits = s->geo.cluster_bits,
	};
	for (size_t i = 0; i < s->n_l1; i++)
		if (qcow2_l1_decode(&s->geo, s->l1[i], &host, &why) && host &&
		    host < s->file_size && !add_table(w, i, host, err))
			return false;
	w->slides = img_calloc(img_max_u64(w->tables.n, 1), 1, err);
	return w->slides;
}

/* ---- Tables as a whole --------------------------------------------------------------------------- */

static bool is_wiped(const struct qcow2_healing *h, const struct qcow2_sick *t)
{
	struct qcow2_cluster cluster;
	size_t bad = 0, good = 0;

	for (size_t i = 0; i < t->n; i++) {
		const bool legal = qcow2_heal_decode(h, t->raw + i * t->step, &cluster);

		/* Half of all random entries look like compressed clusters, somewhere far away. */
		const bool sane = legal && (cluster.kind != QCOW2_CLUSTER_COMPRESSED ||
					    cluster.host < h->s->file_size);

		bad += !sane;
		good += sane && (cluster.kind != QCOW2_CLUSTER_HOLE || cluster.allocated);
	}
	return !good || bad > good;
}

/*
 * Nothing in it can be believed.  Zeros are legal, and what nobody misses was never there: of a
 * disk all of whose clusters have a place they are a hole.
 */
static bool remake_table(struct walk *w, const struct qcow2_sick *t, size_t index, struct img_err *err)
{
	struct qcow2_salvage *s = w->h.s;
	const uint64_t len = UINT64_C(1) << qcow2_l1_bits(&s->geo);
	const bool zeros = img_is_zero(t->raw, t->n * t->step);
	bool made;

	if (zeros && s->counts_known && !s->told->unplaced)
		return true;
	if (!qcow2_salvage_note(s, &qcow2_noted_l2_wiped, t->host, t->guest, 0, err) ||
	    !qcow2_salvage_remake(s, index, t->host, &made, err))
		return false;
	return img_rangeset_include(made || (zeros && !s->counts_known) ? &s->guessed : &s->lost,
				    t->guest, len, err);
}

static bool look_at_table(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
			  struct img_err *err)
{
	struct walk *w = ctx;
	const struct qcow2_sick t = sick(w, index, host, raw, len);
	enum qcow2_slide slide;

	if (is_wiped(&w->h, &t))
		return true;
	if (!qcow2_slide_look(&w->h, &t, &slide, err))
		return false;
	w->slides[index] = slide;
	w->n_slides += slide == QCOW2_SLIDE_SURE;
	return true;
}

/* What is not sure of one is so where others were moved. */
static bool was_moved(const struct walk *w, size_t index)
{
	return w->slides[index] == QCOW2_SLIDE_SURE ||
	       (w->slides[index] == QCOW2_SLIDE_MAYBE && w->n_slides >= SLIDES);
}

static bool heal_entries(struct walk *w, const struct qcow2_sick *t, struct img_err *err)
{
	struct qcow2_healing *h = &w->h;
	bool shares = false;

	for (size_t i = 0; i < t->n; i++)
		if (!qcow2_heal_one(h, t, i, &shares, err))
			return false;
	/* One cluster twice and another one not at all: entries may have been moved. */
	return !shares || !h->s->told->unplaced ||
	       img_rangeset_include(&h->s->guessed, t->guest,
				    UINT64_C(1) << qcow2_l1_bits(&h->s->geo), err);
}

static bool heal_table(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		       struct img_err *err)
{
	struct walk *w = ctx;
	const struct qcow2_sick t = sick(w, index, host, raw, len);

	if (is_wiped(&w->h, &t))
		return remake_table(w, &t, w->indexes[index], err);
	if (was_moved(w, index))
		return qcow2_slide_undo(&w->h, &t, err) &&
		       qcow2_heal_from_snapshots(&w->h, &t, err);
	return qcow2_heal_from_snapshots(&w->h, &t, err) &&
	       qcow2_streams_judge(&w->h.streams, t.raw, t.n, err) && heal_entries(w, &t, err);
}

/* ---- All of them --------------------------------------------------------------------------------- */

/* Where several tables were moved, others may have been of which nothing tells. */
static bool doubt_all(struct walk *w, struct img_err *err)
{
	struct qcow2_salvage *s = w->h.s;

	return w->n_slides < SLIDES || img_rangeset_include(&s->guessed, 0, s->hdr.size, err);
}

bool qcow2_salvage_l2(struct qcow2_salvage *s, struct img_err *err)
{
	struct walk w = {
		.h = {
			.s = s, .uses = qcow2_counts_new(err),
			.orphans = s->told->unplaced >> s->geo.cluster_bits,
			.streams = {
				.hdr = &s->hdr, .geo = &s->geo, .file = s->file,
				.file_size = s->file_size,
			},
		},
	};
	const bool ok = w.h.uses && qcow2_streams_init(&w.h.streams, 0, err) &&
			list_tables(&w, err) &&
			qcow2_bulk_clusters(&w.tables, count_table, &w, err) &&
			qcow2_bulk_clusters(&w.tables, look_at_table, &w, err) &&
			qcow2_bulk_clusters(&w.tables, heal_table, &w, err) &&
			qcow2_heal_last(&w.h, err) && doubt_all(&w, err);

	qcow2_streams_clear(&w.h.streams);
	qcow2_counts_free(w.h.uses);
	qcow2_cluster_list_clear(&w.tables);
	free(w.indexes);
	free(w.slides);
	return ok;
}
