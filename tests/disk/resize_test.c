/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks that get other sizes, in whatever order and with writes in between, beside an array in memory
 * that is as long.  What is new reads as zeros, what was left is as it was, no cluster leaks, and
 * nothing that fails is taken for done.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/num.h"
#include "base/zero.h"
#include "disk/judge.h"
#include "disk/random.h"
#include "disk/recorder.h"
#include "disk/sanitized.h"
#include "format/compact.h"
#include "format/vmdk/layout.h"
#include "format/vmdk/sparse_new.h"
#include "unit/fake/files.h"

enum {
	SEEDS		= 2,
	STEPS		= 80,
	TIMES_LARGER	= 3,
	FAULTY_STEPS	= 24,
#ifdef SANITIZED
	FAULTS		= 8,
	DENSITY		= 1,		/* behind the n-th call the next one is n / DENSITY later */
#else
	FAULTS		= 24,
	DENSITY		= 4,
#endif
};

TestSuite(disk_resize, .init = files_enter, .fini = files_leave, .timeout = 300);

struct model {
	struct prepared prep;
	uint64_t seed;
	struct random random;
	struct recorder files[LAYOUT_FILES];
	const char *faults;		/* of file 0, or NULL */
	struct img *im;
	uint64_t size, most;		/* bytes that the disk has, and may have */
	uint8_t *bytes, *buf;		/* `most` bytes each */
	int step;
};

#define ok(call)                                                                              \
	cr_assert((call), "%s, seed %lu, step %d: %s: %s", m->prep.layout->name,              \
		  (unsigned long)m->seed, m->step, #call, err.text)

static bool open_image(struct model *m, unsigned flags, struct img_err *err)
{
	struct img_store *stores[LAYOUT_FILES] = { NULL };

	for (size_t i = 0; i < m->prep.n_files; i++)
		stores[i] = recorder_store(&m->files[i]);
	if (m->faults)
		stores[0] = img_store_fault(stores[0], m->faults, err);
	m->im = layout_open(&m->prep, stores, flags, err);
	return m->im;
}

/* Any sectors: most of the time some at the end, where it was cut or grew. */
static void pick(struct model *m, uint64_t *at, size_t *len)
{
	const uint64_t sectors = m->size / SECTOR;
	const uint64_t last = img_min_u64(sectors, 4 * m->prep.layout->grain / SECTOR);
	uint64_t first = random_below(&m->random, sectors);

	if (random_chance(&m->random, 50))
		first = sectors - 1 - random_below(&m->random, last);
	*at = first * SECTOR;
	*len = img_min_u64(m->size - *at, (1 + random_below(&m->random, 200)) * SECTOR);
}

static bool do_write(struct model *m, struct img_err *err)
{
	uint64_t at;
	size_t len;

	pick(m, &at, &len);
	if (random_chance(&m->random, 25)) {
		memset(m->bytes + at, 0, len);
		return img_write_zeros(m->im, at, len, random_chance(&m->random, 50), err);
	}
	guest_fill(m->bytes + at, at, len, (uint32_t)m->step + 1);
	return img_write(m->im, at, m->bytes + at, len, err);
}

/* A little larger or smaller, or anything. */
static uint64_t pick_size(struct model *m)
{
	const uint64_t grain = 3 * m->prep.layout->grain;
	uint64_t size = random_below(&m->random, m->most / SECTOR) * SECTOR;

	if (random_chance(&m->random, 40))
		size = m->size + random_below(&m->random, 2 * grain / SECTOR) * SECTOR -
		       img_min_u64(m->size, grain);
	return img_max_u64(img_min_u64(size, m->most), SECTOR);
}

static bool is_qcow2(const struct model *m)
{
	return !strcmp(m->prep.layout->format, "qcow2");
}

static bool do_resize(struct model *m, struct img_err *err)
{
	const uint64_t old = m->size, size = pick_size(m);
	struct img_layer_resize how = { .size = size, .compact = random_chance(&m->random, 50) };
	struct img_layer *ly = &m->im->layers[0];

	if (size == old)
		return true;
	if (size > old && is_qcow2(m) && random_chance(&m->random, 40))
		how.preallocation = IMG_PREALLOC_METADATA +
				    random_below(&m->random, IMG_PREALLOC_FULL);
	/* The driver's own, in the files themselves: what img_resize() does is at once. */
	if (!img_flush(m->im, err) || !ly->format->resize(ly, &how, err))
		return false;
	m->size = size;
	if (size > old)
		memset(m->bytes + old, 0, size - old);
	return true;
}

/* Up to the first sector that differs. */
static uint64_t count_same(const struct model *m)
{
	uint64_t at = 0;

	while (at < m->size && !memcmp(m->buf + at, m->bytes + at, SECTOR))
		at += SECTOR;
	return at;
}

static bool expect_content(struct model *m, struct img_err *err)
{
	cr_assert_eq(img_size(m->im), m->size);
	if (!img_read(m->im, 0, m->buf, m->size, err))
		return false;
	const uint64_t same = count_same(m);

	cr_assert_eq(same, m->size, "%s, seed %lu, step %d, %lu bytes: from byte %lu on",
		     m->prep.layout->name, (unsigned long)m->seed, m->step, (unsigned long)m->size,
		     (unsigned long)same);
	return true;
}

static bool close_image(struct model *m, struct img_err *err)
{
	const bool ok = img_finish(m->im, err);

	img_close(m->im);
	m->im = NULL;
	return ok;
}

static void expect_none(const struct model *m, char *complaint)
{
	cr_assert_null(complaint, "%s, seed %lu, step %d: %s", m->prep.layout->name,
		       (unsigned long)m->seed, m->step, complaint);
}

static void expect_sound(struct model *m)
{
	struct img_err err = { 0 };
	uint8_t *bytes[LAYOUT_FILES];
	uint64_t lens[LAYOUT_FILES];

	ok(open_image(m, 0, &err));
	ok(expect_content(m, &err));
	expect_none(m, judge_counts(m->im, JUDGE_NO_LEAKS));
	img_close(m->im);
	m->im = NULL;
	for (size_t i = 0; i < m->prep.n_files; i++) {
		bytes[i] = m->files[i].bytes;
		lens[i] = m->files[i].len;
	}
	expect_none(m, judge_by_qemu(&m->prep, bytes, lens));
}

/* What the driver may be told: each run of zeros, whole grains or not. */
static bool find_hollow(const struct model *m, struct img_rangeset *hollow, struct img_err *err)
{
	uint64_t at = 0, end;
	bool ok = true;

	for (; ok && at < m->size; at = end + SECTOR) {
		for (end = at; end < m->size && img_is_zero(m->bytes + end, SECTOR);)
			end += SECTOR;
		ok = end == at || img_rangeset_include(hollow, at, end - at, err);
	}
	return ok;
}

/* Several rounds of a few grains; behind each of them the image is what it was. */
static bool do_compact(struct model *m, struct img_err *err)
{
	struct img_rangeset hollow = { 0 };
	const struct img_layer_compact how = {
		.hollow = &hollow, .changes = random_chance(&m->random, 50),
		.room = m->prep.layout->grain * (1 + random_below(&m->random, 40)),
	};
	struct img_layer *ly = &m->im->layers[0];
	struct img_layer_compacted out = { 0 };
	bool ok = find_hollow(m, &hollow, err) && img_flush(m->im, err) &&
		  ly->format->compact(ly, &how, &out, err) && close_image(m, err) &&
		  open_image(m, IMG_OPEN_WRITE, err) && expect_content(m, err);

	img_rangeset_clear(&hollow);
	return ok && (!out.left || out.moved) && (!out.left || do_compact(m, err));
}

/* What cannot be compressed says so before anything else. */
static bool can_pack(const struct model *m)
{
	struct img_layer *ly = &m->im->layers[0];
	const struct img_layer_pack how = { .from = 0 };
	struct img_err why = { 0 };
	const bool can = ly->format->pack && ly->format->pack(ly, &how, NULL, &why);

	cr_assert(can || !ly->format->pack || why.code == IMG_E_UNSUPPORTED, "%s", why.text);
	return can;
}

/* The whole file in rounds of a few grains; behind each of them the image is what it was. */
static bool do_pack(struct model *m, struct img_err *err)
{
	struct img_rangeset hollow = { 0 };
	struct img_layer_pack how = {
		.compact.hollow = &hollow, .threads = 2, .recode = random_chance(&m->random, 50),
		.compact.room = m->prep.layout->grain * (1 + random_below(&m->random, 40)),
	};
	struct img_layer_packed out = { .from = 1 };
	bool ok = find_hollow(m, &hollow, err) && img_flush(m->im, err);

	for (; ok && out.from != out.end; how.from = out.from) {
		struct img_layer *ly = &m->im->layers[0];

		ok = ly->format->pack(ly, &how, &out, err) && close_image(m, err) &&
		     open_image(m, IMG_OPEN_WRITE, err) && expect_content(m, err);
		cr_assert(!ok || out.from == out.end || out.seen > how.from);
	}
	img_rangeset_clear(&hollow);
	return ok;
}

static bool gets_shorter(const struct layout *layout)
{
	return img_format_named(layout->format)->compact &&
	       !(layout->options && strstr(layout->options, "static=on"));
}

static bool do_step(struct model *m, struct img_err *err)
{
	const uint64_t what = random_below(&m->random, 100);

	if (what < 55)
		return do_write(m, err);
	if (what < 85)
		return do_resize(m, err) && expect_content(m, err);
	if (what < 88 && gets_shorter(m->prep.layout))
		return do_compact(m, err);
	if (what < 91 && can_pack(m))
		return do_pack(m, err);
	if (what < 94)
		return img_flush(m->im, err);
	return close_image(m, err) && open_image(m, IMG_OPEN_WRITE, err);
}

static void start_model(struct model *m)
{
	const uint64_t size = m->prep.layout->size;

	m->size = size;
	m->most = TIMES_LARGER * size;
	m->bytes = calloc(2, m->most);
	cr_assert_not_null(m->bytes);
	m->buf = m->bytes + m->most;
	memcpy(m->bytes, m->prep.content, size);
	m->random = random_from(m->seed);
	for (unsigned i = 0; i < m->prep.n_files; i++)
		recorder_init(&m->files[i], NULL, i, m->prep.bytes[i], m->prep.len[i]);
}

static void end_model(struct model *m)
{
	for (size_t i = 0; i < m->prep.n_files; i++)
		recorder_free(&m->files[i]);
	free(m->bytes);
}

/* Snapshots of version 2 keep the size of the disk what it is. */
static bool has_sizes(const struct layout *layout)
{
	return img_format_named(layout->format)->resize &&
	       (layout->start != START_SNAPSHOT || !strstr(layout->options, "compat=0.10"));
}

static void run_seeds(struct model *m)
{
	struct img_err err = { 0 };

	for (m->seed = 0; m->seed < SEEDS; m->seed++) {
		start_model(m);
		ok(open_image(m, IMG_OPEN_WRITE, &err));
		for (m->step = 0; m->step < STEPS; m->step++)
			ok(do_step(m, &err));
		ok(close_image(m, &err));
		expect_sound(m);
		end_model(m);
	}
}

ParameterizedTestParameters(disk_resize, as_the_array)
{
	return cr_make_param_array(size_t, layout_numbers, n_layouts);
}

ParameterizedTest(size_t *number, disk_resize, as_the_array)
{
	struct model model = { .seed = 0 }, *m = &model;

	if (!has_sizes(&layouts[*number]))
		cr_skip_test("%s keeps its size", layouts[*number].name);
	if (!prepare(&layouts[*number], &m->prep))
		cr_skip_test("%s: this needs qemu-img", layouts[*number].name);
	run_seeds(m);
	prepared_free(&m->prep);
}

Test(disk_resize, hides_what_a_vdi_stands_on)
{
	static const struct layout child = {
		.name = "VDI, backing", .format = "vdi", .options = "block_size=4k",
		.size = 1024 * 1024, .grain = 4096, .backing = true,
	};
	struct model model = { .seed = 0 };

	prepare(&child, &model.prep);
	run_seeds(&model);
	prepared_free(&model.prep);
}

enum { DESCRIPTOR = 2 * SECTOR };

/*
 * An empty file of grains with tables as small as can be, so that they grow into the place of grains;
 * its descriptor is that of prep.
 */
static void use_small_tables(struct prepared *prep, bool two)
{
	struct img_err err = { 0 };
	uint8_t raw[VMDK_HDR_LEN];
	struct vmdk_sparse_new sp = {
		.file = img_store_mem(NULL, 0, &err),
		.hdr = {
			.kind = VMDK_KIND_HOSTED, .version = 1, .capacity = prep->layout->size,
			.flags = two ? VMDK_FLAG_REDUNDANT : 0, .grain = prep->layout->grain,
			.gt_entries = 128, .entry_len = 4, .desc_at = SECTOR,
			.desc_len = DESCRIPTOR,
			.n_gd = img_div_up(prep->layout->size, 128 * prep->layout->grain),
		},
	};
	const uint64_t end = vmdk_sparse_new_place(&sp, SECTOR + DESCRIPTOR);

	sp.hdr.overhead = img_round_up(end, sp.hdr.grain);
	vmdk_header_encode(&sp.hdr, raw);
	cr_assert(img_store_write(sp.file, 0, raw, sizeof(raw), &err) &&
		  img_store_write(sp.file, SECTOR, prep->bytes[0] + SECTOR, DESCRIPTOR, &err) &&
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
	struct model model = { .seed = 0 };

	prepare(&small, &model.prep);
	for (int two = 0; two < 2; two++) {
		use_small_tables(&model.prep, two);
		run_seeds(&model);
	}
	prepared_free(&model.prep);
}

/* Up to the first failure, which gives an error; false: there was one. */
static bool run_faulty(struct model *m)
{
	struct img_err err = { 0 };
	bool done = open_image(m, IMG_OPEN_WRITE, &err);

	for (m->step = 0; done && m->step < FAULTY_STEPS; m->step++)
		done = do_step(m, &err);
	done = done && close_image(m, &err);
	cr_assert(done || err.code, "%s: no error is given", m->faults);
	img_close(m->im);
	m->im = NULL;
	return done;
}

ParameterizedTestParameters(disk_resize, failing_files)
{
	return cr_make_param_array(size_t, layout_numbers, n_layouts);
}

/* The journal sees to it that nothing of one that failed is in the file. */
ParameterizedTest(size_t *number, disk_resize, failing_files)
{
	static const char *const calls[] = { "read", "write", "zero", "resize", "size" };
	struct model model = { .seed = SEEDS }, *m = &model;
	char script[64];

	if (!has_sizes(&layouts[*number]) || !prepare(&layouts[*number], &m->prep))
		cr_skip_test("%s", layouts[*number].name);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		for (unsigned n = 1, k = 0; k < FAULTS; n += 1 + n / DENSITY, k++) {
			snprintf(script, sizeof(script), "%s:%u=EIO", calls[i], n);
			start_model(m);
			m->faults = script;
			const bool done = run_faulty(m);

			m->faults = NULL;
			if (done)
				expect_sound(m);
			end_model(m);
			if (done)
				break;
		}
	prepared_free(&m->prep);
}
