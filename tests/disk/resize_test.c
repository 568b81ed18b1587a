/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk that gets other sizes while a guest writes to it, beside an array in memory: what is kept
 * is as it was, what is new reads as zeros whatever lies below or lay there once, and the image is
 * sound.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/num.h"
#include "disk/judge.h"
#include "disk/recorder.h"
#include "disk/workload.h"
#include "format/vmdk/layout.h"
#include "format/vmdk/sparse_new.h"
#include "unit/fake/files.h"

enum { SEEDS = 2, RESIZES = 10, REQUESTS = 12, MIN_SIZE = 64 * 1024, MOST_CALLS = 3000 };

TestSuite(disk_resize, .init = files_enter, .fini = files_leave, .timeout = 120);

struct resized {
	struct prepared prep;
	uint64_t seed;
	struct recorder files[LAYOUT_FILES];
	struct workload load;
	struct img *im;
	uint8_t *bytes, *seen;		/* what the disk holds; what was read last */
	uint64_t max;
	int step;
	const char *faults;		/* of the image's file, or NULL */
	struct img_err why;		/* the last of them gave */
};

#define ok(call) \
	cr_assert((call), "%s, seed %lu, step %d: %s: %s", r->prep.layout->name, \
		  (unsigned long)r->seed, r->step, #call, err.text)

static bool try_open(struct resized *r, unsigned flags, struct img_err *err)
{
	struct img_store *stores[LAYOUT_FILES] = { NULL };

	for (size_t i = 0; i < r->prep.n_files; i++)
		stores[i] = recorder_store(&r->files[i]);
	if (r->faults)
		stores[0] = img_store_fault(stores[0], r->faults, err);
	return (r->im = layout_open(&r->prep, stores, flags, err));
}

static void open_image(struct resized *r, unsigned flags)
{
	struct img_err err = { 0 };

	ok(try_open(r, flags, &err));
}

static void close_image(struct resized *r)
{
	struct img_err err = { 0 };

	ok(img_finish(r->im, &err));
	img_close(r->im);
}

static void expect_disk(struct resized *r)
{
	struct img_err err = { 0 };

	cr_assert_eq(img_size(r->im), r->load.size);
	ok(img_read(r->im, 0, r->seen, r->load.size, &err));
	if (!memcmp(r->seen, r->bytes, r->load.size))
		return;
	for (uint64_t i = 0; i < r->load.size; i++)
		cr_assert_eq(r->seen[i], r->bytes[i], "%s, seed %lu, step %d, %lu bytes: byte %lu",
			     r->prep.layout->name, (unsigned long)r->seed, r->step,
			     (unsigned long)r->load.size, (unsigned long)i);
}

static void expect_sound(struct resized *r)
{
	char *complaint = judge_counts(r->im, JUDGE_NO_LEAKS);

	cr_assert_null(complaint, "%s, seed %lu, step %d: %s", r->prep.layout->name,
		       (unsigned long)r->seed, r->step, complaint);
}

/* ---- What is done to it -------------------------------------------------------------------------- */

static void do_request(struct resized *r)
{
	struct request req = workload_next(&r->load);
	struct img_err err = { 0 };

	if (req.kind == REQUEST_DISCARD || req.kind == REQUEST_REOPEN)
		req.kind = REQUEST_FLUSH;
	ok(workload_do(&r->load, r->im, &req, &err));
	if (req.kind == REQUEST_WRITE)
		memcpy(r->bytes + req.at, r->load.buf, req.len);
	else if (req.kind != REQUEST_FLUSH)
		memset(r->bytes + req.at, 0, req.len);
}

/* Whether a disk of the format may end inside a sector. */
static bool counts_bytes(const struct layout *layout)
{
	return strcmp(layout->format, "vmdk") && strcmp(layout->format, "qcow2");
}

/* Anything, whole grains, a little more or less. */
static uint64_t pick_size(struct resized *r)
{
	struct random *random = &r->load.random;
	const uint64_t grain = img_max_u64(r->load.grain, SECTOR);
	uint64_t size = MIN_SIZE + random_below(random, r->max - MIN_SIZE);

	if (random_chance(random, 30))
		size = r->load.size + random_below(random, 4 * grain) - 2 * grain;
	if (random_chance(random, 30))
		size -= size % grain;
	if (random_chance(random, 50) || !counts_bytes(r->prep.layout))
		size -= size % SECTOR;
	size = img_min_u64(img_max_u64(size, MIN_SIZE), r->max);
	return size == r->load.size ? r->max - size % SECTOR - SECTOR : size;
}

static void set_size(struct resized *r, uint64_t size)
{
	if (size > r->load.size)
		memset(r->bytes + r->load.size, 0, size - r->load.size);
	r->load.size = size;
	r->load.hot_len = size / 4;
	r->load.hot_at = random_below(&r->load.random, 3 * r->load.hot_len / SECTOR) * SECTOR;
}

static bool resize(struct resized *r, uint64_t size, bool compact, struct img_err *err)
{
	struct img_layer *ly = &r->im->layers[0];
	const struct img_layer_resize how = { .size = size, .compact = compact };

	return img_flush(r->im, err) && ly->format->resize(ly, &how, err);
}

static void do_resize(struct resized *r)
{
	const uint64_t size = pick_size(r);
	struct img_err err = { 0 };

	ok(resize(r, size, random_chance(&r->load.random, 30), &err));
	set_size(r, size);
	expect_disk(r);
}

static void reopen(struct resized *r)
{
	close_image(r);
	open_image(r, 0);
	expect_sound(r);
	expect_disk(r);
	img_close(r->im);
	open_image(r, IMG_OPEN_WRITE);
}

/* ---- The model ----------------------------------------------------------------------------------- */

static void begin(struct resized *r)
{
	r->max = 2 * r->prep.layout->size;
	r->seen = malloc(r->max);
	r->bytes = calloc(1, r->max);
	cr_assert(r->seen && r->bytes);
	memcpy(r->bytes, r->prep.content, r->prep.layout->size);
	workload_init(&r->load, r->prep.layout->size, r->prep.layout->grain, r->seed);
	for (unsigned i = 0; i < r->prep.n_files; i++)
		recorder_init(&r->files[i], NULL, i, r->prep.bytes[i], r->prep.len[i]);
}

static void end(struct resized *r)
{
	for (size_t i = 0; i < r->prep.n_files; i++)
		recorder_free(&r->files[i]);
	workload_free(&r->load);
	free(r->bytes);
	free(r->seen);
}

static void run_model(struct resized *r)
{
	begin(r);
	open_image(r, IMG_OPEN_WRITE);
	for (r->step = 0; r->step < RESIZES; r->step++) {
		for (int i = 0; i < REQUESTS; i++)
			do_request(r);
		do_resize(r);
		if (random_chance(&r->load.random, 40))
			reopen(r);
	}
	reopen(r);
	close_image(r);
	end(r);
}

static void prepare_or_skip(struct resized *r, const struct layout *layout)
{
	if (!img_format_named(layout->format)->resize)
		cr_skip_test("%s: keeps its size", layout->name);
	if (!prepare(layout, &r->prep))
		cr_skip_test("%s: this needs qemu-img", layout->name);
}

static void run_seeds(const struct layout *layout)
{
	struct resized r = { .seed = 0 };

	prepare_or_skip(&r, layout);
	for (; r.seed < SEEDS; r.seed++)
		run_model(&r);
	prepared_free(&r.prep);
}

ParameterizedTestParameters(disk_resize, keeps_what_is_kept)
{
	return cr_make_param_array(size_t, layout_numbers, n_layouts);
}

ParameterizedTest(size_t *number, disk_resize, keeps_what_is_kept)
{
	run_seeds(&layouts[*number]);
}

Test(disk_resize, hides_what_a_vdi_stands_on)
{
	static const struct layout child = {
		.name = "VDI, backing", .format = "vdi", .options = "block_size=4k",
		.size = 1024 * 1024, .grain = 4096, .backing = true,
	};

	run_seeds(&child);
}

/* An empty file of grains with tables as small as can be: they grow into the place of grains. */
static void use_small_tables(struct prepared *prep, bool two)
{
	struct img_err err = { 0 };
	uint8_t raw[VMDK_HDR_LEN];
	struct vmdk_sparse_new sp = {
		.file = img_store_mem(NULL, 0, &err),
		.hdr = {
			.kind = VMDK_KIND_HOSTED, .version = 1, .capacity = prep->layout->size,
			.flags = two ? VMDK_FLAG_REDUNDANT : 0, .grain = prep->layout->grain,
			.gt_entries = 128, .entry_len = 4,
			.n_gd = img_div_up(prep->layout->size, 128 * prep->layout->grain),
		},
	};
	const uint64_t end = vmdk_sparse_new_place(&sp, VMDK_SECTOR);

	sp.hdr.overhead = img_round_up(end, sp.hdr.grain);
	vmdk_header_encode(&sp.hdr, raw);
	cr_assert(img_store_write(sp.file, 0, raw, sizeof(raw), &err) &&
		  vmdk_sparse_new_write(&sp, &err) &&
		  img_store_resize(sp.file, sp.hdr.overhead, &err), "%s", err.text);
	prep->len[0] = sp.hdr.overhead;
	prep->bytes[0] = realloc(prep->bytes[0], prep->len[0]);
	cr_assert(img_store_read(sp.file, 0, prep->bytes[0], prep->len[0], &err), "%s", err.text);
	img_store_close(sp.file);
}

Test(disk_resize, moves_grains_out_of_the_way_of_tables)
{
	static const struct layout small = {
		.name = "VMDK, small tables", .format = "vmdk", .size = 1024 * 1024, .grain = 512,
	};
	struct resized r = { .seed = 0 };

	prepare_or_skip(&r, &small);
	for (; r.seed < 2 * SEEDS; r.seed++) {
		use_small_tables(&r.prep, r.seed % 2);
		run_model(&r);
	}
	prepared_free(&r.prep);
}

/* ---- Faults -------------------------------------------------------------------------------------- */

/* One resize with a fault; false: it was met, and told. */
static bool attempt(struct resized *r, uint64_t size)
{
	struct img_err err = { 0 };
	bool done;

	begin(r);
	done = try_open(r, IMG_OPEN_WRITE, &err);
	if (done) {
		done = resize(r, size, true, &err) && img_finish(r->im, &err);
		img_close(r->im);
	}
	cr_assert(done || (err.code != IMG_OK && err.text[0]), "%s: no error", r->faults);
	r->faults = NULL;
	r->why = err;
	if (done) {
		set_size(r, size);
		open_image(r, 0);
		expect_sound(r);
		expect_disk(r);
		img_close(r->im);
	}
	end(r);
	return done;
}

static void fail_each(struct resized *r, const char *call, uint64_t size)
{
	bool met = true;

	for (unsigned n = 1; met; n++) {
		char script[32];

		cr_assert_lt(n, MOST_CALLS, "%s, %s: %s", r->prep.layout->name, call, r->why.text);
		snprintf(script, sizeof(script), "%s:%u", call, n);
		r->faults = script;
		met = !attempt(r, size);
	}
}

ParameterizedTestParameters(disk_resize, tells_of_each_failure)
{
	return cr_make_param_array(size_t, layout_numbers, n_layouts);
}

/* Or it did not matter, and the image is sound. */
ParameterizedTest(size_t *number, disk_resize, tells_of_each_failure)
{
	static const char *const calls[] = {
		"read", "write", "zero", "resize", "size", "extent", "sync", "preallocate",
	};
	struct resized r = { .seed = 0 };

	prepare_or_skip(&r, &layouts[*number]);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		fail_each(&r, calls[i], img_round_down(r.prep.layout->size / 2, SECTOR));
		fail_each(&r, calls[i], img_round_down(r.prep.layout->size * 3 / 2, SECTOR));
	}
	prepared_free(&r.prep);
}
