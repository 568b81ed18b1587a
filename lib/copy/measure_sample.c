/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A sample of compressed units.  The data are cut into as many parts of equal length as grains are to
 * be compressed, and one grain is taken at random out of each, so that every region is heard.  The dice
 * are the same each time: one source has one answer.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include "base/job.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/parallel.h"
#include "copy/measure.h"

#define MAX_THREADS 64

/* 95 of 100 values of a normal distribution are that many standard deviations off, at most. */
static const double deviations = 1.96;

struct taking {
	struct img_work work;
	const struct img_job *job;
	uint64_t *places;		/* guest bytes of the grains of the sample, rising */
	struct img_sample *sample;
	_Atomic size_t next;
	pthread_mutex_t lock;		/* guards all below, and progress */
	size_t done, failed;		/* failed: the first grain in order */
	struct img_err why;
};

/* ---- Which grains -------------------------------------------------------------------------------- */

uint64_t img_sample_grains(const struct img_ranges *data, uint64_t grain)
{
	uint64_t n = 0;

	for (size_t i = 0; i < data->n; i++)
		n += img_div_up(data->v[i].len, grain);
	return n;
}

/* One step of splitmix64 (Steele, Lea and Flood). */
static uint64_t dice(uint64_t throw)
{
	uint64_t z = (throw + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* The first grain of part i of n; no product of the two counts has to fit. */
static uint64_t first_of(uint64_t i, uint64_t n, uint64_t all)
{
	return i * (all / n) + img_min_u64(i, all % n);
}

static void choose(uint64_t *places, const struct img_ranges *data, uint64_t grain, uint64_t n)
{
	const uint64_t all = img_sample_grains(data, grain);
	uint64_t before = 0;	/* grains of the ranges in front of r */
	size_t r = 0;

	for (uint64_t i = 0; i < n; i++) {
		const uint64_t first = first_of(i, n, all);
		const uint64_t chosen = first + dice(i) % (first_of(i + 1, n, all) - first);

		while (chosen - before >= img_div_up(data->v[r].len, grain))
			before += img_div_up(data->v[r++].len, grain);
		places[i] = data->v[r].at + (chosen - before) * grain;
	}
}

const uint32_t *img_sample_of(const struct img_sample *sample, uint64_t index, uint64_t all)
{
	const uint64_t each = all / sample->n, longer = all % sample->n;
	const uint64_t part = index < longer * (each + 1) ? index / (each + 1)
							   : (index - longer) / each;

	return sample->stored + part * sample->units;
}

/* ---- What becomes of them ------------------------------------------------------------------------ */

static void note(const struct img_parcel *p, uint32_t unit, uint32_t *stored)
{
	for (size_t i = 0; i < p->n_slots; i++) {
		const struct img_slot *slot = &p->slots[i];

		stored[(slot->at - p->chunk.at) / unit] =
			slot->flags & IMG_SLOT_COMPRESSED ? slot->stored_len : IMG_SAMPLE_PLAIN;
	}
}

static bool take_one(const struct taking *t, size_t i, struct img_parcel *p, struct img_err *err)
{
	struct img_plan plan = {
		.src = t->work.src, .at = t->places[i], .grain = t->work.grain,
		.window = t->work.grain,
	};

	if (!img_job_goes_on(t->job, err))
		return false;
	if (!img_plan_next(&plan, &p->chunk, err) || !img_work_run(&t->work, p, err))
		return false;
	note(p, t->work.unit, t->sample->stored + i * t->sample->units);
	return true;
}

/* Says whether there is more to do. */
static bool account(struct taking *t, size_t i, bool ok, const struct img_err *why)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&t->lock);

	if (!ok && i < t->failed) {
		t->failed = i;
		t->why = *why;
	}
	t->done++;
	if (t->job && t->job->progress)
		t->job->progress(t->job->ctx, t->done * t->work.grain,
				 t->sample->n * t->work.grain);
	return t->failed == SIZE_MAX;
}

static void take_some(void *ctx, unsigned number)
{
	struct taking *t = ctx;
	struct img_err why = { 0 };
	struct img_parcel p;
	size_t i = atomic_fetch_add(&t->next, 1);
	bool ok = img_parcel_init(&p, &t->work, &why);

	(void)number;
	while (i < t->sample->n && account(t, i, ok && take_one(t, i, &p, &why), &why))
		i = atomic_fetch_add(&t->next, 1);
	img_parcel_free(&p);
}

/* ---- How good that is ---------------------------------------------------------------------------- */

static double root_of(double square)
{
	double root = square > 1 ? square : 1;

	/* Newton's steps fall until they are there. */
	for (double next = (root + square / root) / 2; next < root;
	     next = (root + square / root) / 2)
		root = next;
	return root;
}

static double bytes_of(const struct img_sample *sample, size_t i, uint32_t unit)
{
	double sum = 0;

	for (size_t u = 0; u < sample->units; u++) {
		const uint32_t stored = sample->stored[i * sample->units + u];

		sum += stored == IMG_SAMPLE_PLAIN ? unit : stored;
	}
	return sum;
}

/* As if the grains had been drawn from all of them alike, which claims less than is known. */
static double error_of(const struct img_sample *sample, uint64_t all, uint32_t unit)
{
	const double n = (double)sample->n, total = (double)all;
	double sum = 0, squares = 0;

	for (size_t i = 0; i < sample->n; i++)
		sum += bytes_of(sample, i, unit);
	for (size_t i = 0; i < sample->n; i++) {
		const double off = bytes_of(sample, i, unit) - sum / n;

		squares += off * off;
	}
	if (sample->n < 2)
		return total * unit * (double)sample->units;
	return deviations * total * root_of(squares / (n - 1) / n * (1 - n / total));
}

/* ---- All of it ----------------------------------------------------------------------------------- */

static bool prepare(struct taking *t, const struct img_ranges *data, uint64_t n,
		    struct img_err *err)
{
	struct img_sample *sample = t->sample;

	sample->n = n;
	sample->units = t->work.grain / t->work.unit;
	sample->stored = img_calloc(n * sample->units, sizeof(*sample->stored), err);
	t->places = img_calloc(n, sizeof(*t->places), err);
	if (!sample->stored || !t->places)
		return false;
	choose(t->places, data, t->work.grain, n);
	return true;
}

bool img_sample_take(const struct img_copy *what, const struct img_ranges *data, uint64_t n,
		     const struct img_job *job, struct img_sample *out, struct img_err *err)
{
	struct taking t = {
		.job = job, .sample = out, .failed = SIZE_MAX, .lock = PTHREAD_MUTEX_INITIALIZER,
	};
	bool ok;

	*out = (struct img_sample){ 0 };
	ok = img_work_init(&t.work, what, false, err);
	t.work.window = t.work.grain;
	ok = ok && prepare(&t, data, n, err);
	if (ok)
		img_parallel(img_thread_count(what->threads, MAX_THREADS), take_some, &t);
	if (ok && t.failed != SIZE_MAX) {
		ok = false;
		if (err)
			*err = t.why;
	}
	if (ok)
		out->error = error_of(out, img_sample_grains(data, t.work.grain), t.work.unit);
	img_work_fini(&t.work);
	pthread_mutex_destroy(&t.lock);
	free(t.places);
	return ok;
}

void img_sample_free(struct img_sample *sample)
{
	free(sample->stored);
	*sample = (struct img_sample){ 0 };
}
