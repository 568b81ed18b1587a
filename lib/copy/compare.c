/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two disks, byte for byte.  What both sides know to be zeros is never read. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "codec/codec.h"
#include "copy/copy.h"
#include "copy/pace.h"
#include "copy/side.h"
#include "copy/turns.h"
#include "extent/extent.h"

#define WINDOW (1024 * 1024)
#define MAX_THREADS 64

enum { A, B, SIDES };

struct comparison {
	const struct img_compare *what;
	const struct img_job *job;
	struct img *side[SIDES];
	uint64_t at;			/* taker: guest bytes below this are taken */
	struct img_pace pace;		/* taker */

	/* The thread whose turn it is: */
	struct img_compare_stats *stats;
	struct img_range run;		/* differing bytes that may go on in the next window */
	struct img_digest *digest;	/* NULL: none */
};

/* One thread's window and what was found in it. */
struct window {
	uint64_t at, len;
	uint64_t total;			/* bytes of both disks as far as known when it was taken */
	bool known_zero;		/* on both sides */
	bool differs_in_allocation;
	size_t have[SIDES];		/* bytes read already, from a stream */
	bool streamed[SIDES];
	uint64_t of_a;			/* bytes of it that A has */
	uint8_t *buf[SIDES];
	struct img_ranges found;
};

/* ---- Taking the next window ------------------------------------------------------------------ */

static uint64_t end_of_both(const struct comparison *c)
{
	return img_max_u64(img_size(c->side[A]), img_size(c->side[B]));
}

/* Cuts the window so that it is known zero on both sides or at most WINDOW long. */
static bool look_ahead(struct comparison *c, struct window *w, struct img_err *err)
{
	const uint64_t end = end_of_both(c);
	struct img_extent ex[SIDES];

	for (int s = A; s < SIDES; s++)
		if (!img_side_extent(c->side[s], w->at, end, &ex[s], err))
			return false;
	w->known_zero = img_extent_reads_as_zero(&ex[A]) && img_extent_reads_as_zero(&ex[B]);
	w->len = img_min_u64(ex[A].len, ex[B].len);
	if (c->what->strict)
		w->differs_in_allocation = (ex[A].kind == IMG_EXTENT_HOLE) !=
					   (ex[B].kind == IMG_EXTENT_HOLE);
	else if (!w->known_zero)
		w->len = img_min_u64(WINDOW, end - w->at);
	if (!w->known_zero)
		w->len = img_min_u64(WINDOW, w->len);
	return true;
}

static bool take_stream(struct comparison *c, struct window *w, struct img_err *err)
{
	w->len = 0;
	for (int s = A; s < SIDES; s++) {
		w->streamed[s] = img_is_stream(c->side[s]);
		w->have[s] = 0;
		if (!w->streamed[s])
			continue;
		if (!img_read_stream(c->side[s], w->at, w->buf[s], WINDOW, &w->have[s], err))
			return false;
		w->len = img_max_u64(w->len, w->have[s]);
	}
	if (!w->len)
		w->len = img_min_u64(WINDOW, end_of_both(c) - w->at);
	return true;
}

static uint64_t bytes_of_a(const struct comparison *c, const struct window *w)
{
	const uint64_t end = img_size(c->side[A]);

	if (w->streamed[A])
		return w->have[A];
	return w->at < end ? img_min_u64(w->len, end - w->at) : 0;
}

static bool take(void *ctx, void *window, bool *more, struct img_err *err)
{
	struct comparison *c = ctx;
	struct window *w = window;
	const bool streams = img_is_stream(c->side[A]) || img_is_stream(c->side[B]);

	w->at = c->at;
	w->len = 0;
	w->known_zero = w->differs_in_allocation = false;
	w->streamed[A] = w->streamed[B] = false;
	if (!img_pace_keep(&c->pace, c->job, err))
		return false;
	if (w->at < end_of_both(c) &&
	    !(streams ? take_stream(c, w, err) : look_ahead(c, w, err)))
		return false;
	w->total = end_of_both(c);
	w->of_a = bytes_of_a(c, w);
	c->at += w->len;
	if (!w->known_zero)
		c->pace.done += w->len;
	*more = w->len;
	return true;
}

/* ---- Comparing one window -------------------------------------------------------------------- */

static bool fill(struct img *im, struct window *w, int s, struct img_err *err)
{
	/* The size of what is still streaming belongs to the taker. */
	if (!w->streamed[s])
		return img_side_read(im, w->at, w->buf[s], w->len, err);
	memset(w->buf[s] + w->have[s], 0, w->len - w->have[s]);
	return true;
}

static bool compare_window(void *ctx, void *window, struct img_err *err)
{
	struct comparison *c = ctx;
	struct window *w = window;
	uint64_t done = 0;

	w->found.n = 0;
	if (w->known_zero)
		return true;
	for (int s = A; s < SIDES; s++)
		if (!fill(c->side[s], w, s, err))
			return false;
	while (done < w->len) {
		bool same;
		const size_t len = img_same_run(w->buf[A] + done, w->buf[B] + done, w->len - done,
						&same);

		if (!same && !img_ranges_add(&w->found, w->at + done, len, err))
			return false;
		done += len;
	}
	return true;
}

/* ---- Telling, in guest order ----------------------------------------------------------------- */

static void tell_run(struct comparison *c)
{
	if (c->run.len && c->what->differs)
		c->what->differs(c->what->differs_ctx, c->run.at, c->run.len);
	c->run.len = 0;
}

static void note_difference(struct comparison *c, struct img_range range)
{
	if (c->stats->same) {
		c->stats->same = false;
		c->stats->first = range.at;
	}
	c->stats->differing += range.len;
	if (c->run.len && c->run.at + c->run.len == range.at) {
		c->run.len += range.len;
		return;
	}
	tell_run(c);
	c->run = range;
}

static bool add_to_digest(struct comparison *c, const struct window *w, struct img_err *err)
{
	if (!c->digest || !c->stats->same)
		return true;
	return w->known_zero ? img_digest_add_zeros(c->digest, w->of_a, err)
			     : img_digest_add(c->digest, w->buf[A], w->of_a, err);
}

static bool tell(void *ctx, const void *window, bool *over, struct img_err *err)
{
	struct comparison *c = ctx;
	const struct window *w = window;
	const struct img_job *job = c->job;

	if (w->differs_in_allocation && c->stats->same && !w->found.n) {
		c->stats->same = false;
		c->stats->allocation_differs = true;
		c->stats->first = w->at;
	}
	for (size_t i = 0; i < w->found.n && (c->stats->same || c->what->all); i++)
		note_difference(c, w->found.v[i]);
	if (job && job->progress)
		job->progress(job->ctx, w->at + w->len, w->total);
	*over = !c->stats->same && !c->what->all;
	return add_to_digest(c, w, err);
}

/* ---- All of it ------------------------------------------------------------------------------- */

static bool init_window(struct window *w, struct img_err *err)
{
	for (int s = A; s < SIDES; s++) {
		w->buf[s] = img_alloc_aligned(WINDOW, err);
		if (!w->buf[s])
			return false;
	}
	return true;
}

static void free_windows(struct window *windows, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		for (int s = A; s < SIDES; s++)
			free(windows[i].buf[s]);
		free(windows[i].found.v);
	}
	free(windows);
}

static bool run(struct comparison *c, struct img_err *err)
{
	const struct img_turns turns = {
		.take = take, .work = compare_window, .tell = tell, .ctx = c,
	};
	const unsigned n = img_side_threads(c->what->a, c->what->b, c->what->threads, MAX_THREADS);
	struct window *windows = img_calloc(n, sizeof(*windows), err);
	void *each[MAX_THREADS];
	bool ok = windows;

	for (unsigned i = 0; ok && i < n; i++) {
		each[i] = &windows[i];
		ok = init_window(&windows[i], err);
	}
	ok = ok && img_turns_run(&turns, each, n, err);
	if (windows)
		free_windows(windows, n);
	return ok;
}

static bool run_hashing(struct comparison *c, const char *name, struct img_err *err)
{
	bool ok;

	c->digest = img_digest_open(name, err);
	ok = c->digest && run(c, err) &&
	     (!c->stats->same || img_digest_finish(c->digest, c->stats->digest, err));
	img_digest_close(c->digest);
	return ok;
}

bool img_compare_run(const struct img_compare *what, const struct img_job *job,
		     struct img_compare_stats *stats, struct img_err *err)
{
	struct comparison c = {
		.what = what, .job = job, .side = { what->a, what->b }, .stats = stats,
		.pace = img_pace_start(what->rate),
	};
	bool ok;

	*stats = (struct img_compare_stats){ .same = true };
	ok = what->digest ? run_hashing(&c, what->digest, err) : run(&c, err);
	tell_run(&c);
	if (!ok || !img_confirm(what->a, err) || !img_confirm(what->b, err))
		return false;
	stats->sizes_differ = img_size(what->a) != img_size(what->b);
	if (what->strict && stats->sizes_differ && stats->same) {
		stats->same = false;
		stats->first = img_min_u64(img_size(what->a), img_size(what->b));
	}
	return true;
}
