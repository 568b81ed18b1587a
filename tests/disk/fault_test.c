/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks whose files fail: the n-th call of one kind, for n = 1, 2, ... until none is left to fail, some of
 * them where a sanitizer watches.
 * A request that meets it gives an error; what was flushed before is there when the image is opened
 * again, and the image is consistent but for leaks.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "disk/judge.h"
#include "disk/recorder.h"
#include "disk/sanitized.h"
#include "disk/workload.h"
#include "unit/fake/files.h"

enum {
	REQUESTS = 40, MOST_CALLS = 2000,
#ifdef SANITIZED
	DENSITY = 8,			/* behind the n-th call the next one is n / DENSITY later */
#else
	DENSITY = MOST_CALLS,
#endif
};

TestSuite(disk_fault, .init = files_enter, .fini = files_leave, .timeout = 300);

struct faulty {
	struct prepared prep;
	struct recorder files[LAYOUT_FILES];
	struct guest guest;
	char script[64];
	unsigned file;			/* the one that fails */
};

static void expect_none(const struct faulty *f, const char *what, char *complaint)
{
	cr_assert_null(complaint, "%s, file %u, %s: %s: %s", f->prep.layout->name, f->file,
		       f->script, what, complaint);
}

/* faults: of f->file; NULL: none. */
static struct img *open_files(struct faulty *f, const char *faults, unsigned flags,
			      struct img_err *err)
{
	struct img_store *stores[LAYOUT_FILES] = { NULL };

	for (size_t i = 0; i < f->prep.n_files; i++) {
		stores[i] = recorder_store(&f->files[i]);
		if (faults && i == f->file)
			stores[i] = img_store_fault(stores[i], faults, err);
		cr_assert(stores[i], "%s", err->text);
	}
	return layout_open(&f->prep, stores, flags, err);
}

/* False: a failure was met. */
static bool do_request(struct faulty *f, struct workload *load, struct img *im,
		       const struct request *req)
{
	struct img_err err = { 0 };

	guest_begin(&f->guest, req);
	if (!workload_do(load, im, req, &err)) {
		cr_assert(err.code != IMG_OK && err.text[0], "%s: no error is given", f->script);
		guest_failed(&f->guest, req);
		return false;
	}
	guest_end(&f->guest, req);
	if (req->kind == REQUEST_FLUSH || f->prep.layout->cache == IMG_CACHE_WRITETHROUGH)
		guest_flushed(&f->guest);
	return true;
}

/* A workload up to its end, whatever fails in it; false: something did. */
static bool work(struct faulty *f, struct workload *load, struct img *im)
{
	static const struct request flush = { .kind = REQUEST_FLUSH };
	struct img_err err = { 0 };
	bool all = true;

	for (int i = 0; i < REQUESTS; i++) {
		const struct request req = workload_next(load);

		if (req.kind == REQUEST_REOPEN)
			continue;
		if (guest_is_crowded(&f->guest, &req))
			all &= do_request(f, load, im, &flush);
		if (!guest_is_crowded(&f->guest, &req))
			all &= do_request(f, load, im, &req);
	}
	if (!img_finish(im, &err))
		return false;
	guest_flushed(&f->guest);
	return all;
}

/* Opened again without faults, for reading and for writing. */
static void expect_sound(struct faulty *f)
{
	struct img_err err = { 0 };

	for (unsigned flags = 0; flags <= IMG_OPEN_WRITE; flags += IMG_OPEN_WRITE) {
		struct img *im = open_files(f, NULL, flags, &err);

		expect_none(f, "opening again", im ? NULL : strdup(err.text));
		expect_none(f, "counts", judge_counts(im, JUDGE_LEAKS_ALLOWED));
		expect_none(f, "content", judge_content(im, &f->guest, GUEST_AFTER_CUT));
		img_close(im);
	}
}

/* The whole way with one fault; false: it was met. */
static bool attempt(struct faulty *f)
{
	struct img_err err = { 0 };
	struct workload load;
	struct img *im;
	bool met = true;

	workload_init(&load, f->prep.layout->size, f->prep.layout->grain, 7);
	prepared_guest(&f->prep, &f->guest);
	for (unsigned i = 0; i < f->prep.n_files; i++)
		recorder_init(&f->files[i], NULL, i, f->prep.bytes[i], f->prep.len[i]);
	im = open_files(f, f->script, IMG_OPEN_WRITE, &err);
	if (im) {
		met = !work(f, &load, im);
		img_close(im);
	}
	expect_sound(f);
	for (unsigned i = 0; i < f->prep.n_files; i++)
		recorder_free(&f->files[i]);
	guest_free(&f->guest);
	workload_free(&load);
	return !met;
}

/* Two that succeed in a row: there is no call left to fail. */
static void fail_each(struct faulty *f, const char *call, const char *outcome)
{
	int succeeded = 0;

	for (unsigned n = 1; succeeded < 2; n += 1 + n / DENSITY) {
		cr_assert_lt(n, MOST_CALLS, "%s, %s", f->prep.layout->name, call);
		snprintf(f->script, sizeof(f->script), "%s:%u%s", call, n, outcome);
		succeeded = attempt(f) ? succeeded + 1 : 0;
	}
}

/*
 * A short write ends where it likes.  Of a sector that is enciphered half a one is noise; disks do not
 * write such.
 */
static bool tears_sectors(const struct layout *layout, const char *outcome)
{
	return layout->key && !strcmp(outcome, "=short");
}

ParameterizedTestParameters(disk_fault, loses_nothing_that_was_flushed)
{
	return cr_make_param_array(size_t, layout_numbers, n_layouts);
}

ParameterizedTest(size_t *number, disk_fault, loses_nothing_that_was_flushed)
{
	static const char *const faults[][2] = {
		{ "read", "" }, { "write", "" }, { "write", "=short" }, { "write", "=ENOSPC" },
		{ "sync", "" }, { "zero", "" }, { "resize", "=ENOSPC" }, { "preallocate", "" },
		{ "size", "" }, { "extent", "" },
	};
	struct faulty f = { .file = 0 };

	if (!prepare(&layouts[*number], &f.prep))
		cr_skip_test("%s: this needs qemu-img", layouts[*number].name);
	for (; f.file < f.prep.n_files; f.file++)
		for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
			if (!tears_sectors(f.prep.layout, faults[i][1]))
				fail_each(&f, faults[i][0], faults[i][1]);
	prepared_free(&f.prep);
}
