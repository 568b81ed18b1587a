/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reference counts made anew: every width from every other, after a crash, with every write and
 * sync failing in turn, and refused where the references are not certain.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/num.h"
#include "sample.h"
#include "unit/format/qcow2/writer.h"

#define IO " && qemu-io -c 'write -P 1 0 300k' -c 'write -P 2 1M 200k' image.qcow2"
#define SNAPSHOT " && qemu-img snapshot -c one image.qcow2 && qemu-io -c 'write 50k 5k' image.qcow2"
#define CRASH "; qemu-io -c 'write -P 3 100k 300k' -c 'write 1500k 9k' -c abort image.qcow2; true"

static void run(const char *commands)
{
	char command[1000];

	snprintf(command, sizeof(command), "(%s) >run.log 2>&1", commands);
	cr_assert_eq(system(command), 0, "%s", command);
}

/* image.qcow2 and what it holds, in whole.raw. */
static void make(const char *recipe)
{
	run("rm -f image.qcow2");
	run(recipe);
	run("qemu-img convert -U -O raw image.qcow2 whole.raw");
}

static void expect_whole(const char *what)
{
	char command[300];

	snprintf(command, sizeof(command), "qemu-img check image.qcow2 >check.log 2>&1 &&"
		 "qemu-img compare -q image.qcow2 whole.raw || { cat check.log; exit 1; }");
	cr_assert_eq(system(command), 0, "%s", what);
}

/* Opens image.qcow2, whose calls fail as script says (NULL: they do not). */
static struct qcow2 *open_image(const char *script)
{
	struct qcow2 *q = calloc(1, sizeof(*q));
	struct img_err err = { 0 };
	static uint8_t head[64 << 10];
	size_t got;

	q->map.file = img_store_file("image.qcow2", IMG_OPEN_WRITE | IMG_OPEN_NO_LOCK,
				     IMG_CACHE_WRITEBACK, &err);
	cr_assert(q->map.file, "%s", err.text);
	cr_assert(img_store_read_some(q->map.file, 0, head, sizeof(head), &got, &err));
	cr_assert(qcow2_header_decode(head, got, &q->header, &err), "%s", err.text);
	qcow2_geometry_init(&q->geo, &q->header);
	if (script)
		q->map.file = img_store_fault(q->map.file, script, &err);
	return q;
}

static void close_image(struct qcow2 *q)
{
	qcow2_header_clear(&q->header);
	img_store_close(q->map.file);
	free(q);
}

static bool rebuild(unsigned order, const char *script, struct img_err *err)
{
	struct qcow2 *q = open_image(script);
	const bool ok = qcow2_rebuild_refcounts(q, order, err);

	if (ok)
		cr_assert_eq(q->header.refcount_order, order);
	cr_assert_not(ok && (q->header.incompatible & QCOW2_INCOMPATIBLE_DIRTY));
	close_image(q);
	return ok;
}

/* ---- Widths -------------------------------------------------------------------------------------- */

Test(rebuild, every_width_from_every_other)
{
	/* From 0: all ordered pairs of widths that are next to each other or far apart. */
	struct trial *t = trial_new("");
	struct img_err err = { 0 };

	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	make("qemu-img create -f qcow2 -o cluster_size=1k,refcount_bits=1 image.qcow2 3M" IO);
	for (unsigned step = 1; step < 7; step++)
		for (unsigned i = 0, order = 0; i < 7; i++) {
			order = (order + step) % 7;
			cr_assert(rebuild(order, NULL, &err), "%u: %s", order, err.text);
			expect_whole("a width");
		}
	cr_assert(rebuild(0, NULL, &err), "the same again: %s", err.text);
	expect_whole("the same width");
	trial_free(t);
}

Test(rebuild, other_layouts)
{
	static const char *const recipes[] = {
		"qemu-img create -f qcow2 -o cluster_size=512 image.qcow2 3M" IO SNAPSHOT,
		"qemu-img create -f qcow2 -o cluster_size=2M image.qcow2 3G" IO SNAPSHOT,
		"qemu-img create -f qcow2 -o extended_l2=on image.qcow2 3M" IO SNAPSHOT,
		"qemu-img create -f qcow2 -o data_file=data.raw image.qcow2 3M" IO,
		"qemu-img create -f qcow2 -o preallocation=metadata image.qcow2 3M" IO,
		"seq 1 90000 >text && qemu-img convert -c -f raw -O qcow2 -o cluster_size=4k text"
		" image.qcow2" SNAPSHOT,
		"qemu-img create -f qcow2 -o cluster_size=4k image.qcow2 3M"
		" && qemu-img bitmap --add -g 4k image.qcow2 b" IO,
	};
	struct trial *t = trial_new("");
	struct img_err err = { 0 };

	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	for (size_t i = 0; i < sizeof(recipes) / sizeof(*recipes); i++) {
		make(recipes[i]);
		cr_assert(rebuild(6, NULL, &err), "%s: %s", recipes[i], err.text);
		expect_whole(recipes[i]);
		cr_assert(rebuild(3, NULL, &err), "%s: %s", recipes[i], err.text);
		expect_whole(recipes[i]);
		run("qemu-io -c 'write -P 7 0 400k' image.qcow2 && qemu-img check image.qcow2");
	}
	trial_free(t);
}

/* ---- Crashes ------------------------------------------------------------------------------------- */

Test(rebuild, dirty_image)
{
	static const char *const options[] = { "cluster_size=512", "cluster_size=64k",
					       "extended_l2=on,refcount_bits=64" };
	struct trial *t = trial_new("");
	struct img_err err = { 0 };
	char recipe[400];

	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	for (size_t i = 0; i < 3; i++) {
		snprintf(recipe, sizeof(recipe), "qemu-img create -f qcow2 -o lazy_refcounts=on,%s"
			 " image.qcow2 3M" IO SNAPSHOT CRASH, options[i]);
		make(recipe);
		struct qcow2 *q = open_image(NULL);
		cr_assert(q->header.incompatible & QCOW2_INCOMPATIBLE_DIRTY, "%zu", i);
		cr_assert(qcow2_rebuild_refcounts(q, q->header.refcount_order, &err), "%s", err.text);
		cr_assert_eq(q->header.incompatible & QCOW2_INCOMPATIBLE_DIRTY, 0);
		close_image(q);
		expect_whole(options[i]);
	}
	trial_free(t);
}

/* Who opens it for writing meets an image that is whole; who reads it changes nothing. */
Test(rebuild, dirty_image_is_opened)
{
	const struct img_open read = { .path = "image.qcow2" };
	const struct img_open write = { .path = "image.qcow2", .flags = IMG_OPEN_WRITE };
	struct trial *t = trial_new("");
	struct img_err err = { 0 };
	struct img *im;

	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	make("qemu-img create -f qcow2 -o lazy_refcounts=on,cluster_size=4k image.qcow2 3M" IO
	     SNAPSHOT CRASH);
	run("cp image.qcow2 before.qcow2");
	im = img_open(&read, &err);
	cr_assert(im, "%s", err.text);
	img_close(im);
	run("cmp image.qcow2 before.qcow2");
	im = img_open(&write, &err);
	cr_assert(im, "%s", err.text);
	cr_assert(img_write(im, 0, t->below, 300 << 10, &err), "%s", err.text);
	cr_assert(img_finish(im, &err), "%s", err.text);
	img_close(im);
	run("qemu-img check image.qcow2 && qemu-io -c 'write -P 0xbb 0 300k' whole.raw");
	expect_whole("written after recovery");
	trial_free(t);
}

/* Two COPIED flags that contradict the counts: one too many, one missing. */
static void spoil_flags(void)
{
	struct qcow2 *q = open_image(NULL);
	struct img_err err = { 0 };
	uint8_t raw[8];
	uint64_t table;

	cr_assert(img_store_read(q->map.file, q->header.l1_off, raw, 8, &err));
	table = img_get_be64(raw) & QCOW2_ENTRY_HOST;
	for (unsigned i = 0; i < 20; i += 13) {
		cr_assert(img_store_read(q->map.file, table + i * 8, raw, 8, &err));
		img_put_be64(raw, img_get_be64(raw) ^ QCOW2_ENTRY_COPIED);
		cr_assert(img_store_write(q->map.file, table + i * 8, raw, 8, &err));
	}
	close_image(q);
}

/* Whatever fails, the image is what it was, or is whole; and the next attempt succeeds. */
static void fail_each(const char *recipe, bool spoil, const char *call)
{
	struct img_err err = { 0 };
	bool done = false;
	unsigned n;

	for (n = 1; !done && n < 100; n++) {
		char script[32];

		snprintf(script, sizeof(script), "%s:%u", call, n);
		make(recipe);
		if (spoil)
			spoil_flags();
		done = rebuild(5, script, &err);
		if (!spoil)
			expect_whole(script);
		cr_assert(rebuild(2, NULL, &err), "%s: %s", script, err.text);
		expect_whole(script);
	}
	cr_assert(done);
	cr_assert_geq(n, 4, "%u calls of %s", n - 2, call);
}

Test(rebuild, each_call_fails)
{
	static const char recipe[] =
		"qemu-img create -f qcow2 -o cluster_size=4k image.qcow2 3M" IO SNAPSHOT;
	struct trial *t = trial_new("");

	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	fail_each(recipe, false, "write");
	fail_each(recipe, false, "sync");
	fail_each(recipe, true, "write");
	fail_each(recipe, true, "sync");
	trial_free(t);
}

/* While flags are wrong the dirty bit stays, so that the next one to open it begins again. */
Test(rebuild, dirty_until_flags_are_right)
{
	struct trial *t = trial_new("");
	struct img_err err = { 0 };
	unsigned dirty = 0;
	bool done = false;

	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	for (unsigned n = 1; !done && n < 100; n++) {
		char script[32];

		snprintf(script, sizeof(script), "write:%u", n);
		make("qemu-img create -f qcow2 -o cluster_size=4k,lazy_refcounts=on image.qcow2 3M"
		     IO SNAPSHOT CRASH);
		spoil_flags();
		done = rebuild(4, script, &err);
		struct qcow2 *q = open_image(NULL);
		if (q->header.incompatible & QCOW2_INCOMPATIBLE_DIRTY)
			dirty++;
		else
			expect_whole(script);
		close_image(q);
	}
	cr_assert_geq(dirty, 4);
	trial_free(t);
}

/* ---- Refusals ------------------------------------------------------------------------------------ */

Test(rebuild, refuses_counts_that_do_not_fit)
{
	struct trial *t = trial_new("");
	struct img_err err = { 0 };

	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	make("qemu-img create -f qcow2 image.qcow2 3M" IO SNAPSHOT
	     " && qemu-img snapshot -c two image.qcow2 && qemu-img snapshot -c three image.qcow2");
	run("cp image.qcow2 before.qcow2");
	for (unsigned order = 0; order < 2; order++) {
		cr_assert_not(rebuild(order, NULL, &err));
		cr_assert_eq(err.code, IMG_E_RANGE);
		cr_assert(strstr(err.text, "in use 4 times"), "%s", err.text);
	}
	run("cmp image.qcow2 before.qcow2");
	cr_assert(rebuild(2, NULL, &err), "%s", err.text);
	expect_whole("4 bits");
	trial_free(t);
}

Test(rebuild, refuses_damage)
{
	enum { C = 512 };
	static const uint64_t entries[] = { 2048 * C, 10 * C + 2, C };

	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
		struct img_err err = { 0 };
		struct qcow2 q = { 0 };
		struct sample s;

		sample_start(&s, sample_header(9, 64 << 10));
		sample_put_l1(&s, 0, 8 * C);
		sample_put_l2(&s, 8 * C, 5, entries[i]);
		q.header = s.hdr;
		qcow2_geometry_init(&q.geo, &q.header);
		q.map.file = img_store_mem(s.bytes, SAMPLE_BYTES, &err);
		cr_assert_not(qcow2_rebuild_refcounts(&q, 4, &err));
		cr_assert_eq(err.code, IMG_E_CORRUPT);
		cr_assert(strstr(err.text, i == 2 ? "0x200" : "0x1028"), "%s", err.text);
		img_store_close(q.map.file);
		free(s.bytes);
	}
}

/*
 * A device does not grow: the new structures go behind all that is in use, the old ones included.
 */
Test(rebuild, device)
{
	enum { C = 512, L2 = 8 * C };
	struct img_err err = { 0 };
	struct qcow2 q = { 0 };
	uint8_t raw[8];
	struct sample s;

	sample_start(&s, sample_header(9, 64 << 10));
	sample_put_l1(&s, 0, L2);
	sample_put_l2(&s, L2, 5, 20 * C);
	img_put_be64(s.bytes + s.hdr.reftable_off, 30 * C);
	q.header = s.hdr;
	qcow2_geometry_init(&q.geo, &q.header);
	q.map.file = img_store_mem(s.bytes, SAMPLE_BYTES, &err);
	q.map.file->caps &= ~(unsigned)IMG_STORE_RESIZE;
	cr_assert(qcow2_rebuild_refcounts(&q, 4, &err), "%s", err.text);
	cr_assert_eq(q.header.reftable_off, 31 * C);
	cr_assert(img_store_read(q.map.file, 31 * C, raw, 8, &err));
	cr_assert_eq(img_get_be64(raw), 32 * C);
	img_store_close(q.map.file);
	free(s.bytes);
}
