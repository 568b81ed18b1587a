/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The power is cut at every point of a repair.  What is left is repaired again, which must end as the
 * repair that was not cut off; then both undo files, the later one first, give back every byte.
 * The images are the samples of all that a check can find, and the same with some more damage.
 */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "disk/power.h"
#include "fuzz/readable.h"
#include "format/format.h"
#include "store/undo.h"
#include "unit/fake/files.h"

enum {
	IMAGE, UNDO, N_FILES,
	MUTANTS	= 4,			/* of each sample */
	CUTS	= 2,			/* at each point of the history */
};

TestSuite(repair, .init = files_enter, .fini = files_leave, .timeout = 600);

struct image {
	uint8_t *bytes;
	uint64_t len;
};

/* What an image is once it was repaired. */
struct outcome {
	struct readable disk;
	uint64_t errors, leaks;
};

struct run {
	const char *name;
	const struct img_format *format;
	unsigned mutant;
	struct image before;
	struct history history;
	struct power power;
	struct outcome whole;		/* of the repair that is not cut off */
	unsigned cuts;
};

#define expect(run, what, ...) cr_assert(what, "%s, mutant %u, before operation %zu of %zu: %s", \
	(run)->name, (run)->mutant, (run)->power.at, (run)->history.n, "" __VA_ARGS__)

/* ---- One repair ---------------------------------------------------------------------------------- */

static const struct img_checking how = { .threads = 1, .memory = 16 << 20 };

/* As img_repair_run() does it once it is sure: what was there goes to the undo file. */
static bool repair(const struct run *run, struct recorder *image, struct recorder *undo)
{
	struct img_err err = { 0 };
	struct img_layer ly = { .format = run->format };
	bool ok;

	ly.store = img_store_undo_to(recorder_store(image), recorder_store(undo), &err);
	cr_assert_not_null(ly.store, "%s", err.text);
	ok = ly.format->check->repair(&ly, &how, IMG_REPAIR_ALL, &err) &&
	     img_store_sync(ly.store, &err);
	img_store_close(ly.store);
	return ok;
}

static struct outcome outcome_of(const struct run *run, struct recorder *image)
{
	struct img_err err = { 0 };
	struct img_layer ly = { .format = run->format, .store = recorder_store(image) };
	struct img_findings found = { .most = 1 };
	struct img_check_result numbers;
	struct outcome out;

	cr_assert(ly.format->check->check(&ly, &how, &found, &numbers, &err), "%s", err.text);
	out.errors = img_findings_total(&found, IMG_CORRUPT) + img_findings_total(&found, IMG_FATAL);
	out.leaks = img_findings_total(&found, IMG_LEAK);
	readable_take(&out.disk, ly.store, run->format);
	img_findings_clear(&found);
	img_store_close(ly.store);
	return out;
}

static bool has_same_disk(const struct outcome *a, const struct outcome *b)
{
	return a->disk.n == b->disk.n &&
	       readable_differs(&a->disk, &b->disk, 0) == a->disk.n &&
	       readable_differs(&b->disk, &a->disk, 0) == b->disk.n;
}

/* ---- After a cut --------------------------------------------------------------------------------- */

static void take(struct recorder *rec, struct power *power, unsigned file)
{
	uint64_t len;
	uint8_t *bytes = power_bytes(power, file, &len);

	recorder_init(rec, NULL, file, bytes, len);
	free(bytes);
}

static bool holds(const struct recorder *rec, const struct image *image)
{
	return rec->len == image->len && !memcmp(rec->bytes, image->bytes, image->len);
}

/* An undo file that never became one protects an image that never changed. */
static void undo(struct run *run, struct recorder *image, struct recorder *undo,
		 const struct image *back_to)
{
	struct img_store *file = recorder_store(undo), *target = recorder_store(image);
	struct img_err err = { 0 };
	const bool ok = img_undo_restore(file, target, &err);

	expect(run, ok || err.code == IMG_E_INCOMPLETE || err.code == IMG_E_NOT_THIS_FORMAT,
	       "undoing fails");
	expect(run, holds(image, back_to), "undoing does not give back what was there");
	img_store_close(file);
	img_store_close(target);
}

static void check_cut(struct run *run)
{
	struct recorder image, first, second;
	struct outcome out;
	struct image cut;

	take(&image, &run->power, IMAGE);
	take(&first, &run->power, UNDO);
	recorder_init(&second, NULL, UNDO, NULL, 0);
	cut.bytes = power_bytes(&run->power, IMAGE, &cut.len);
	expect(run, repair(run, &image, &second), "what was cut off is not repaired");
	out = outcome_of(run, &image);
	expect(run, out.errors == run->whole.errors, "other errors are left");
	expect(run, out.errors || out.leaks == run->whole.leaks, "other leaks are left");
	expect(run, has_same_disk(&out, &run->whole), "the disk is another one");
	undo(run, &image, &second, &cut);
	undo(run, &image, &first, &run->before);
	readable_free(&out.disk);
	free(cut.bytes);
	recorder_free(&image);
	recorder_free(&first);
	recorder_free(&second);
}

/* Not what only the files that it names could tell, nor what nobody knows. */
static bool can_be_checked(const struct run *run)
{
	struct img_layer ly = { .format = run->format };
	struct img_findings found = { .most = 1 };
	struct img_check_result numbers;

	ly.store = img_store_mem(run->before.bytes, run->before.len, NULL);
	cr_assert_not_null(ly.store);
	const bool ok = ly.format->check->check(&ly, &how, &found, &numbers, NULL);
	img_findings_clear(&found);
	img_store_close(ly.store);
	return ok;
}

/* ---- All points of one repair -------------------------------------------------------------------- */

/* Returns false where a repair fails. */
static bool make_history(struct run *run)
{
	struct recorder image, undo;
	bool ok;

	recorder_init(&image, &run->history, IMAGE, run->before.bytes, run->before.len);
	recorder_init(&undo, &run->history, UNDO, NULL, 0);
	ok = repair(run, &image, &undo);
	if (ok)
		run->whole = outcome_of(run, &image);
	recorder_free(&image);
	recorder_free(&undo);
	return ok;
}

static void cut_everywhere(struct run *run)
{
	struct random random = random_from(run->mutant);
	uint8_t *starts[N_FILES] = { run->before.bytes, NULL };
	const uint64_t lens[N_FILES] = { run->before.len, 0 };

	if (can_be_checked(run) && make_history(run)) {
		power_init(&run->power, &run->history, N_FILES, starts, lens);
		while (run->power.at < run->history.n) {
			power_step(&run->power);
			for (int i = 0; i < CUTS; i++, run->cuts++) {
				power_cut(&run->power, (enum cut_kind)random_below(&random, N_CUTS),
					  &random);
				check_cut(run);
			}
		}
		power_free(&run->power);
		readable_free(&run->whole.disk);
	}
	history_clear(&run->history);
}

/* ---- The images ---------------------------------------------------------------------------------- */

static uint8_t *read_sample(const char *path, size_t *len)
{
	const size_t end = strlen(path);
	char *command = img_format_text(NULL, "xz -dc '%s' >unpacked", path);
	const bool packed = end > 3 && !strcmp(path + end - 3, ".xz");
	uint8_t *bytes;

	cr_assert(!packed || !system(command), "%s", command);
	bytes = files_read(packed ? "unpacked" : path, len);
	cr_assert_not_null(bytes, "%s", path);
	free(command);
	return bytes;
}

/* Which bytes of an image are changed, of those that are not zero. */
struct kind {
	const struct img_format *format;
	const char *samples;
	uint64_t from, to;
	size_t tail;			/* zeros behind it, for a repair to cut off */
};

static const struct kind kinds[] = {
	/* Of the header only the places of its tables. */
	{ &img_format_qcow2, "*.qcow2*", 40, UINT64_MAX, 0 },
	/* The number of blocks, UUIDs and the map; of the data nobody would know. */
	{ &img_format_vdi, "*.vdi*", 388, 1024, 0 },
	{ &img_format_vmdk, "*.vmdk*", 40, UINT64_MAX, 0 },
	{ &img_format_qcow, "*.qcow", 40, UINT64_MAX, 2048 },
	/* Size, sector and bitmap of QEMU's layout. */
	{ &img_format_cow, "*.cow", 1036, 1536, 0 },
	{ &img_format_cloop, "*.cloop", 128, UINT64_MAX, 0 },
};

static void change(const struct kind *kind, struct image *image, unsigned mutant)
{
	const uint64_t to = img_min_u64(kind->to, image->len);
	struct random random = random_from(mutant);

	for (unsigned n = mutant; n > 0; n--) {
		uint64_t at;

		do
			at = kind->from + random_below(&random, to - kind->from);
		while (!image->bytes[at]);
		image->bytes[at] ^= (uint8_t)(1 << random_below(&random, 8));
	}
}

static void put_tail(const struct kind *kind, struct image *image)
{
	uint8_t *grown = realloc(image->bytes, image->len + kind->tail);

	cr_assert(grown);
	memset(grown + image->len, 0, kind->tail);
	image->bytes = grown;
	image->len += kind->tail;
}

static unsigned cut_sample(const struct kind *kind, const char *path)
{
	unsigned cuts = 0;

	for (unsigned mutant = 0; mutant <= MUTANTS; mutant++) {
		struct run run = { .name = path, .format = kind->format, .mutant = mutant };
		size_t len;

		run.before.bytes = read_sample(path, &len);
		run.before.len = len;
		put_tail(kind, &run.before);
		change(kind, &run.before, mutant);
		cut_everywhere(&run);
		cuts += run.cuts;
		free(run.before.bytes);
	}
	return cuts;
}

static void cut_samples(const struct kind *kind, unsigned least)
{
	const char *srcdir = getenv("srcdir");
	char *pattern = img_format_text(NULL, "%s/testdata/check/%s", srcdir ? srcdir : ".",
					kind->samples);
	unsigned cuts = 0;
	glob_t found;

	cr_assert_eq(glob(pattern, 0, NULL, &found), 0, "%s", pattern);
	for (size_t i = 0; i < found.gl_pathc; i++)
		cuts += cut_sample(kind, found.gl_pathv[i]);
	cr_assert_gt(cuts, least, "%s: cut at %u points only", kind->samples, cuts);
	globfree(&found);
	free(pattern);
}

Test(repair, of_qcow2_can_be_cut_off_anywhere)
{
	cut_samples(&kinds[0], 1000);
}

Test(repair, of_vdi_can_be_cut_off_anywhere)
{
	cut_samples(&kinds[1], 100);
}

Test(repair, of_vmdk_can_be_cut_off_anywhere)
{
	cut_samples(&kinds[2], 100);
}

Test(repair, of_qcow_can_be_cut_off_anywhere)
{
	cut_samples(&kinds[3], 10);
}

Test(repair, of_cow_can_be_cut_off_anywhere)
{
	cut_samples(&kinds[4], 10);
}

Test(repair, of_cloop_can_be_cut_off_anywhere)
{
	cut_samples(&kinds[5], 10);
}
