/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two disks, byte for byte.  Windows are taken in guest order, compared by N threads, and told in
 * guest order again: a thread that is done waits for its turn.  What both sides know to be zeros
 * is never read.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/parallel.h"
#include "copy/copy.h"
#include "extent/extent.h"

#define WINDOW (1024 * 1024)
#define MAX_THREADS 64

enum { A, B, SIDES };

struct comparison {
	const struct img_compare *what;
	const struct img_job *job;
	struct img *side[SIDES];

	pthread_mutex_t lock;		/* guards taking and turn */
	pthread_cond_t changed;
	bool taking;			/* a thread is taking the next window */
	bool over;			/* no more windows are wanted */
	uint64_t at;			/* taker: guest bytes below this are taken */
	uint64_t next_seq;
	uint64_t turn;			/* the window that is told next */

	/* The thread whose turn it is: */
	struct img_compare_stats *stats;
	struct img_range run;		/* differing bytes that may go on in the next window */
	bool failed;
	struct img_err err;
};

/* One thread's window and what was found in it. */
struct window {
	uint64_t seq, at, len;
	uint64_t total;			/* bytes of both disks as far as known when it was taken */
	bool known_zero;		/* on both sides */
	bool differs_in_allocation;
	size_t have[SIDES];		/* bytes read already, from a stream */
	bool streamed[SIDES];
	uint8_t *buf[SIDES];
	struct img_ranges found;
	bool ok;
	struct img_err err;
};

/* ---- Taking the next window ------------------------------------------------------------------ */

static uint64_t end_of_both(const struct comparison *c)
{
	return img_max_u64(img_size(c->side[A]), img_size(c->side[B]));
}

/* What is at `at`; zeros behind the end of the shorter disk. */
static bool extent_of(struct img *im, uint64_t at, uint64_t limit, struct img_extent *ex,
		      struct img_err *err)
{
	const uint64_t size = img_size(im);

	*ex = (struct img_extent){ .start = at, .len = limit - at, .kind = IMG_EXTENT_HOLE };
	return at >= size || img_extent(im, at, img_min_u64(limit, size), ex, err);
}

static bool reads_as_zero(const struct img_extent *ex)
{
	return ex->kind == IMG_EXTENT_ZERO || ex->kind == IMG_EXTENT_HOLE;
}

/* Cuts the window so that it is known zero on both sides or at most WINDOW long. */
static bool look_ahead(struct comparison *c, struct window *w, struct img_err *err)
{
	const uint64_t end = end_of_both(c);
	struct img_extent ex[SIDES];

	for (int s = A; s < SIDES; s++)
		if (!extent_of(c->side[s], w->at, end, &ex[s], err))
			return false;
	w->known_zero = reads_as_zero(&ex[A]) && reads_as_zero(&ex[B]);
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

static bool take(struct comparison *c, struct window *w, struct img_err *err)
{
	const struct img_job *job = c->job;

	w->at = c->at;
	w->len = 0;
	w->known_zero = w->differs_in_allocation = false;
	w->streamed[A] = w->streamed[B] = false;
	if (job && job->cancelled && job->cancelled(job->ctx))
		return img_fail(err, IMG_E_CANCELLED, _("cancelled"));
	if (w->at >= end_of_both(c))
		return true;
	return img_is_stream(c->side[A]) || img_is_stream(c->side[B]) ? take_stream(c, w, err)
								      : look_ahead(c, w, err);
}

/* ---- Comparing one window -------------------------------------------------------------------- */

static bool fill(struct img *im, struct window *w, int s, struct img_err *err)
{
	size_t have = w->have[s];

	/* The size of what is still streaming belongs to the taker. */
	if (!w->streamed[s]) {
		const uint64_t size = img_size(im);

		have = w->at >= size ? 0 : img_min_u64(w->len, size - w->at);
		if (!img_read(im, w->at, w->buf[s], have, err))
			return false;
	}
	memset(w->buf[s] + have, 0, w->len - have);
	return true;
}

static bool compare_window(struct comparison *c, struct window *w, struct img_err *err)
{
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

static void tell(struct comparison *c, const struct window *w)
{
	const struct img_job *job = c->job;

	if (c->failed || (!c->stats->same && !c->what->all))
		return;
	if (!w->ok) {
		c->failed = true;
		c->err = w->err;
		return;
	}
	if (w->differs_in_allocation && c->stats->same && !w->found.n) {
		c->stats->same = false;
		c->stats->allocation_differs = true;
		c->stats->first = w->at;
	}
	for (size_t i = 0; i < w->found.n && (c->stats->same || c->what->all); i++)
		note_difference(c, w->found.v[i]);
	if (job && job->progress)
		job->progress(job->ctx, w->at + w->len, w->total);
}

/* ---- Threads --------------------------------------------------------------------------------- */

/* False: there is no more to do.  The lock is held, but not while the window is looked for. */
static bool take_window(struct comparison *c, struct window *w)
{
	while (c->taking)
		pthread_cond_wait(&c->changed, &c->lock);
	if (c->over)
		return false;
	c->taking = true;
	pthread_mutex_unlock(&c->lock);
	w->err = (struct img_err){ 0 };
	w->ok = take(c, w, &w->err);
	w->total = end_of_both(c);
	pthread_mutex_lock(&c->lock);
	c->taking = false;
	c->at += w->len;
	w->seq = c->next_seq;
	if (!w->ok || !w->len)
		c->over = true;
	if (!w->ok || w->len)
		c->next_seq++;
	pthread_cond_broadcast(&c->changed);
	return !w->ok || w->len;
}

static void tell_in_turn(struct comparison *c, const struct window *w)
{
	while (c->turn != w->seq)
		pthread_cond_wait(&c->changed, &c->lock);
	pthread_mutex_unlock(&c->lock);
	tell(c, w);
	pthread_mutex_lock(&c->lock);
	c->turn++;
	if (c->failed || (!c->stats->same && !c->what->all))
		c->over = true;
	pthread_cond_broadcast(&c->changed);
}

struct worker {
	struct comparison *c;
	struct window w;
	pthread_t thread;
};

static void *thread_main(void *arg)
{
	struct worker *worker = arg;
	struct comparison *c = worker->c;
	struct window *w = &worker->w;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&c->lock);

	while (take_window(c, w)) {
		pthread_mutex_unlock(&c->lock);
		if (w->ok)
			w->ok = compare_window(c, w, &w->err);
		pthread_mutex_lock(&c->lock);
		tell_in_turn(c, w);
	}
	return NULL;
}

static bool init_workers(struct worker *workers, unsigned n, struct comparison *c,
			 struct img_err *err)
{
	for (unsigned i = 0; i < n; i++) {
		workers[i].c = c;
		for (int s = A; s < SIDES; s++) {
			workers[i].w.buf[s] = img_alloc_aligned(WINDOW, err);
			if (!workers[i].w.buf[s])
				return false;
		}
	}
	return true;
}

static void free_workers(struct worker *workers, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		for (int s = A; s < SIDES; s++)
			free(workers[i].w.buf[s]);
		free(workers[i].w.found.v);
	}
	free(workers);
}

/* Fewer threads than wanted is no failure: this one does all the work if it must. */
static bool run(struct comparison *c, struct img_err *err)
{
	const unsigned wanted = img_thread_count(c->what->threads, MAX_THREADS);
	struct worker *workers = img_calloc(wanted, sizeof(*workers), err);
	unsigned n = 1;
	bool ok;

	if (!workers)
		return false;
	ok = init_workers(workers, wanted, c, err);
	if (ok) {
		while (n < wanted &&
		       !pthread_create(&workers[n].thread, NULL, thread_main, &workers[n]))
			n++;
		thread_main(&workers[0]);
		while (n > 1)
			pthread_join(workers[--n].thread, NULL);
	}
	free_workers(workers, wanted);
	return ok;
}

bool img_compare_run(const struct img_compare *what, const struct img_job *job,
		     struct img_compare_stats *stats, struct img_err *err)
{
	struct comparison c = {
		.what = what, .job = job, .side = { what->a, what->b }, .stats = stats,
		.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER,
	};
	bool ok;

	*stats = (struct img_compare_stats){ .same = true };
	ok = run(&c, err);
	tell_run(&c);
	pthread_cond_destroy(&c.changed);
	pthread_mutex_destroy(&c.lock);
	if (!ok)
		return false;
	stats->sizes_differ = img_size(what->a) != img_size(what->b);
	if (what->strict && stats->sizes_differ && stats->same) {
		stats->same = false;
		stats->first = img_min_u64(img_size(what->a), img_size(what->b));
	}
	if (c.failed && err)
		*err = c.err;
	return !c.failed;
}
