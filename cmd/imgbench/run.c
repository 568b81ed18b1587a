/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See run.h.  At depth 1 the requests are sent by the thread that called: no lock, and nobody to
 * wake, stands between two of them.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/memory.h"
#include "common/text.h"
#include "imgbench/content.h"
#include "imgbench/line.h"
#include "imgbench/run.h"

#define ALIGNMENT 4096		/* of buffers, for direct I/O */

struct run {
	const struct run_how *how;
	struct img *im;
	struct line line;		/* depth > 1; its turn guards the next three */
	uint32_t next;			/* request */
	uint64_t bytes;			/* of the requests that were started */
	bool cancelled;
	uint64_t deadline;		/* by the clock; 0: none */
	atomic_bool failed;		/* nothing more is to be started */
};

struct worker {
	struct run *run;
	pthread_t thread;
	unsigned place;
	uint8_t *buf;
	uint64_t data_ns;
	bool ok;
	struct img_err err;
	struct run_kind kinds[REQUEST_KINDS];
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- What comes next ------------------------------------------------------------------------- */

static bool may_go_on(struct run *run)
{
	const struct img_job *job = run->how->job;

	run->cancelled = run->cancelled || job->cancelled(job->ctx);
	if (run->cancelled || run->failed || run->next >= run->how->load->n)
		return false;
	return !run->deadline || now_ns() < run->deadline;
}

/* One thread at a time.  False: there is none. */
static bool choose(struct run *run, uint32_t *number, struct request *r)
{
	const struct img_job *job = run->how->job;

	while (may_go_on(run)) {
		*number = run->next++;
		load_get(run->how->load, *number, r);
		if (r->kind == REQUEST_FLUSH && run->how->no_flush)
			continue;
		run->bytes += r->len;
		if (job->progress)
			job->progress(job->ctx, run->how->done_before + run->bytes,
				      run->how->total);
		return true;
	}
	return false;
}

static bool take(struct worker *w, uint32_t *number, struct request *r)
{
	struct run *run = w->run;

	if (run->how->depth == 1)
		return choose(run, number, r);
	line_take_turn(&run->line);
	if (!choose(run, number, r)) {
		line_pass(&run->line);
		return false;
	}
	line_start(&run->line, w->place, r);
	return true;
}

/* ---- One request ----------------------------------------------------------------------------- */

static bool issue(struct img *im, const struct request *r, uint8_t *buf, struct img_err *err)
{
	switch ((enum request_kind)r->kind) {
	case REQUEST_READ:
		return img_read(im, r->at, buf, r->len, err);
	case REQUEST_WRITE:
		return img_write(im, r->at, buf, r->len, err);
	case REQUEST_ZERO:
		return img_write_zeros(im, r->at, r->len, r->unmap, err);
	case REQUEST_DISCARD:
		return img_discard(im, r->at, r->len, err);
	default:
		return img_flush(im, err);
	}
}

static bool serve(struct worker *w, uint32_t number, const struct request *r)
{
	uint64_t start = now_ns(), ready = start;
	struct run_kind *kind = &w->kinds[r->kind];

	if (r->kind == REQUEST_WRITE) {
		content_fill(w->run->how->load->seed, number, r, r->at, r->len, w->buf);
		ready = now_ns();
	}
	w->ok = issue(w->run->im, r, w->buf, &w->err);
	w->data_ns += ready - start;
	latency_add(&kind->latency, now_ns() - ready);
	kind->bytes += r->len;
	return w->ok;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct request r;
	uint32_t number;

	w->ok = true;
	while (w->ok && take(w, &number, &r)) {
		if (!serve(w, number, &r))
			w->run->failed = true;
		if (w->run->how->depth > 1)
			line_end(&w->run->line, w->place);
	}
	return NULL;
}

/* ---- All of them ----------------------------------------------------------------------------- */

static bool start_and_join(struct worker *workers, unsigned n, struct img_err *err)
{
	unsigned started = 0;
	int error = 0;

	while (started < n && !error) {
		error = pthread_create(&workers[started].thread, NULL, work, &workers[started]);
		started += !error;
	}
	if (error)
		workers[0].run->failed = true;
	for (unsigned i = 0; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	return !error || img_fail(err, IMG_E_NOMEM, _("a thread cannot be started: %s"),
				  strerror(error));
}

static bool work_all(struct run *run, struct worker *workers, struct img_err *err)
{
	const unsigned n = run->how->depth;
	bool ok = true;

	if (n == 1)
		work(&workers[0]);
	else
		ok = start_and_join(workers, n, err);
	for (unsigned i = 0; ok && i < n; i++)
		if (!workers[i].ok) {
			*err = workers[i].err;
			ok = false;
		}
	if (ok && run->cancelled)
		return img_fail(err, IMG_E_CANCELLED, _("interrupted"));
	return ok;
}

static bool timed(struct run *run, struct worker *workers, bool changes,
		  struct run_result *result, struct img_err *err)
{
	const uint64_t start = now_ns();
	uint64_t worked, ended, data = 0;

	if (run->how->seconds)
		run->deadline = start + run->how->seconds * UINT64_C(1000000000);
	if (!work_all(run, workers, err)) {
		/* What was done until somebody asked to stop is in the image, and nothing leaks. */
		if (changes && err->code == IMG_E_CANCELLED)
			(void)!img_finish(run->im, NULL);
		return false;
	}
	worked = now_ns();
	if (changes && !img_finish(run->im, err))
		return false;
	ended = now_ns();
	result->wall = (double)(ended - start) / 1e9;
	result->finish = (double)(ended - worked) / 1e9;
	for (unsigned i = 0; i < run->how->depth; i++)
		data += workers[i].data_ns;
	result->data = (double)data / 1e9 / run->how->depth;
	result->seconds = result->wall - result->data;
	return true;
}

static void collect(const struct run *run, const struct worker *workers,
		    struct run_result *result)
{
	memset(result->kinds, 0, sizeof(result->kinds));
	for (unsigned i = 0; i < run->how->depth; i++)
		for (unsigned k = 0; k < REQUEST_KINDS; k++) {
			result->kinds[k].bytes += workers[i].kinds[k].bytes;
			latency_merge(&result->kinds[k].latency, &workers[i].kinds[k].latency);
		}
	result->n_done = run->next;
	img_get_traffic(run->im, &result->traffic);
}

static bool give_buffers(struct run *run, struct worker *workers, size_t longest,
			 struct img_err *err)
{
	const size_t bytes = (longest + ALIGNMENT) / ALIGNMENT * ALIGNMENT;

	for (unsigned i = 0; i < run->how->depth; i++) {
		workers[i].run = run;
		workers[i].place = i;
		workers[i].buf = aligned_alloc(ALIGNMENT, bytes);
		if (!workers[i].buf)
			return out_of_memory(err);
		/* The kernel hands out memory when it is touched: not while the clock runs. */
		memset(workers[i].buf, 0, bytes);
	}
	return true;
}

bool run_load(struct img *im, const struct run_how *how, struct run_result *result,
	      struct img_err *err)
{
	struct run run = { .how = how, .im = im };
	struct worker *workers = calloc(how->depth, sizeof(*workers));
	struct load_summary sum;
	bool ok;

	load_sum_up(how->load, &sum);
	ok = workers ? give_buffers(&run, workers, sum.longest, err)
		     : out_of_memory(err);
	ok = ok && (how->depth == 1 || line_init(&run.line, how->depth, err)) &&
	     timed(&run, workers, sum.changes, result, err);
	if (ok)
		collect(&run, workers, result);
	line_free(&run.line);
	for (unsigned i = 0; workers && i < how->depth; i++)
		free(workers[i].buf);
	free(workers);
	return ok;
}
