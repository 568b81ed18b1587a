/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What of a disk is not as in another one.  Their maps are walked side by side: what lies at the same
 * place of the same file, or is zeros in both, is the same and never read.
 */
#include <stdlib.h>
#include <string.h>
#include "base/job.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/zero.h"
#include "copy/side.h"
#include "copy/turns.h"
#include "extent/extent.h"
#include "libimg-diff.h"

enum {
	WINDOW = 1 << 20,
	GRAIN = 4096,		/* compared as one, and told as zeros or as bytes */
	MAX_THREADS = 64,
	PATIENCE = 65536,	/* extents that are the same, until somebody may cancel */
};

enum { A, B, SIDES };

struct diff {
	const struct img_diff *what;
	const struct img_job *job;
	struct img *side[SIDES];
	uint64_t end;			/* of b */

	/* The thread that takes: */
	uint64_t at;			/* guest bytes below this are taken */
	struct img_extent ahead[SIDES];	/* the last answers; len 0: none yet */
	bool encoded;			/* one of them is encoded */
	const struct img_store *stores[SIDES];	/* of which it was asked last ... */
	bool same_file;			/* ... whether they are the same file */

	/* The thread whose turn it is: */
	struct img_change run;		/* may go on in the next window; len 0: there is none */
};

enum verdict {
	SAME,
	CHANGED,		/* as the maps say; nothing has to be read */
	UNREAD,			/* the bytes tell */
};

struct window {
	uint64_t at, len;
	enum verdict verdict;
	bool zero[SIDES];		/* according to the maps */
	uint8_t *buf[SIDES];		/* WINDOW bytes; of A only if they are compared */
	struct img_change found[WINDOW / GRAIN + 1];
	size_t n;
};

/* ---- Taking, in guest order -------------------------------------------------------------------- */

static bool same_file(struct diff *d, const struct img_store *a, const struct img_store *b)
{
	if (a != d->stores[A] || b != d->stores[B]) {
		d->same_file = img_same_file(img_store_name(a), img_store_name(b));
		d->stores[A] = a;
		d->stores[B] = b;
	}
	return d->same_file;
}

static bool same_place(struct diff *d, const struct img_extent *a, const struct img_extent *b)
{
	return a->kind == b->kind &&
	       (a->kind == IMG_EXTENT_DATA || a->kind == IMG_EXTENT_ENCODED) &&
	       a->host == b->host &&
	       (a->kind == IMG_EXTENT_DATA || (a->len == b->len && a->host_len == b->host_len)) &&
	       same_file(d, a->store, b->store);
}

/* Where the encoded unit ends that begins at or before d->at, or that lay in front of it. */
static uint64_t end_of_unit(const struct diff *d)
{
	uint64_t unit = 1;

	for (int s = A; s < SIDES; s++)
		if (d->ahead[s].kind == IMG_EXTENT_ENCODED)
			unit = img_max_u64(unit, d->side[s]->layers[d->ahead[s].depth].unit);
	return img_min_u64(d->end, img_round_down(d->at, unit) + unit);
}

/*
 * The extent at d->at.  One that was told before is not asked for again: it would be looked up to its
 * end for each short one of the other side.  Nor are encoded units asked for that are not needed: those
 * that lie behind each other are one extent, which says only of the first where it begins.
 */
static bool ask(struct diff *d, int s, uint64_t limit, struct img_err *err)
{
	struct img_extent *ex = &d->ahead[s];

	if (ex->kind != IMG_EXTENT_ENCODED && d->at < ex->start + ex->len) {
		img_extent_clip(ex, d->at, ex->start + ex->len);
		return true;
	}
	return img_side_extent(d->side[s], d->at, limit, ex, err);
}

/* Goes past what is known to be the same by whoever keeps both disks. */
static void skip_same(struct diff *d)
{
	struct img_layer *a = &d->side[A]->layers[0], *b = &d->side[B]->layers[0];
	const struct img_store_history *kept = img_layer_history(b);
	uint64_t end;

	if (!kept || kept != img_layer_history(a))
		return;
	while (d->at < d->end && kept->same(b->store, a->store, d->at, d->end, &end))
		d->at = end;
}

static bool look(struct diff *d, struct img_err *err)
{
	const struct img_extent *a = &d->ahead[A], *b = &d->ahead[B];
	const uint64_t limit = d->encoded ? end_of_unit(d) : d->end;

	for (int s = A; s < SIDES; s++)
		if (!ask(d, s, limit, err))
			return false;
	if (b->kind == IMG_EXTENT_LOST)
		return img_fail_lost(d->side[B], b, err);
	d->encoded = a->kind == IMG_EXTENT_ENCODED || b->kind == IMG_EXTENT_ENCODED;
	if (a->kind != IMG_EXTENT_ENCODED || b->kind != IMG_EXTENT_ENCODED)
		return true;
	const uint64_t unit_end = end_of_unit(d);

	return unit_end == limit || (ask(d, A, unit_end, err) && ask(d, B, unit_end, err));
}

static void judge(struct diff *d, struct window *w)
{
	const struct img_extent *ex = d->ahead;
	const struct img_diff *what = d->what;

	w->len = img_min_u64(ex[A].len, ex[B].len);
	for (int s = A; s < SIDES; s++)
		w->zero[s] = img_extent_reads_as_zero(&ex[s]);
	if ((w->zero[A] && w->zero[B]) || same_place(d, &ex[A], &ex[B]))
		w->verdict = SAME;
	else if (!what->compare && (w->zero[B] || !what->with_bytes))
		w->verdict = CHANGED;
	else
		w->verdict = UNREAD;
	if (w->verdict == UNREAD)
		w->len = img_min_u64(w->len, WINDOW - (w->at & (WINDOW - 1)));
}

static bool take(void *ctx, void *window, bool *more, struct img_err *err)
{
	struct diff *d = ctx;
	struct window *w = window;

	if (!img_job_goes_on(d->job, err))
		return false;
	*more = d->at < d->end;
	w->verdict = SAME;
	w->at = d->at;
	w->len = 0;
	for (int i = 0; w->verdict == SAME && d->at < d->end && i < PATIENCE; i++) {
		skip_same(d);
		if (d->at == d->end)
			break;
		if (!look(d, err))
			return false;
		w->at = d->at;
		judge(d, w);
		d->at += w->len;
	}
	return true;
}

/* ---- One window, by any thread ------------------------------------------------------------------ */

static bool fill(struct diff *d, struct window *w, int s, struct img_err *err)
{
	if (!w->zero[s])
		return img_side_read(d->side[s], w->at, w->buf[s], w->len, err);
	memset(w->buf[s], 0, w->len);
	return true;
}

static void note(struct window *w, size_t from, size_t len, bool zero)
{
	struct img_change *last = w->n ? &w->found[w->n - 1] : NULL;
	const uint64_t at = w->at + from;

	if (last && last->zero == zero && last->at + last->len == at) {
		last->len += len;
		return;
	}
	w->found[w->n++] = (struct img_change){
		.at = at, .len = len, .zero = zero, .bytes = zero ? NULL : w->buf[B] + from,
	};
}

static void find(const struct diff *d, struct window *w)
{
	size_t len;

	for (size_t done = 0; done < w->len; done += len) {
		const uint8_t *now = w->buf[B] + done;

		len = img_min_u64(w->len - done, GRAIN - ((w->at + done) & (GRAIN - 1)));
		if (!d->what->compare || memcmp(now, w->buf[A] + done, len))
			note(w, done, len, img_is_zero(now, len));
	}
}

static bool work(void *ctx, void *window, struct img_err *err)
{
	struct diff *d = ctx;
	struct window *w = window;

	w->n = 0;
	if (w->verdict == CHANGED)
		w->found[w->n++] = (struct img_change){
			.at = w->at, .len = w->len, .zero = w->zero[B],
		};
	if (w->verdict != UNREAD)
		return true;
	if (!fill(d, w, B, err) || (d->what->compare && !fill(d, w, A, err)))
		return false;
	find(d, w);
	return true;
}

/* ---- Telling, in guest order -------------------------------------------------------------------- */

static bool tell_run(struct diff *d, struct img_err *err)
{
	const struct img_change run = d->run;

	d->run.len = 0;
	return !run.len || d->what->changed(d->what->ctx, &run, err);
}

static bool tell_change(struct diff *d, struct img_change change, struct img_err *err)
{
	struct img_change *run = &d->run;

	if (!d->what->with_bytes)
		change.bytes = NULL;
	if (run->len && !change.bytes && run->zero == change.zero &&
	    run->at + run->len == change.at) {
		run->len += change.len;
		return true;
	}
	if (!tell_run(d, err))
		return false;
	/* The bytes are the window's, and go with it. */
	if (change.bytes)
		return d->what->changed(d->what->ctx, &change, err);
	*run = change;
	return true;
}

static bool tell(void *ctx, const void *window, bool *over, struct img_err *err)
{
	struct diff *d = ctx;
	const struct window *w = window;

	(void)over;
	for (size_t i = 0; i < w->n; i++)
		if (!tell_change(d, w->found[i], err))
			return false;
	if (d->job && d->job->progress)
		d->job->progress(d->job->ctx, w->at + w->len, d->end);
	return true;
}

/* ---- All of it ----------------------------------------------------------------------------------- */

static bool init_window(const struct img_diff *what, struct window *w, struct img_err *err)
{
	if (!what->compare && !what->with_bytes)
		return true;
	w->buf[B] = img_alloc_aligned(WINDOW, err);
	if (w->buf[B] && what->compare)
		w->buf[A] = img_alloc_aligned(WINDOW, err);
	return w->buf[B] && (w->buf[A] || !what->compare);
}

static bool run(struct diff *d, struct img_err *err)
{
	const struct img_turns turns = { .take = take, .work = work, .tell = tell, .ctx = d };
	const unsigned n = img_side_threads(d->what->a, d->what->b, d->what->threads, MAX_THREADS);
	struct window *windows = img_calloc(n, sizeof(*windows), err);
	void *each[MAX_THREADS];
	bool ok = windows;

	for (unsigned i = 0; ok && i < n; i++) {
		each[i] = &windows[i];
		ok = init_window(d->what, &windows[i], err);
	}
	ok = ok && img_turns_run(&turns, each, n, err) && tell_run(d, err);
	for (unsigned i = 0; windows && i < n; i++) {
		free(windows[i].buf[A]);
		free(windows[i].buf[B]);
	}
	free(windows);
	return ok;
}

bool img_diff_run(const struct img_diff *what, const struct img_job *job, struct img_err *err)
{
	struct diff d = { .what = what, .job = job, .side = { what->a, what->b } };

	for (int s = A; s < SIDES; s++)
		if (img_is_stream(d.side[s]))
			return img_fail(err, IMG_E_UNSUPPORTED,
					_("%s: cannot be compared while it comes through a pipe"),
					img_layer_name(d.side[s], 0));
	d.end = img_size(what->b);
	return run(&d, err) && img_confirm(what->a, err) && img_confirm(what->b, err);
}
