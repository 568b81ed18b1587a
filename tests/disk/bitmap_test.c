/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Power cuts while a bitmap records: at every point of a random workload, what is left either says
 * that the bitmap cannot be relied on, or tells of every sector that is not as it was when the
 * bitmap was made.  Another bitmap comes and goes meanwhile, so that directories change.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "disk/judge.h"
#include "disk/power.h"
#include "disk/workload.h"
#include "unit/fake/files.h"

enum {
	DISK		= 1 << 20,
	GRANULE		= 4096,
	REQUESTS	= 80,
	REOPEN_EVERY	= 10,		/* requests */
	CUTS_AT_A_POINT	= 2,
};

static const struct layout layout = {
	.name = "qcow2 with a bitmap", .format = "qcow2", .options = "cluster_size=4k",
	.size = DISK, .grain = GRANULE,
};

TestSuite(bitmap, .init = files_enter, .fini = files_leave, .timeout = 300);

struct run {
	struct prepared prep;
	struct history history;
	struct recorder file;
	struct power power;
	unsigned relied_on, refused;	/* cuts that left the bitmap so */
};

static struct img *open_store(struct run *run, struct img_store *store, unsigned flags)
{
	struct img_store *const stores[LAYOUT_FILES] = { store };
	struct img_err err = { 0 };
	struct img *im = layout_open(&run->prep, stores, flags, &err);

	cr_assert(im, "%s", err.text);
	return im;
}

static void finish(struct img *im)
{
	struct img_err err = { 0 };

	cr_assert(img_finish(im, &err), "%s", err.text);
	img_close(im);
}

/* The image gets its bitmap before the history begins. */
static void start(struct run *run)
{
	struct img_err err = { 0 };
	struct recorder made;
	struct img *im;

	cr_assert(prepare(&layout, &run->prep));
	recorder_init(&made, NULL, 0, run->prep.bytes[0], run->prep.len[0]);
	im = open_store(run, recorder_store(&made), IMG_OPEN_WRITE);
	cr_assert(img_bitmap_create(im, "a", GRANULE, true, &err), "%s", err.text);
	finish(im);
	free(run->prep.bytes[0]);
	run->prep.bytes[0] = malloc(made.len);
	run->prep.len[0] = made.len;
	memcpy(run->prep.bytes[0], made.bytes, made.len);
	recorder_free(&made);
	recorder_init(&run->file, &run->history, 0, run->prep.bytes[0], run->prep.len[0]);
}

static struct img *reopen(struct run *run, struct img *im, bool second)
{
	struct img_err err = { 0 };

	if (second)
		cr_assert(img_bitmap_create(im, "b", 512, false, &err) &&
			  img_bitmap_merge(im, "b", im, "a", &err), "%s", err.text);
	else
		cr_assert(img_bitmap_remove(im, "b", &err), "%s", err.text);
	finish(im);
	return open_store(run, recorder_store(&run->file), IMG_OPEN_WRITE);
}

static void make_history(struct run *run)
{
	struct img_err err = { 0 };
	struct workload load;
	struct img *im;

	workload_init(&load, DISK, GRANULE, 1);
	im = open_store(run, recorder_store(&run->file), IMG_OPEN_WRITE);
	for (unsigned i = 0; i < REQUESTS; i++) {
		const struct request req = workload_next(&load);

		if (req.kind != REQUEST_REOPEN)
			cr_assert(workload_do(&load, im, &req, &err), "%s", err.text);
		if ((i + 1) % REOPEN_EVERY == 0)
			im = reopen(run, im, (i + 1) / REOPEN_EVERY % 2);
	}
	finish(im);
	workload_free(&load);
}

/* Which sectors the bitmap tells of. */
static void read_bitmap(struct img *im, bool dirty[DISK / SECTOR])
{
	struct img_bitmap_run found = { 0 };
	struct img_err err = { 0 };

	memset(dirty, 0, DISK / SECTOR);
	for (;; found.start += found.len) {
		cr_assert(img_bitmap_next(im, "a", &found, &err), "%s", err.text);
		if (!found.len)
			return;
		memset(dirty + found.start / SECTOR, 1, found.len / SECTOR);
	}
}

static void check_bitmap(struct run *run, struct img *im)
{
	static uint8_t content[DISK];
	static bool dirty[DISK / SECTOR];
	struct img_err err = { 0 };

	read_bitmap(im, dirty);
	cr_assert(img_read(im, 0, content, DISK, &err), "%s", err.text);
	for (size_t i = 0; i < DISK / SECTOR; i++)
		cr_assert(dirty[i] || !memcmp(content + i * SECTOR, run->prep.content + i * SECTOR,
					      SECTOR),
			  "cut before operation %zu: sector %zu has changed", run->power.at, i);
}

static void check_cut(struct run *run)
{
	struct img *im = open_store(run, power_store(&run->power, 0), 0);
	struct img_err err = { 0 };
	struct img_bitmap *list;
	char *complaint;
	size_t n;

	cr_assert(img_bitmap_list(im, &list, &n, &err), "cut before operation %zu: %s",
		  run->power.at, err.text);
	cr_assert(n > 0 && !strcmp(list[0].name, "a"), "cut before operation %zu", run->power.at);
	/* Only one that a writer left in use may be refused. */
	cr_assert(!list[0].unusable || list[0].in_use, "%s", list[0].unusable);
	if (list[0].unusable) {
		run->refused++;
	} else {
		run->relied_on++;
		check_bitmap(run, im);
	}
	img_bitmap_list_free(list, n);
	complaint = judge_counts(im, JUDGE_LEAKS_ALLOWED);
	cr_assert_null(complaint, "cut before operation %zu: %s", run->power.at, complaint);
	img_close(im);
}

static void cut_everywhere(struct run *run)
{
	struct random random = random_from(1);

	power_init(&run->power, &run->history, 1, run->prep.bytes, run->prep.len);
	while (run->power.at < run->history.n) {
		power_step(&run->power);
		for (int i = 0; i < CUTS_AT_A_POINT; i++) {
			power_cut(&run->power, (enum cut_kind)random_below(&random, N_CUTS),
				  &random);
			check_cut(run);
		}
	}
}

Test(bitmap, misses_no_change_whenever_the_power_is_cut)
{
	struct run run = { .relied_on = 0 };

	start(&run);
	make_history(&run);
	cut_everywhere(&run);
	cr_assert(run.relied_on > 20 && run.refused > 20, "%u, %u", run.relied_on, run.refused);
	power_free(&run.power);
	recorder_free(&run.file);
	history_clear(&run.history);
	prepared_free(&run.prep);
}
