/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A salvage from beginning to end, and what it knows of guest bytes.  See salvage.h. */
#include "format/qcow1/salvage.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "extent/extent.h"

enum { NOTES_MOST = 1000 };	/* of each kind */

#define QCOW1_SALVAGE_NOTE(name, id, text) \
	const struct img_finding_kind qcow1_noted_##name = { id, IMG_NOTE, text };
QCOW1_SALVAGE_NOTES(QCOW1_SALVAGE_NOTE)
#undef QCOW1_SALVAGE_NOTE

bool qcow1_salvage_note(struct qcow1_salvage *s, const struct img_finding_kind *kind, uint64_t host,
			uint64_t guest, uint64_t step, struct img_err *err)
{
	return img_salvaged_note(s->told, kind, host, guest, step, err);
}

/* ---- The size of the disk -------------------------------------------------------------------- */

/* How many entries the last table has. */
static bool count_last(struct qcow1_salvage *s, uint32_t *n, struct img_err *err)
{
	const uint64_t host = s->n_l1 ? qcow1_l1_at(s, s->n_l1 - 1) : QCOW1_L1_LOST;
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(qcow1_l2_bytes(&s->hdr), err);

	*n = qcow1_l2_entries(&s->hdr);
	if (!raw || (host > QCOW1_L1_LOST && !qcow1_read_table(s, host, raw, err)))
		return false;
	while (host > QCOW1_L1_LOST && *n && !img_get_be64(raw + (*n - 1) * QCOW1_ENTRY_LEN))
		--*n;
	return true;
}

/* Up to the last cluster that any table has. */
static bool guess_size(struct qcow1_salvage *s, struct img_err *err)
{
	uint32_t n;

	if (s->size_known)
		return true;
	if (!s->n_l1)
		return img_fail(err, IMG_E_NOT_THIS_FORMAT,
				_("neither a header nor tables of a qcow image were found"));
	if (!count_last(s, &n, err))
		return false;
	s->hdr.size = ((s->n_l1 - UINT64_C(1)) << qcow1_l1_bits(&s->hdr)) +
		      ((uint64_t)n << s->hdr.cluster_bits);
	s->told->size_guessed = true;
	return qcow1_salvage_note(s, &qcow1_noted_size, IMG_NOWHERE, s->hdr.size, 0, err);
}

/* ---- From beginning to end ------------------------------------------------------------------- */

static void free_work(struct qcow1_work *work)
{
	if (!work)
		return;
	img_paged_clear(&work->sectors);
	img_paged_clear(&work->l1);
	img_paged_clear(&work->taken);
	img_paged_clear(&work->packed);
	free(work);
}

/* What all of it is based on was there at any time. */
static bool finish_work(struct qcow1_salvage *s, struct img_err *err)
{
	struct qcow1_work *work = s->work;
	const bool ok = img_paged_worked(&work->sectors, err) && img_paged_flush(&work->l1, err) &&
			img_paged_worked(&work->taken, err) && img_paged_worked(&work->packed, err);

	s->work = NULL;
	free_work(work);
	return ok;
}

static bool rebuild(struct qcow1_salvage *s, uint64_t size, struct img_err *err)
{
	return qcow1_salvage_scan(s, err) && qcow1_salvage_header(s, size, err) &&
	       qcow1_use_start(s, err) && qcow1_salvage_find_l1(s, err) &&
	       qcow1_salvage_settle(s, err) && qcow1_salvage_place(s, err) &&
	       guess_size(s, err) && qcow1_salvage_l2(s, err) &&
	       (!s->l1_guessed || img_rangeset_include(&s->guessed, 0, s->hdr.size, err)) &&
	       finish_work(s, err);
}

struct qcow1_salvage *qcow1_salvage_new(struct img_store *file, uint64_t size, uint64_t memory,
					struct img_salvaged *told, struct img_err *err)
{
	struct qcow1_salvage *s = img_calloc(1, sizeof(*s), err);

	if (!s)
		return NULL;
	*s = (struct qcow1_salvage){ .file = file, .told = told, .memory = memory };
	told->notes.most = NOTES_MOST;
	s->overlay = img_store_overlay(file, err);
	s->work = s->overlay ? img_calloc(1, sizeof(*s->work), err) : NULL;
	if (s->work && img_store_size(file, &s->file_size, err) && rebuild(s, size, err))
		return s;
	qcow1_salvage_free(s);
	return NULL;
}

void qcow1_salvage_free(struct qcow1_salvage *s)
{
	if (!s)
		return;
	img_rangeset_clear(&s->guessed);
	img_rangeset_clear(&s->lost);
	free_work(s->work);
	img_store_close(s->l1_file);
	free(s->backing);
	if (s->overlay)
		img_store_close(s->overlay);
	free(s);
}

/* ---- Answers --------------------------------------------------------------------------------- */

void qcow1_salvage_judge(const struct qcow1_salvage *s, struct img_extent *ex)
{
	if (ex->kind == IMG_EXTENT_LOST)
		return;
	if (img_extent_cut(ex, &s->lost)) {
		const uint64_t start = ex->start, len = ex->len;

		*ex = (struct img_extent){
			.start = start, .len = len, .kind = IMG_EXTENT_LOST, .loss = IMG_E_CORRUPT,
			.why = qcow1_noted_l2_wiped.text,
		};
		return;
	}
	ex->guessed = img_extent_cut(ex, &s->guessed) ||
		      (s->backing_lost && ex->kind == IMG_EXTENT_HOLE);
}
