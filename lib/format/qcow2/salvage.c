/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A salvage from beginning to end, and what it knows of guest bytes.  See salvage.h. */
#include "format/qcow2/salvage.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "extent/extent.h"
#include "format/qcow2/bulk.h"
#include "format/qcow2/counts.h"
#include "format/qcow2/refs_inside.h"

enum {
	NOTES_MOST	= 1000,		/* of each kind */
	RUNS_MOST	= 1 << 20,	/* of clusters that nobody refers to */
	MEMORY		= 256 << 20,	/* for counting references */
};

#define QCOW2_SALVAGE_NOTE(name, id, text) \
	const struct img_finding_kind qcow2_noted_##name = { id, IMG_NOTE, text };
QCOW2_SALVAGE_NOTES(QCOW2_SALVAGE_NOTE)
#undef QCOW2_SALVAGE_NOTE

bool qcow2_salvage_note(struct qcow2_salvage *s, const struct img_finding_kind *kind, uint64_t host,
			uint64_t guest, uint64_t step, struct img_err *err)
{
	return img_salvaged_note(s->told, kind, host, guest, step, err);
}

bool qcow2_salvage_read(struct qcow2_salvage *s, const struct qcow2_cluster *cluster, uint64_t in,
			uint8_t *raw, size_t len, size_t *got, struct img_err *err)
{
	bool does;

	if (cluster->kind != QCOW2_CLUSTER_COMPRESSED)
		return img_store_read_some(s->file, cluster->host + in, raw, len, got, err);
	*got = 0;
	if (!qcow2_decoder_try(&s->decoder, cluster, &does, err))
		return false;
	if (does) {
		memcpy(raw, s->decoder.plain + in, len);
		*got = len;
	}
	return true;
}

/* ---- Counting -------------------------------------------------------------------------------- */

bool qcow2_salvage_is_orphan(const struct qcow2_salvage *s, uint64_t cluster)
{
	if (cluster >= qcow2_refs_end(s->refs) || qcow2_refs_get(s->refs, cluster))
		return false;
	return !s->counts_known || qcow2_refs_stored(s->refs, cluster);
}

bool qcow2_salvage_is_missed(const struct qcow2_salvage *s, uint64_t cluster)
{
	return s->counts_known && cluster < qcow2_refs_end(s->refs) &&
	       qcow2_refs_stored(s->refs, cluster) > qcow2_refs_get(s->refs, cluster);
}

/* What nobody refers to, of the findings of a comparison. */
static bool sum_unplaced(struct qcow2_salvage *s, const struct img_findings *found, bool tell,
			 struct img_err *err)
{
	const uint64_t size = qcow2_cluster_size(&s->geo);

	s->told->unplaced = 0;
	for (size_t i = 0; i < found->n; i++) {
		struct img_finding one = found->v[i];

		if (one.kind != &qcow2_found_refcount_leak || one.expected)
			continue;
		one.kind = &qcow2_noted_unplaced;
		one.expected = one.found = IMG_NOWHERE;
		one.detail = NULL;
		s->told->unplaced += one.n * size;
		if (tell && !img_findings_add(&s->told->notes, one, size, err))
			return false;
	}
	return true;
}

/* Who refers to what in the overlay as it is now; last: and what is left over is told. */
static bool count(struct qcow2_salvage *s, bool last, struct img_err *err)
{
	struct img_findings damage = { .most = 1 }, found = { .most = RUNS_MOST };
	const struct qcow2_refs_how how = {
		.hdr = &s->hdr, .file = s->overlay, .with_refcounts = true, .damage = &damage,
		.memory = MEMORY,
	};
	uint64_t used = 0;

	qcow2_refs_free(s->refs);
	s->refs = qcow2_refs_collect(&how, err);
	bool ok = s->refs &&
		  qcow2_refs_compare(s->refs, &s->hdr, s->overlay, &found, &used, err);

	/* Each image counts its header. */
	s->counts_known = ok && !qcow2_counts_get(s->refs->otherwise, 0);
	if (ok && s->counts_known)
		ok = sum_unplaced(s, &found, last, err);
	img_findings_clear(&damage);
	img_findings_clear(&found);
	return ok;
}

/* ---- Writing to the overlay ------------------------------------------------------------------ */

/* Where it was, or behind the end of the file, where nothing is overwritten. */
static uint64_t l1_place(const struct qcow2_salvage *s)
{
	if (s->l1_at && s->n_l1 * sizeof(uint64_t) <= s->l1_room)
		return s->l1_at;
	return img_round_up(s->file_size, qcow2_cluster_size(&s->geo));
}

static bool put_l1(struct qcow2_salvage *s, struct img_err *err)
{
	const size_t n = img_max_u64(s->n_l1, 1);
	IMG_AUTO_FREE uint8_t *raw = img_calloc(n, sizeof(uint64_t), err);

	if (!raw)
		return false;
	for (size_t i = 0; i < s->n_l1; i++)
		img_put_be64(raw + i * sizeof(uint64_t), s->l1[i]);
	s->hdr.l1_off = l1_place(s);
	s->hdr.l1_entries = (uint32_t)n;
	return img_store_write(s->overlay, s->hdr.l1_off, raw, n * sizeof(uint64_t), err);
}

static bool put_header(struct qcow2_salvage *s, struct img_err *err)
{
	const size_t len = qcow2_cluster_size(&s->geo);
	IMG_AUTO_FREE uint8_t *raw = img_calloc(len, 1, err);

	return raw && qcow2_header_encode(&s->hdr, raw, len, err) &&
	       img_store_write(s->overlay, 0, raw, len, err);
}

/* ---- The size of the disk -------------------------------------------------------------------- */

/* The guest end of the last cluster that a table maps. */
static bool end_of_table(struct qcow2_salvage *s, size_t index, uint64_t host, uint64_t *end,
			 struct img_err *err)
{
	const size_t len = qcow2_cluster_size(&s->geo);
	IMG_AUTO_FREE uint8_t *raw = img_calloc(len, 1, err);
	size_t got, i = (size_t)1 << s->geo.l2_bits;

	if (!raw || !img_store_read_some(s->file, host, raw, len, &got, err))
		return false;
	while (i && !img_get_be64(raw + (i - 1) * s->geo.l2_entry_len))
		i--;
	*end = ((uint64_t)index << qcow2_l1_bits(&s->geo)) + ((uint64_t)i << s->geo.cluster_bits);
	return true;
}

static bool guess_size(struct qcow2_salvage *s, struct img_err *err)
{
	const struct img_finding_kind *why;
	uint64_t host, end = 0;
	size_t i = s->n_l1;

	while (i && !s->l1[i - 1])
		i--;
	if (i && qcow2_l1_decode(&s->geo, s->l1[i - 1], &host, &why) &&
	    !end_of_table(s, i - 1, host, &end, err))
		return false;
	s->hdr.size = img_max_u64(s->hdr.size, end);
	s->told->size_guessed = true;
	return qcow2_salvage_note(s, &qcow2_noted_size, IMG_NOWHERE, s->hdr.size, 0, err);
}

/* ---- From beginning to end ------------------------------------------------------------------- */

/* *twice: two entries lead to one table, so that entries may have been moved. */
static bool find_twice(const struct qcow2_salvage *s, bool *twice, struct img_err *err)
{
	struct qcow2_counts *seen = qcow2_counts_new(err);
	bool ok = seen != NULL;

	*twice = false;
	for (size_t i = 0; ok && i < s->n_l1 && !*twice; i++) {
		const uint64_t cluster = (s->l1[i] & QCOW2_ENTRY_HOST) >> s->geo.cluster_bits;

		*twice = cluster && qcow2_counts_get(seen, cluster);
		ok = qcow2_counts_add(seen, cluster, 1, err);
	}
	qcow2_counts_free(seen);
	return ok;
}

/* What is guessed of whole tables. */
static bool mark_l1(struct qcow2_salvage *s, struct img_err *err)
{
	const unsigned bits = qcow2_l1_bits(&s->geo);
	bool twice;

	if (!find_twice(s, &twice, err))
		return false;
	for (size_t i = 0; i < s->n_l1; i++) {
		const bool guessed = s->l1_state[i] == QCOW2_L1_GUESSED || twice ||
				     (!s->l1[i] && !s->l1_whole);

		if (guessed && !img_rangeset_include(&s->guessed, (uint64_t)i << bits,
						     UINT64_C(1) << bits, err))
			return false;
	}
	return true;
}

static bool rebuild(struct qcow2_salvage *s, uint64_t size, struct img_err *err)
{
	if (!qcow2_salvage_header(s, err))
		return false;
	if (size) {
		s->hdr.size = size;
		s->size_known = true;
	}
	if (!qcow2_salvage_scan(s, err) || !qcow2_salvage_codec(s, err) ||
	    !qcow2_decoder_open(&s->decoder, &s->hdr, s->file, err) ||
	    !qcow2_salvage_snapshots(s, err) ||
	    !qcow2_salvage_reftable(s, err) ||
	    !qcow2_salvage_l1(s, err) || !put_l1(s, err) || !count(s, false, err) ||
	    !qcow2_salvage_place(s, err) || (!s->size_known && !guess_size(s, err)) ||
	    !put_l1(s, err) || !count(s, false, err) || !qcow2_salvage_l2(s, err) ||
	    !count(s, true, err))
		return false;
	if (!s->counts_known &&
	    !qcow2_salvage_note(s, &qcow2_noted_reftable, s->hdr.reftable_off, IMG_NOWHERE, 0, err))
		return false;
	return mark_l1(s, err) && put_header(s, err);
}

struct qcow2_salvage *qcow2_salvage_new(struct img_store *file, uint64_t size,
					struct img_salvaged *told, struct img_err *err)
{
	struct qcow2_salvage *s = img_calloc(1, sizeof(*s), err);

	if (!s)
		return NULL;
	*s = (struct qcow2_salvage){ .file = file, .told = told };
	told->notes.most = NOTES_MOST;
	s->overlay = img_store_overlay(file, err);
	if (s->overlay && img_store_size(file, &s->file_size, err) && rebuild(s, size, err))
		return s;
	qcow2_salvage_free(s);
	return NULL;
}

void qcow2_salvage_free(struct qcow2_salvage *s)
{
	if (!s)
		return;
	qcow2_decoder_close(&s->decoder);
	qcow2_refs_free(s->refs);
	qcow2_snapshots_clear(&s->snapshots);
	qcow2_header_clear(&s->hdr);
	img_rangeset_clear(&s->guessed);
	img_rangeset_clear(&s->lost);
	img_rangeset_clear(&s->nothing);
	free(s->found);
	free(s->l1);
	free(s->l1_state);
	if (s->overlay)
		img_store_close(s->overlay);
	free(s);
}

/* ---- Answers --------------------------------------------------------------------------------- */

void qcow2_salvage_judge(const struct qcow2_salvage *s, struct img_extent *ex)
{
	if (img_extent_cut(ex, &s->lost)) {
		const uint64_t start = ex->start, len = ex->len;

		*ex = (struct img_extent){
			.start = start, .len = len, .kind = IMG_EXTENT_LOST, .loss = IMG_E_CORRUPT,
			.why = N_("what says where it is was overwritten, and it is not known otherwise"),
		};
		return;
	}
	ex->guessed = img_extent_cut(ex, &s->guessed) && ex->kind != IMG_EXTENT_LOST;
}
