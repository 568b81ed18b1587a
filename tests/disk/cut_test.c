/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Power cuts.  A random workload is run on a disk whose files remember all that was done to them;
 * then the power is cut at points of that history, each of them once, with losses by chance.
 * What is left must open, be consistent but for leaks, and hold for each sector what it held at the
 * last flush or something that was written to it since.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "disk/judge.h"
#include "disk/power.h"
#include "disk/sanitized.h"
#include "disk/workload.h"
#include "unit/fake/files.h"

enum {
#ifdef SANITIZED
	POINTS		= 1000,		/* of each layout, at least */
	PERCENT		= 15,		/* of them, at which the power is cut */
#else
	POINTS		= 10000,
	PERCENT		= 20,
#endif
	REQUESTS	= 150,		/* of one workload */
	GO_ON_EVERY	= 53,		/* cuts: the disk is then used further */
	GO_ON_REQUESTS	= 20,
	ASK_EVERY	= POINTS / 40,	/* cuts: qemu-img is asked, too */
	SIMPLER		= 4,		/* that much fewer of formats without refcounts ... */
	ENCIPHERED	= 4,		/* ... and where each opening derives a key first */
};

TestSuite(cut, .init = files_enter, .fini = files_leave, .timeout = 600);

/* A workload, what it did, and the cut that is looked at. */
struct run {
	struct prepared prep;
	uint64_t seed;
	struct history history;
	struct recorder files[LAYOUT_FILES];
	struct power power;
	struct guest guest;
	enum cut_kind kind;
	unsigned points, cuts;
};

/* complaint: NULL, or what is wrong; freed. */
static void expect_none(const struct run *run, const char *what, char *complaint)
{
	cr_assert_null(complaint, "%s, seed %lu, cut %d before operation %zu of %zu: %s: %s",
		       run->prep.layout->name, (unsigned long)run->seed, (int)run->kind,
		       run->power.at, run->history.n, what, complaint);
	free(complaint);
}

/* ---- The workload -------------------------------------------------------------------------------- */

static struct img *open_files(struct run *run, struct recorder *files, unsigned flags)
{
	struct img_store *stores[LAYOUT_FILES] = { NULL };
	struct img_err err = { 0 };
	struct img *im;

	for (size_t i = 0; i < run->prep.n_files; i++)
		stores[i] = recorder_store(&files[i]);
	im = layout_open(&run->prep, stores, flags, &err);
	expect_none(run, "opening", im ? NULL : strdup(err.text));
	return im;
}

/* Tells the history and the model that all is durable. */
static void note_flush(struct run *run)
{
	guest_flushed(&run->guest);
	history_guest(&run->history, RECORD_FLUSHED, NULL);
}

static struct img *reopen(struct run *run, struct img *im)
{
	struct img_err err = { 0 };

	expect_none(run, "finishing", img_finish(im, &err) ? NULL : strdup(err.text));
	img_close(im);
	note_flush(run);
	return open_files(run, run->files, IMG_OPEN_WRITE);
}

static void do_request(struct run *run, struct workload *load, struct img *im,
		       const struct request *req)
{
	struct img_err err = { 0 };

	guest_begin(&run->guest, req);
	history_guest(&run->history, RECORD_BEGIN, req);
	expect_none(run, "request", workload_do(load, im, req, &err) ? NULL : strdup(err.text));
	guest_end(&run->guest, req);
	history_guest(&run->history, RECORD_END, req);
	if (req->kind == REQUEST_FLUSH || run->prep.layout->cache == IMG_CACHE_WRITETHROUGH)
		note_flush(run);
}

/* Runs a workload; the model then goes back to its start, to follow the history. */
static void make_history(struct run *run)
{
	static const struct request flush = { .kind = REQUEST_FLUSH };
	struct workload load;
	struct img *im;

	workload_init(&load, run->prep.layout->size, run->prep.layout->grain, run->seed);
	prepared_guest(&run->prep, &run->guest);
	for (unsigned i = 0; i < run->prep.n_files; i++)
		recorder_init(&run->files[i], &run->history, i, run->prep.bytes[i],
			      run->prep.len[i]);
	im = open_files(run, run->files, IMG_OPEN_WRITE);
	for (int i = 0; i < REQUESTS; i++) {
		const struct request req = workload_next(&load);

		if (guest_is_crowded(&run->guest, &req))
			do_request(run, &load, im, &flush);
		if (req.kind == REQUEST_REOPEN)
			im = reopen(run, im);
		else
			do_request(run, &load, im, &req);
	}
	expect_none(run, "at the end", judge_content(im, &run->guest, GUEST_NOW));
	im = reopen(run, im);
	expect_none(run, "after the end", judge_content(im, &run->guest, GUEST_NOW));
	img_close(im);
	guest_free(&run->guest);
	prepared_guest(&run->prep, &run->guest);
	workload_free(&load);
}

/* ---- After a cut --------------------------------------------------------------------------------- */

/* Files of their own with what the cut has left. */
static void take_files(struct run *run, struct recorder *files)
{
	for (unsigned i = 0; i < run->prep.n_files; i++) {
		uint64_t len;
		uint8_t *bytes = power_bytes(&run->power, i, &len);

		recorder_init(&files[i], NULL, i, bytes, len);
		free(bytes);
	}
}

/* A few requests to im, each of which must be seen. */
static void use(struct run *run, struct img *im)
{
	struct img_err err = { 0 };
	struct workload load;
	struct guest guest;
	uint8_t *bytes = malloc(run->guest.size);

	cr_assert(bytes && img_read(im, 0, bytes, run->guest.size, &err), "%s", err.text);
	guest_init_from(&guest, bytes, run->guest.size);
	workload_init(&load, run->prep.layout->size, run->prep.layout->grain, run->cuts);
	load.seq = REQUESTS;
	for (int i = 0; i < GO_ON_REQUESTS; i++) {
		const struct request req = workload_next(&load);

		if (req.kind == REQUEST_REOPEN)
			continue;
		cr_assert(workload_do(&load, im, &req, &err), "%s", err.text);
		guest_end(&guest, &req);
	}
	cr_assert(img_finish(im, &err), "%s", err.text);
	expect_none(run, "going on", judge_content(im, &guest, GUEST_NOW));
	workload_free(&load);
	guest_free(&guest);
	free(bytes);
}

/* The disk goes on being used, from what the cut has left of it. */
static void go_on(struct run *run)
{
	struct recorder files[LAYOUT_FILES];
	struct img *im;

	take_files(run, files);
	im = open_files(run, files, IMG_OPEN_WRITE);
	expect_none(run, "opened to go on", judge_content(im, &run->guest, GUEST_AFTER_CUT));
	use(run, im);
	img_close(im);
	im = open_files(run, files, 0);
	expect_none(run, "counts after going on", judge_counts(im, JUDGE_LEAKS_ALLOWED));
	img_close(im);
	for (size_t i = 0; i < run->prep.n_files; i++)
		recorder_free(&files[i]);
}

static void ask_qemu(struct run *run)
{
	struct recorder files[LAYOUT_FILES];
	uint8_t *bytes[LAYOUT_FILES];
	uint64_t lens[LAYOUT_FILES];

	take_files(run, files);
	for (size_t i = 0; i < run->prep.n_files; i++) {
		bytes[i] = files[i].bytes;
		lens[i] = files[i].len;
	}
	expect_none(run, "qemu-img", judge_by_qemu(&run->prep, bytes, lens));
	for (size_t i = 0; i < run->prep.n_files; i++)
		recorder_free(&files[i]);
}

static void check_cut(struct run *run)
{
	struct img_store *stores[LAYOUT_FILES] = { NULL };
	struct img_err err = { 0 };
	struct img *im;

	for (size_t i = 0; i < run->prep.n_files; i++)
		stores[i] = power_store(&run->power, i);
	im = layout_open(&run->prep, stores, 0, &err);
	expect_none(run, "opening", im ? NULL : strdup(err.text));
	expect_none(run, "counts", judge_counts(im, JUDGE_LEAKS_ALLOWED));
	expect_none(run, "content", judge_content(im, &run->guest, GUEST_AFTER_CUT));
	img_close(im);
	if (run->cuts % GO_ON_EVERY == 0)
		go_on(run);
	if (run->cuts % ASK_EVERY == 0)
		ask_qemu(run);
}

static void cut_here(struct run *run, struct random *random)
{
	run->kind = (enum cut_kind)random_below(random, N_CUTS);
	power_cut(&run->power, run->kind, random);
	check_cut(run);
	run->cuts++;
}

/* What the guest knows follows the history. */
static void follow(struct run *run, const struct record *now)
{
	if (now->kind == RECORD_BEGIN)
		guest_begin(&run->guest, &now->req);
	else if (now->kind == RECORD_END)
		guest_end(&run->guest, &now->req);
	else if (now->kind == RECORD_FLUSHED)
		guest_flushed(&run->guest);
}

/* One point of the history; the seed says whether it is one of those. */
static void come_by(struct run *run, struct random *random)
{
	run->points++;
	if (random_chance(random, PERCENT))
		cut_here(run, random);
}

static void cut_workload(struct run *run)
{
	struct random random = random_from(run->seed);

	make_history(run);
	power_init(&run->power, &run->history, run->prep.n_files, run->prep.bytes,
		   run->prep.len);
	while (run->power.at < run->history.n) {
		const struct record *now = power_step(&run->power);

		follow(run, now);
		if (now->kind != RECORD_BEGIN && now->kind != RECORD_END)
			come_by(run, &random);
	}
	power_free(&run->power);
	guest_free(&run->guest);
	for (size_t i = 0; i < run->prep.n_files; i++)
		recorder_free(&run->files[i]);
	history_clear(&run->history);
}

static unsigned points_of(const struct layout *layout)
{
	if (strcmp(layout->format, "qcow2"))
		return POINTS / SIMPLER;
	return layout->key ? POINTS / ENCIPHERED : POINTS;
}

ParameterizedTestParameters(cut, leaves_what_was_flushed)
{
	return cr_make_param_array(size_t, layout_numbers, n_layouts);
}

ParameterizedTest(size_t *number, cut, leaves_what_was_flushed)
{
	const unsigned wanted = points_of(&layouts[*number]);
	struct run run = { .seed = 0 };

	if (!prepare(&layouts[*number], &run.prep))
		cr_skip_test("%s: this needs qemu-img", layouts[*number].name);
	for (; run.points < wanted; run.seed++)
		cut_workload(&run);
	cr_log_info("%s: cut at %u of %u points of %lu workloads", run.prep.layout->name, run.cuts,
		    run.points, (unsigned long)run.seed);
	prepared_free(&run.prep);
}
