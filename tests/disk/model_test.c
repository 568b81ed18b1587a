/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A random workload, to the byte, beside an array in memory that it is done to as well.  Whatever
 * is read must be what is in the array, while it goes on, when it is finished, and opened again;
 * then no cluster has leaked, too.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>
#include "base/num.h"
#include "disk/judge.h"
#include "disk/recorder.h"
#include "disk/workload.h"
#include "unit/fake/files.h"

enum { SEEDS = 3, REQUESTS = 500, FEW_TABLES = 2 };

TestSuite(model, .init = files_enter, .fini = files_leave, .timeout = 300);

struct model {
	struct prepared prep;
	uint64_t seed;
	struct recorder files[LAYOUT_FILES];
	struct workload load;
	struct img *im;
	uint8_t *bytes, *seen;		/* what the disk holds; what was read last */
	int step;
};

#define ok(call) \
	cr_assert((call), "%s, seed %lu, step %d: %s: %s", m->prep.layout->name, \
		  (unsigned long)m->seed, m->step, #call, err.text)

static void open_image(struct model *m, unsigned flags)
{
	struct img_store *stores[LAYOUT_FILES] = { NULL };
	struct img_err err = { 0 };

	for (size_t i = 0; i < m->prep.n_files; i++)
		stores[i] = recorder_store(&m->files[i]);
	ok(m->im = layout_open(&m->prep, stores, flags, &err));
}

static void close_image(struct model *m)
{
	struct img_err err = { 0 };

	ok(img_finish(m->im, &err));
	img_close(m->im);
}

static void read_range(struct model *m, uint64_t at, size_t len)
{
	struct img_err err = { 0 };

	ok(img_read(m->im, at, m->seen, len, &err));
}

/* An assertion for each byte would take most of the test's time. */
static void expect_range(struct model *m, uint64_t at, size_t len)
{
	size_t i = 0;

	read_range(m, at, len);
	while (i < len && m->seen[i] == m->bytes[at + i])
		i++;
	cr_assert_eq(i, len, "%s, seed %lu, step %d: byte %lu", m->prep.layout->name,
		     (unsigned long)m->seed, m->step, (unsigned long)(at + i));
}

/* What was discarded reads as it did, or as zeros, and goes on doing so. */
static void adopt_range(struct model *m, uint64_t at, size_t len)
{
	size_t i = 0;

	read_range(m, at, len);
	while (i < len && (!m->seen[i] || m->seen[i] == m->bytes[at + i]))
		i++;
	cr_assert_eq(i, len, "%s, seed %lu, step %d: byte %lu, discarded", m->prep.layout->name,
		     (unsigned long)m->seed, m->step, (unsigned long)(at + i));
	memcpy(m->bytes + at, m->seen, len);
}

/* To any byte, now and then. */
static void shift(struct model *m, struct request *req)
{
	if (!random_chance(&m->load.random, 50))
		return;
	req->at += random_below(&m->load.random, SECTOR);
	req->len += random_below(&m->load.random, SECTOR);
	req->at = img_min_u64(req->at, m->load.size - 1);
	req->len = img_min_u64(req->len, m->load.size - req->at);
}

static void do_write(struct model *m, const struct request *req)
{
	struct img_err err = { 0 };

	guest_fill(m->load.buf, 0, img_round_up(req->len, SECTOR), req->seq);
	memcpy(m->bytes + req->at, m->load.buf, req->len);
	ok(img_write(m->im, req->at, m->load.buf, req->len, &err));
}

static void do_request(struct model *m, const struct request *req)
{
	struct img_err err = { 0 };

	switch (req->kind) {
	case REQUEST_WRITE:
		do_write(m, req);
		break;
	case REQUEST_ZERO:
	case REQUEST_UNMAP:
		memset(m->bytes + req->at, 0, req->len);
		ok(img_write_zeros(m->im, req->at, req->len, req->kind == REQUEST_UNMAP, &err));
		break;
	case REQUEST_DISCARD:
		ok(img_discard(m->im, req->at, req->len, &err));
		adopt_range(m, req->at, req->len);
		break;
	case REQUEST_FLUSH:
		ok(img_flush(m->im, &err));
		break;
	case REQUEST_REOPEN:
		close_image(m);
		open_image(m, IMG_OPEN_WRITE);
	}
}

/* Somewhere near the request: what it has changed, and what it should not have. */
static void look_around(struct model *m, const struct request *req)
{
	const uint64_t before = random_below(&m->load.random, 2 * m->load.grain);
	const uint64_t at = req->at - img_min_u64(req->at, before);
	const uint64_t len = req->len + before + random_below(&m->load.random, 2 * m->load.grain);

	expect_range(m, at, img_min_u64(len, m->load.size - at));
}

static void expect_clean(struct model *m)
{
	char *complaint = judge_counts(m->im, JUDGE_NO_LEAKS);

	cr_assert_null(complaint, "%s, seed %lu: %s", m->prep.layout->name, (unsigned long)m->seed,
		       complaint);
}

static void run_model(struct model *m)
{
	m->seen = malloc(m->prep.layout->size);
	m->bytes = malloc(m->prep.layout->size);
	cr_assert(m->seen && m->bytes);
	memcpy(m->bytes, m->prep.content, m->prep.layout->size);
	workload_init(&m->load, m->prep.layout->size, m->prep.layout->grain, m->seed);
	for (unsigned i = 0; i < m->prep.n_files; i++)
		recorder_init(&m->files[i], NULL, i, m->prep.bytes[i], m->prep.len[i]);
	open_image(m, IMG_OPEN_WRITE);
	for (m->step = 0; m->step < REQUESTS; m->step++) {
		struct request req = workload_next(&m->load);

		if (req.kind < REQUEST_FLUSH)
			shift(m, &req);
		do_request(m, &req);
		look_around(m, &req);
	}
	expect_range(m, 0, m->load.size);
	close_image(m);
	open_image(m, 0);
	expect_range(m, 0, m->load.size);
	expect_clean(m);
	img_close(m->im);
	for (size_t i = 0; i < m->prep.n_files; i++)
		recorder_free(&m->files[i]);
	workload_free(&m->load);
	free(m->bytes);
	free(m->seen);
}

ParameterizedTestParameters(model, reads_what_was_written)
{
	return cr_make_param_array(size_t, layout_numbers, n_layouts);
}

ParameterizedTest(size_t *number, model, reads_what_was_written)
{
	struct model m = { .seed = 0 };

	if (!prepare(&layouts[*number], &m.prep))
		cr_skip_test("%s: this needs qemu-img", layouts[*number].name);
	for (; m.seed < SEEDS; m.seed++)
		run_model(&m);
	prepared_free(&m.prep);
}

ParameterizedTestParameters(model, few_tables_in_memory)
{
	return cr_make_param_array(size_t, layout_numbers, n_layouts);
}

/* The cache holds hardly more than what is in use at the moment. */
ParameterizedTest(size_t *number, model, few_tables_in_memory)
{
	struct layout layout = layouts[*number];
	struct model m = { .seed = SEEDS };

	layout.cache_size = FEW_TABLES * layout.grain;
	if (!prepare(&layout, &m.prep))
		cr_skip_test("%s: this needs qemu-img", layout.name);
	for (; m.seed < 2 * SEEDS; m.seed++)
		run_model(&m);
	prepared_free(&m.prep);
}
