/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One disk, many threads: writers with ranges of their own that share clusters and tables with
 * those of the others, one that flushes all the time, and one that reads anywhere.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "base/num.h"
#include "disk/judge.h"
#include "disk/workload.h"
#include "unit/fake/files.h"

enum { WRITERS = 4, REQUESTS = 250, READ_MOST = 256 * 1024, PIECES_MOST = 4096 };

TestSuite(threads, .init = files_enter, .fini = files_leave, .timeout = 300);

/* The disk is cut into pieces; number i belongs to writer i % WRITERS. */
struct shared {
	const struct layout *layout;
	struct img *im;
	struct guest guest;		/* each writer knows its own sectors */
	uint64_t start[PIECES_MOST + 1];
	size_t n_pieces;
	_Atomic bool done;
};

struct worker {
	struct shared *shared;
	unsigned number;
	struct workload load;		/* its random numbers and its buffer */
	pthread_t thread;
};

#define ok(call) cr_assert((call), "%s: %s: %s", s->layout->name, #call, err.text)

static void cut_into_pieces(struct shared *s)
{
	struct random random = random_from(1);
	const uint64_t most = img_min_u64(s->layout->grain, s->layout->size / 64);
	uint64_t at = 0;

	while (at < s->layout->size && s->n_pieces < PIECES_MOST - 1) {
		s->start[s->n_pieces++] = at;
		at += SECTOR * (1 + random_below(&random, most / SECTOR));
	}
	s->start[s->n_pieces] = img_min_u64(at, s->layout->size);
}

/* A part of one of the writer's pieces. */
static struct request pick(struct worker *w)
{
	static const enum request_kind kinds[] = {
		REQUEST_WRITE, REQUEST_WRITE, REQUEST_WRITE, REQUEST_WRITE, REQUEST_ZERO,
		REQUEST_UNMAP, REQUEST_DISCARD, REQUEST_DISCARD,
	};
	const struct shared *s = w->shared;
	struct random *random = &w->load.random;
	const size_t own = random_below(random, s->n_pieces / WRITERS) * WRITERS + w->number;
	const uint64_t from = s->start[own] / SECTOR, sectors = s->start[own + 1] / SECTOR - from;
	const uint64_t first = random_chance(random, 50) ? 0 : random_below(random, sectors);

	return (struct request){
		.kind = kinds[random_below(random, 8)], .seq = ++w->load.seq,
		.at = (from + first) * SECTOR,
		.len = SECTOR * (1 + random_below(random, sectors - first)),
	};
}

static void expect_own(struct worker *w, const struct request *req)
{
	struct shared *s = w->shared;
	struct img_err err = { 0 };
	uint64_t wrong;

	ok(img_read(s->im, req->at, w->load.buf, req->len, &err));
	if (guest_allows(&s->guest, GUEST_NOW, req->at, w->load.buf, req->len, &wrong))
		return;
	cr_assert_fail("%s: %s", s->layout->name,
		       guest_complaint(&s->guest, GUEST_NOW, wrong,
				       w->load.buf + (wrong - req->at)));
}

static void *write_own(void *worker)
{
	struct worker *w = worker;
	struct shared *s = w->shared;
	struct img_err err = { 0 };

	for (int i = 0; i < REQUESTS; i++) {
		const struct request req = pick(w);

		ok(workload_do(&w->load, s->im, &req, &err));
		guest_end(&s->guest, &req);
		expect_own(w, &req);
	}
	return NULL;
}

static void *flush_all(void *worker)
{
	struct shared *s = ((struct worker *)worker)->shared;
	struct img_err err = { 0 };

	while (!s->done)
		ok(img_flush(s->im, &err));
	return NULL;
}

/* Nobody may ever see what belongs elsewhere. */
static void *read_any(void *worker)
{
	struct worker *w = worker;
	struct shared *s = w->shared;
	struct img_err err = { 0 };

	while (!s->done) {
		const uint64_t sectors = s->layout->size / SECTOR;
		const uint64_t at = random_below(&w->load.random, sectors) * SECTOR;
		const uint64_t most = img_min_u64(READ_MOST, s->layout->size - at);
		const size_t len = SECTOR * (1 + random_below(&w->load.random, most / SECTOR));

		ok(img_read(s->im, at, w->load.buf, len, &err));
		cr_assert(guest_belongs(at, w->load.buf, len), "%s: %zu bytes at %lu",
			  s->layout->name, len, (unsigned long)at);
	}
	return NULL;
}

static struct img *open_image(const struct layout *layout, unsigned flags)
{
	struct img_secret *key = layout_secret(layout);
	const struct img_keys keys = { (const struct img_secret *const *)&key, key != NULL };
	const struct img_open how = {
		.path = "image", .keys = &keys, .format = layout->format, .flags = flags,
		.cache = layout->cache, .cache_size = layout->cache_size, .gate = &img_gate_local,
	};
	struct img_err err = { 0 };
	struct img *im = img_open(&how, &err);

	cr_assert(im, "%s: %s", layout->name, err.text);
	img_secret_free(key);
	return im;
}

static void work(struct shared *s)
{
	struct worker workers[WRITERS + 2];

	for (unsigned i = 0; i < WRITERS + 2; i++) {
		struct worker *w = &workers[i];

		*w = (struct worker){ .shared = s, .number = i };
		workload_init(&w->load, s->layout->size, s->layout->grain, i);
		pthread_create(&w->thread, NULL,
			       i < WRITERS ? write_own : i == WRITERS ? flush_all : read_any, w);
	}
	for (unsigned i = 0; i < WRITERS + 2; i++) {
		if (i == WRITERS)
			s->done = true;
		pthread_join(workers[i].thread, NULL);
		workload_free(&workers[i].load);
	}
}

static void expect_none(const struct layout *layout, char *complaint)
{
	cr_assert_null(complaint, "%s: %s", layout->name, complaint);
}

static void run(const struct layout *layout)
{
	struct shared *s = calloc(1, sizeof(*s));
	struct img_err err = { 0 };
	struct prepared prep;

	cr_assert_not_null(s);
	s->layout = layout;
	if (!prepare(layout, &prep)) {
		free(s);
		return;
	}
	prepared_guest(&prep, &s->guest);
	cut_into_pieces(s);
	s->im = open_image(layout, IMG_OPEN_WRITE);
	work(s);
	expect_none(layout, judge_content(s->im, &s->guest, GUEST_NOW));
	ok(img_finish(s->im, &err));
	img_close(s->im);
	s->im = open_image(layout, 0);
	expect_none(layout, judge_content(s->im, &s->guest, GUEST_NOW));
	expect_none(layout, judge_counts(s->im, JUDGE_NO_LEAKS));
	img_close(s->im);
	guest_free(&s->guest);
	prepared_free(&prep);
	free(s);
}

Test(threads, do_not_disturb_each_other)
{
	for (size_t i = 0; i < n_layouts; i++)
		run(&layouts[i]);
}

/* Tables come and go all the time. */
Test(threads, few_tables_in_memory)
{
	for (size_t i = 0; i < n_layouts; i++) {
		struct layout layout = layouts[i];

		layout.cache_size = 2 * layout.grain;
		run(&layout);
	}
}
