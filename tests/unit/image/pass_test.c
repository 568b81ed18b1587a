/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When there is a pass, what the spool may forget on the way, and how the pass ends. */
#include <criterion/criterion.h>
#include <string.h>
#include "image/image.h"

enum { LEN = 3 << 20 };

static struct img_err err;
static unsigned settled, concluded;
static bool fails;

static bool fake_settle(struct img_layer *ly, struct img_err *e)
{
	settled++;
	ly->pass = IMG_PASS_NONE;
	return !fails || img_fail(e, IMG_E_CORRUPT, "fake: settle");
}

static bool fake_conclude(struct img_layer *ly, struct img_err *e)
{
	(void)ly;
	concluded++;
	return !fails || img_fail(e, IMG_E_CORRUPT, "fake: conclude");
}

static const struct img_format format = {
	.name = "fake", .settle = fake_settle, .conclude = fake_conclude,
};

/* What counts how far it was read. */
struct pipe {
	struct img_store st;
	uint64_t read;
};

static bool pipe_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
		      struct img_err *e)
{
	struct pipe *p = (struct pipe *)st;

	(void)e;
	*got = at < LEN ? (LEN - at < len ? LEN - at : len) : 0;
	memset(buf, 'p', *got);
	p->read = at + *got;
	return true;
}

static void pipe_close(struct img_store *st)
{
	(void)st;
}

static const struct img_store_ops pipe_ops = {
	.kind = "fake", .read = pipe_read, .close = pipe_close,
};

static struct pipe source = { .st = { .ops = &pipe_ops, .align = 1 } };
static struct img_layer layer;
static struct img im;

static void begin(void)
{
	source.st.name = strdup("pipe");		/* closing it frees that */
	struct img_store *spool = img_store_spool(&source.st, LEN, &err);

	cr_assert_not_null(spool, "%s", err.text);
	layer = (struct img_layer){ .format = &format, .store = spool, .pass = IMG_PASS_TOLD };
	im = (struct img){ .layers = &layer, .n_layers = 1 };
}

static void end(void)
{
	img_store_close(layer.store);
}

TestSuite(pass, .init = begin, .fini = end);

Test(pass, only_of_a_kind_that_is_wanted)
{
	cr_assert(img_begin_pass(&im, IMG_PASS_TOLD, &err));
	cr_assert(im.passing);
	cr_assert_eq(settled, 0);
	cr_assert(img_begin_pass(&im, IMG_PASS_ORDERED, &err));
	cr_assert_not(im.passing);
	cr_assert_eq(settled, 1);

	layer.pass = IMG_PASS_ORDERED;
	cr_assert(img_begin_pass(&im, IMG_PASS_TOLD, &err));
	cr_assert(im.passing);
	/* It is open as any other is: there is nothing to settle. */
	cr_assert(img_begin_pass(&im, IMG_PASS_NONE, &err));
	cr_assert_not(im.passing);
	cr_assert_eq(settled, 1);

	layer.pass = IMG_PASS_NONE;
	cr_assert(img_begin_pass(&im, IMG_PASS_TOLD, &err));
	cr_assert_not(im.passing);
}

Test(pass, a_failure_names_the_file)
{
	fails = true;
	cr_assert_not(img_begin_pass(&im, IMG_PASS_NONE, &err));
	cr_assert_str_eq(err.text, "pipe: fake: settle");
	layer.pass = IMG_PASS_TOLD;
	cr_assert_not(img_end_pass(&im, false, &err));
	cr_assert_str_eq(err.text, "pipe: fake: conclude");
}

/* Bytes that only the driver reads are there when it was asked; those of others may be on the way. */
Test(pass, what_was_read_is_forgotten_up_to_the_first_of_the_last)
{
	const struct img_extent extents[] = {
		{ .kind = IMG_EXTENT_HOLE, .host = 900000 },
		{ .kind = IMG_EXTENT_ENCODED, .host = 800000, .depth = 1 },
		{ .kind = IMG_EXTENT_DATA, .host = 700000 },
		{ .kind = IMG_EXTENT_ENCODED, .host = 100000 },
		{ .kind = IMG_EXTENT_ENCODED, .host = 200000 },
	};
	uint8_t byte;

	cr_assert(img_store_read(layer.store, 300000, &byte, 1, &err));
	img_pass_by(&im, extents, 3);
	cr_assert_eq(im.passed, 0);
	cr_assert(img_store_read(layer.store, 0, &byte, 1, &err));
	img_pass_by(&im, extents, 5);
	cr_assert_eq(im.passed, 100000);
	cr_assert(img_store_read(layer.store, 100000, &byte, 1, &err), "%s", err.text);
}

Test(pass, at_its_end_all_has_been_read)
{
	cr_assert(img_end_pass(&im, false, &err), "%s", err.text);
	cr_assert_eq(concluded, 1);
	cr_assert_eq(source.read, LEN);
	layer.pass = IMG_PASS_ORDERED;
	im.passed = LEN;
	cr_assert(img_end_pass(&im, false, &err), "%s", err.text);
	cr_assert_eq(concluded, 1);
}

Test(pass, a_salvage_takes_contradictions)
{
	fails = true;
	cr_assert(img_end_pass(&im, true, &err), "%s", err.text);
	cr_assert_eq(concluded, 1);
	cr_assert_eq(source.read, LEN);
}
