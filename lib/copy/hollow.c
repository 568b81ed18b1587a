/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is stored although it reads as zeros, or although nobody needs it.  Windows of what is stored
 * are read by as many threads as there are, and told of in the order of the disk.
 */
#include "copy/hollow.h"

#include <stdlib.h>
#include <string.h>
#include "base/job.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/parallel.h"
#include "base/zero.h"
#include "copy/copy.h"
#include "copy/turns.h"
#include "extent/extent.h"

enum { WINDOW = 1 << 20, GRAIN_MIN = 4096, MAX_THREADS = 64 };

struct search {
	const struct img_hollow *how;
	struct img_plan plan;
	struct img_rangeset unneeded;
	uint64_t at, len;		/* a run that may go on in the next window; len 0: there is none */
};

struct window {
	struct img_chunk chunk;
	struct img_ranges stored, hollow;
	uint8_t *buf;			/* WINDOW bytes */
};

/* ---- Taking, in guest order ---------------------------------------------------------------------- */

/* Zeros that the top layer has a place for. */
static bool is_stored_zero(const struct search *s, const struct img_extent *ex)
{
	return s->how->with_holes && ex->kind == IMG_EXTENT_ZERO && ex->zero_in_store && !ex->depth;
}

/* Zeros that have a place in the file, be it a hole of that, are hollow without being read. */
static bool look_at_zeros(const struct search *s, struct window *w, struct img_err *err)
{
	const uint64_t end = w->chunk.at + w->chunk.len;
	struct img_extent ex;

	for (uint64_t at = w->chunk.at; at < end; at += ex.len) {
		if (!img_extent_of_bytes(s->how->im, at, end, &ex, err))
			return false;
		if (is_stored_zero(s, &ex) && !img_ranges_add(&w->hollow, at, ex.len, err))
			return false;
	}
	return true;
}

/* Of fixed places these are holes already. */
static bool next_chunk(struct search *s, struct window *w, struct img_err *err)
{
	w->hollow.n = 0;
	return img_plan_next(&s->plan, &w->chunk, err) &&
	       (!w->chunk.len || w->chunk.kind == IMG_CHUNK_BYTES || !s->how->with_holes ||
		look_at_zeros(s, w, err));
}

static bool take(void *ctx, void *window, bool *more, struct img_err *err)
{
	struct search *s = ctx;
	struct window *w = window;
	const struct img_job *job = s->how->job;

	if (!img_job_goes_on(job, err))
		return false;
	do
		if (!next_chunk(s, w, err))
			return false;
	while (w->chunk.len && w->chunk.kind != IMG_CHUNK_BYTES && !w->hollow.n);
	*more = w->chunk.len;
	return true;
}

/* ---- One window, by any thread ------------------------------------------------------------------- */

/* What is not needed counts as zeros, and is not read. */
static bool read_needed(const struct search *s, struct window *w, const struct img_extent *ex,
			uint64_t at, uint64_t end, struct img_err *err)
{
	struct img_stretch gap;

	memset(w->buf + (at - w->chunk.at), 0, end - at);
	for (; img_rangeset_gap(&s->unneeded, at, end, &gap); at = gap.end)
		if (!img_read_extent(s->how->im, ex, gap.start, w->buf + (gap.start - w->chunk.at),
				     gap.end - gap.start, err))
			return false;
	return true;
}

/* What lies below has its place elsewhere, and what is lost may have been anything. */
static bool fill(const struct search *s, struct window *w, const struct img_extent *ex,
		 struct img_err *err)
{
	const uint64_t at = img_max_u64(ex->start, w->chunk.at);
	const uint64_t end = img_min_u64(ex->start + ex->len, w->chunk.at + w->chunk.len);
	uint8_t *to = w->buf + (at - w->chunk.at);

	if (img_extent_reads_as_zero(ex))
		memset(to, 0, end - at);
	else if (ex->depth || ex->kind == IMG_EXTENT_LOST)
		memset(to, 0xff, end - at);
	else
		return read_needed(s, w, ex, at, end, err);
	return true;
}

static bool look(struct window *w, uint64_t grain, const struct img_range *stored,
		 struct img_err *err)
{
	uint64_t n;

	for (uint64_t done = 0; done < stored->len; done += n) {
		const uint64_t at = stored->at + done;

		n = img_min_u64(grain, stored->len - done);
		if (img_is_zero(w->buf + (at - w->chunk.at), n) &&
		    !img_ranges_add(&w->hollow, at, n, err))
			return false;
	}
	return true;
}

static bool work(void *ctx, void *window, struct img_err *err)
{
	const struct search *s = ctx;
	struct window *w = window;

	if (w->chunk.kind != IMG_CHUNK_BYTES)
		return true;
	w->stored.n = 0;
	for (size_t i = 0; i < w->chunk.extents.n; i++) {
		struct img_extent *ex = &w->chunk.extents.v[i];

		if (!fill(s, w, ex, err))
			return false;
		/* Holes between data are found with the zeros. */
		if (is_stored_zero(s, ex))
			ex->kind = IMG_EXTENT_DATA;
	}
	if (!img_chunk_ranges(&w->chunk, s->plan.grain, &w->stored, err))
		return false;
	for (size_t i = 0; i < w->stored.n; i++)
		if (!look(w, s->plan.grain, &w->stored.v[i], err))
			return false;
	return true;
}

/* ---- Telling, in guest order --------------------------------------------------------------------- */

static bool tell_run(struct search *s, struct img_err *err)
{
	const uint64_t len = s->len;

	s->len = 0;
	return !len || s->how->found(s->how->ctx, s->at, len, err);
}

static bool tell(void *ctx, const void *window, bool *over, struct img_err *err)
{
	struct search *s = ctx;
	const struct window *w = window;
	const struct img_job *job = s->how->job;

	(void)over;
	for (size_t i = 0; i < w->hollow.n; i++) {
		const struct img_range *run = &w->hollow.v[i];

		if (s->len && s->at + s->len == run->at) {
			s->len += run->len;
			continue;
		}
		if (!tell_run(s, err))
			return false;
		s->at = run->at;
		s->len = run->len;
	}
	if (job && job->progress)
		job->progress(job->ctx, w->chunk.at + w->chunk.len, img_size(s->how->im));
	return true;
}

/* ---- All of it ----------------------------------------------------------------------------------- */

static void free_window(struct window *w)
{
	img_chunk_free(&w->chunk);
	free(w->stored.v);
	free(w->hollow.v);
	free(w->buf);
}

static bool run(struct search *s, struct img_err *err)
{
	const struct img_turns turns = { .take = take, .work = work, .tell = tell, .ctx = s };
	const unsigned n = img_thread_count(s->how->what->threads, MAX_THREADS);
	struct window *windows = img_calloc(n, sizeof(*windows), err);
	void *each[MAX_THREADS];
	bool ok = windows;

	for (unsigned i = 0; ok && i < n; i++) {
		each[i] = &windows[i];
		ok = (windows[i].buf = img_alloc_aligned(WINDOW, err));
	}
	ok = ok && img_turns_run(&turns, each, n, err) && tell_run(s, err);
	for (unsigned i = 0; windows && i < n; i++)
		free_window(&windows[i]);
	free(windows);
	return ok;
}

bool img_hollow_find(const struct img_hollow *how, struct img_err *err)
{
	const uint64_t unit = how->im->layers[0].unit;
	struct search s = {
		.how = how,
		.plan = {
			.src = how->im, .window = WINDOW, .of_bytes = how->with_holes,
			.grain = img_min_u64(img_max_u64(unit, GRAIN_MIN), WINDOW),
		},
	};
	const bool ok = img_spans_add(how->im, how->what->unneeded, how->what->n_unneeded, &s.unneeded,
				      err) &&
			run(&s, err);

	img_rangeset_clear(&s.unneeded);
	return ok;
}
