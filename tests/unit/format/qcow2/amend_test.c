/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Amending while every write and every sync fails in turn: what is left is whole, old or new. */
#include <stdio.h>
#include <stdlib.h>
#include "sample.h"
#include "unit/format/qcow2/writer.h"

#define ZEROS " && qemu-io -c 'write -P 1 0 2M' -c 'write -z 512k 100k' -c 'write -zu 1M 64k'" \
	" -c 'write -z 2500k 64k' image.qcow2"
#define SNAPSHOT " && qemu-img snapshot -c one image.qcow2 && qemu-io -c 'write 50k 5k' image.qcow2"

/* How an image is made, and what is changed of it. */
static const struct {
	const char *recipe, *options;
} cases[] = {
	{ "qemu-img create -f qcow2 -o cluster_size=4k image.qcow2 3M" ZEROS SNAPSHOT,
	  "compat=0.10" },
	{ "qemu-img create -f qcow2 -b below.raw -F raw -o refcount_bits=8 image.qcow2 3M" ZEROS,
	  "compat=0.10" },
	{ "qemu-img create -f qcow2 -o compat=0.10 image.qcow2 3M && qemu-io -c 'write 0 1M'"
	  " image.qcow2" SNAPSHOT, "compat=1.1,refcount_bits=8,lazy_refcounts=on" },
	{ "rm -f data.raw && qemu-img create -f qcow2 -o data_file=data.raw image.qcow2 3M" ZEROS
	  " && qemu-io -f raw -c 'write -P 9 600k 4k' -c 'write -P 9 2900k 4k' data.raw",
	  "data_file_raw=on" },
	{ "cp below.raw twin.raw && qemu-img create -f qcow2 -b below.raw -F raw image.qcow2 3M" ZEROS,
	  "backing_file=twin.raw,backing_fmt=" },
	{ "qemu-img create -f qcow2 image.qcow2 3M" ZEROS SNAPSHOT, "refcount_bits=64" },
};
enum { N_CASES = sizeof(cases) / sizeof(*cases) };

static void run(const char *commands)
{
	char command[1000];

	snprintf(command, sizeof(command), "(%s) >run.log 2>&1", commands);
	cr_assert_eq(system(command), 0, "%s", command);
}

static bool open_data(const struct img_opener *self, const struct img_reference *ref,
		      struct img_store **out, struct img_err *err)
{
	(void)self;
	*out = img_store_file(ref->name, IMG_OPEN_WRITE | IMG_OPEN_NO_LOCK, IMG_CACHE_WRITEBACK,
			      err);
	return *out;
}

static const struct img_opener opener = { .open = open_data };

/* Amends image.qcow2, whose calls fail as script says; NULL: they do not. */
static bool amend(const char *options, const char *script, struct img_err *err)
{
	const struct img_layer_open how = {
		.flags = IMG_OPEN_WRITE, .opener = &opener, .cache_size = 1 << 20,
	};
	struct img_settings *set = img_settings_parse(qcow2_amend_options, options, err);
	struct img_layer ly = { .format = &img_format_qcow2 };
	bool ok;

	cr_assert(set, "%s", err->text);
	ly.store = img_store_file("image.qcow2", IMG_OPEN_WRITE | IMG_OPEN_NO_LOCK,
				  IMG_CACHE_WRITEBACK, err);
	cr_assert(ly.store, "%s", err->text);
	if (script)
		ly.store = img_store_fault(ly.store, script, err);
	ok = img_format_qcow2.open(&ly, &how, err) && qcow2_amend(&ly, set, NULL, err);
	if (ly.priv)
		img_format_qcow2.close(&ly);
	free(ly.backing);
	free(ly.backing_format);
	img_store_close(ly.store);
	img_settings_free(set);
	return ok;
}

/* Leaks are what an interrupted change may leave; what it ends with is clean. */
static void expect_whole(const char *what, bool clean)
{
	char command[300];

	snprintf(command, sizeof(command), "qemu-img check image.qcow2 >check.log 2>&1; s=$?;"
		 "[ $s = 0 ] || [ $s = %d ] && qemu-img compare -q image.qcow2 whole.raw",
		 clean ? 0 : 3);
	cr_assert_eq(system(command), 0, "%s", what);
}

static void fail_each(const char *options, const char *call)
{
	bool done = false;

	for (unsigned n = 1; !done && n < 200; n++) {
		struct img_err err = { 0 };
		char script[32], what[200];

		snprintf(script, sizeof(script), "%s:%u", call, n);
		snprintf(what, sizeof(what), "%s, %s", options, script);
		run("rm -f image.qcow2; cp template.qcow2 image.qcow2;"
		    "[ ! -e data.orig ] || cp data.orig data.raw");
		done = amend(options, script, &err);
		expect_whole(what, done);
		if (done)
			continue;
		cr_assert(strstr(err.text, "image.qcow2"), "%s: %s", what, err.text);
		cr_assert(amend(options, NULL, &err), "%s: %s", what, err.text);
		expect_whole(what, false);
	}
	cr_assert(done);
}

static void try_case(size_t i)
{
	struct trial *t = trial_new("");

	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	run(cases[i].recipe);
	run("qemu-img convert -O raw image.qcow2 whole.raw; mv image.qcow2 template.qcow2;"
	    "[ ! -e data.raw ] || cp data.raw data.orig");
	fail_each(cases[i].options, "write");
	fail_each(cases[i].options, "sync");
	trial_free(t);
}

/* After it the image is closed and nothing else; who has no right to write may not begin. */
Test(amend, is_the_end)
{
	const struct img_open read = { .path = "image.qcow2" };
	const struct img_open write = { .path = "image.qcow2", .flags = IMG_OPEN_WRITE };
	struct trial *t = trial_new("");
	struct img_err err = { 0 };
	struct img *im;

	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	run("qemu-img create -f qcow2 image.qcow2 3M");
	im = img_open(&read, &err);
	cr_assert(im, "%s", err.text);
	cr_assert_not(img_amend(im, "compat=0.10", NULL, &err));
	cr_assert_eq(err.code, IMG_E_DENIED);
	img_close(im);

	im = img_open(&write, &err);
	cr_assert(im, "%s", err.text);
	cr_assert(img_write(im, 5, "before", 6, &err), "%s", err.text);
	cr_assert(img_amend(im, "compat=0.10", NULL, &err), "%s", err.text);
	cr_assert_not(img_write(im, 0, "x", 1, &err));
	cr_assert_eq(err.code, IMG_E_DENIED);
	cr_assert_not(img_amend(im, "compat=1.1", NULL, &err));
	cr_assert(img_finish(im, &err), "%s", err.text);
	img_close(im);
	run("qemu-img check image.qcow2 && qemu-io -rc 'read -P 0x62 5 1' image.qcow2 >out &&"
	    "! grep -q fail out");
	trial_free(t);
}

struct asked {
	unsigned times, stop_at;
};

static bool asked(void *ctx)
{
	struct asked *a = ctx;

	return ++a->times == a->stop_at;
}

/* Whenever it is asked to stop, it does, and the image is the old one. */
Test(amend, can_be_cancelled)
{
	const struct img_open write = { .path = "image.qcow2", .flags = IMG_OPEN_WRITE };
	struct trial *t = trial_new("");
	unsigned stopped = 0;
	bool done = false;

	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	run("qemu-img create -f qcow2 image.qcow2 3M" ZEROS);
	while (!done) {
		struct asked a = { .stop_at = stopped + 1 };
		const struct img_job job = { .cancelled = asked, .ctx = &a };
		struct img_err err = { 0 };
		struct img *im = img_open(&write, &err);

		cr_assert(im, "%s", err.text);
		done = img_amend(im, "refcount_bits=64", &job, &err);
		cr_assert(done || err.code == IMG_E_CANCELLED, "%s", err.text);
		img_close(im);
		run(done ? "qemu-img info image.qcow2 | grep -q 'refcount bits: 64'"
			 : "qemu-img info image.qcow2 | grep -q 'refcount bits: 16'");
		run("qemu-img check image.qcow2");
		stopped += !done;
	}
	cr_assert_geq(stopped, 2);
	trial_free(t);
}

Test(amend, each_call_fails_0) { try_case(0); }
Test(amend, each_call_fails_1) { try_case(1); }
Test(amend, each_call_fails_2) { try_case(2); }
Test(amend, each_call_fails_3) { try_case(3); }
Test(amend, each_call_fails_4) { try_case(4); }
Test(amend, each_call_fails_5) { try_case(5); }
