/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing a journal from what was changed in overlays. */
#include "store/journal.h"

#include "base/mem.h"
#include "base/num.h"
#include "store/overlay.h"

struct writing {
	struct img_store *journal;
	uint64_t end;			/* of the last record */
	uint32_t chain;
	uint8_t *buf, *before;		/* JOURNAL_PAYLOAD and JOURNAL_CHUNK bytes; owned */
};

/* ---- What is known of each file ------------------------------------------------------------------ */

/* Whether nothing of [at, at + len) is changed. */
static bool is_untouched(struct img_journal_change *change, uint64_t at, size_t len, bool *yes,
			 struct img_err *err)
{
	struct img_overlay_run run;
	bool found;

	if (!img_overlay_next(change->overlay, at, &run, &found, err))
		return false;
	*yes = at + len <= change->file.cut && (!found || run.start >= at + len);
	return true;
}

static bool take_samples(struct writing *w, struct img_journal_change *change, struct img_err *err)
{
	struct img_journal_file *file = &change->file;

	file->taken = 0;
	for (size_t i = 0; file->before > 0 && i < JOURNAL_SAMPLES; i++) {
		size_t len;
		const uint64_t at = img_journal_sample_at(file->before, i, &len);
		bool untouched;

		file->samples[i] = 0;
		if (!is_untouched(change, at, len, &untouched, err))
			return false;
		if (!untouched)
			continue;
		if (!img_store_read(change->parent, at, w->buf, len, err))
			return false;
		file->samples[i] = img_journal_crc(w->buf, len);
		file->taken |= UINT32_C(1) << i;
	}
	return true;
}

static bool describe(struct writing *w, struct img_journal_change *change, struct img_err *err)
{
	struct img_journal_file *file = &change->file;

	if (file->kind == JOURNAL_REMOVE)
		return true;
	if (!img_store_size(change->parent, &file->before, err) ||
	    !img_store_size(change->overlay, &file->after, err))
		return false;
	file->cut = img_min_u64(img_overlay_cut(change->overlay), file->before);
	return img_store_read_padded(change->parent, 0, file->head_before, JOURNAL_HEAD, err) &&
	       img_store_read_padded(change->overlay, 0, file->head_after, JOURNAL_HEAD, err) &&
	       take_samples(w, change, err);
}

/* ---- Records ------------------------------------------------------------------------------------- */

static bool put_record(struct writing *w, const struct img_journal_record *rec, struct img_err *err)
{
	uint8_t raw[JOURNAL_REC_BYTES];
	size_t len;

	w->chain = img_journal_record_encode(rec, w->chain, w->buf, raw);
	len = img_journal_record_payload(raw);
	if (!img_store_write(w->journal, w->end, raw, sizeof(raw), err) ||
	    !img_store_write(w->journal, w->end + sizeof(raw), w->buf, len, err))
		return false;
	w->end += sizeof(raw) + len;
	return true;
}

static bool put_space(struct writing *w, const struct img_journal_change *change, uint32_t index,
		      enum img_preallocation how, struct img_err *err)
{
	const struct img_rangeset *set = img_overlay_space(change->overlay, how);

	for (size_t i = 0; i < set->n; i++) {
		const uint64_t end = img_min_u64(set->v[i].end, change->file.after);
		const struct img_journal_record rec = {
			.kind = how == IMG_PREALLOC_FULL ? JOURNAL_FULL : JOURNAL_FALLOC,
			.file = index, .at = set->v[i].start, .len = end - set->v[i].start,
		};

		if (set->v[i].start < end && !put_record(w, &rec, err))
			return false;
	}
	return true;
}

/* The bytes of rec, and the checksums of what is there before. */
static bool fill_payload(struct writing *w, const struct img_journal_change *change,
			 const struct img_journal_record *rec, struct img_err *err)
{
	if (!img_store_read(change->overlay, rec->at, w->buf, rec->len, err) ||
	    !img_store_read_padded(change->parent, rec->at, w->before, rec->len, err))
		return false;
	img_journal_sums_encode(rec->at, w->before, rec->len, w->buf + rec->len);
	return true;
}

static bool put_run(struct writing *w, const struct img_journal_change *change, uint32_t index,
		    const struct img_overlay_run *run, struct img_err *err)
{
	struct img_journal_record rec = { .kind = JOURNAL_ZEROS, .file = index, .at = run->start,
					  .len = run->end - run->start };

	if (run->zeros)
		return put_record(w, &rec, err);
	rec.kind = JOURNAL_BYTES;
	for (; rec.at < run->end; rec.at += rec.len) {
		rec.len = img_min_u64(run->end - rec.at, JOURNAL_CHUNK);
		if (!fill_payload(w, change, &rec, err) || !put_record(w, &rec, err))
			return false;
	}
	return true;
}

/* All runs of [from, to). */
static bool put_runs(struct writing *w, const struct img_journal_change *change, uint32_t index,
		     uint64_t from, uint64_t to, struct img_err *err)
{
	struct img_overlay_run run = { .end = from };
	bool found = true;

	while (found && run.end < to) {
		if (!img_overlay_next(change->overlay, run.end, &run, &found, err))
			return false;
		run.end = img_min_u64(run.end, to);
		if (found && run.start < run.end && !put_run(w, change, index, &run, err))
			return false;
	}
	return true;
}

/*
 * The first bytes say what a file is: they change last, so that others, who know of no journal, take
 * a file for what it was up to then.
 */
static bool put_file(struct writing *w, const struct img_journal_change *change, uint32_t index,
		     struct img_err *err)
{
	if (change->file.kind == JOURNAL_REMOVE)
		return true;
	return put_space(w, change, index, IMG_PREALLOC_FALLOC, err) &&
	       put_space(w, change, index, IMG_PREALLOC_FULL, err) &&
	       put_runs(w, change, index, JOURNAL_BLOCK, UINT64_MAX, err) &&
	       put_runs(w, change, index, 0, JOURNAL_BLOCK, err);
}

/* ---- The whole ----------------------------------------------------------------------------------- */

static bool put_entry(struct writing *w, const struct img_journal_file *file, struct img_err *err)
{
	w->chain = img_journal_file_encode(file, w->chain, w->buf);
	if (!img_store_write(w->journal, w->end, w->buf, JOURNAL_BLOCK, err))
		return false;
	w->end += JOURNAL_BLOCK;
	return true;
}

static bool put_header(struct writing *w, size_t n, struct img_err *err)
{
	const struct img_journal_header header = {
		.n_files = (uint32_t)n, .end = w->end, .chain = w->chain,
	};

	img_journal_header_encode(&header, w->buf);
	return img_store_write(w->journal, 0, w->buf, JOURNAL_BLOCK, err);
}

bool img_journal_write(struct img_store *journal, struct img_journal_change *changes, size_t n,
		       struct img_err *err)
{
	struct writing w = { .journal = journal, .end = JOURNAL_BLOCK };
	bool ok;

	w.buf = img_alloc_aligned(JOURNAL_PAYLOAD, err);
	w.before = w.buf ? img_alloc_aligned(JOURNAL_CHUNK, err) : NULL;
	ok = w.before != NULL;
	for (size_t i = 0; ok && i < n; i++)
		ok = describe(&w, &changes[i], err) && put_entry(&w, &changes[i].file, err);
	for (size_t i = 0; ok && i < n; i++)
		ok = put_file(&w, &changes[i], (uint32_t)i, err);
	ok = ok && put_header(&w, n, err) && img_store_sync(journal, err);
	free(w.buf);
	free(w.before);
	return ok;
}
