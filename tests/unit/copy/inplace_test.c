/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file becomes another format in place: cancelled at any step of the way back it is an image with
 * the same disk, and the next call goes on; what a step moves is bounded.
 */
#include <criterion/criterion.h>
#include <string.h>
#include "copy/inplace.h"
#include "unit/fake/files.h"

enum { PIECE = 64 << 10, PIECES = 96 };

static struct img_err err;
static struct img_in_place_stats stats;

TestSuite(inplace, .init = files_enter, .fini = files_leave);

/* An image whose disk was written from its end to its beginning. */
static void make_image(void)
{
	const struct img_create what = {
		.path = "image", .format = "qcow2", .size = PIECES * PIECE,
		.options = "cluster_size=4k",
	};
	const struct img_open how = { .path = "image", .flags = IMG_OPEN_WRITE };
	static uint8_t bytes[PIECE];
	struct img *im = img_create(&what, &err);

	cr_assert(im && img_finish(im, &err), "%s", err.text);
	img_close(im);
	cr_assert(im = img_open(&how, &err), "%s", err.text);
	for (size_t i = PIECES; i-- > 0;) {
		memset(bytes, (int)i + 1, sizeof(bytes));
		cr_assert(img_write(im, i * PIECE, bytes, PIECE, &err), "%s", err.text);
	}
	cr_assert(img_finish(im, &err), "%s", err.text);
	img_close(im);
}

static void expect_disk(const char *format)
{
	const struct img_open how = { .path = "image", .format = format };
	struct img *im = img_open(&how, &err);
	uint8_t bytes[2];

	cr_assert(im, "%s", err.text);
	cr_assert_eq(img_size(im), PIECES * PIECE);
	for (size_t i = 0; i < PIECES; i++) {
		cr_assert(img_read(im, i * PIECE, bytes, 1, &err));
		cr_assert(img_read(im, (i + 1) * PIECE - 1, bytes + 1, 1, &err), "%s", err.text);
		cr_assert_eq(bytes[0], i + 1);
		cr_assert_eq(bytes[1], i + 1);
	}
	img_close(im);
}

static bool convert(const char *target, bool undo, const struct img_job *job)
{
	const struct img_in_place what = { .path = "image", .target = target, .undo = undo };

	return img_convert_in_place(&what, job, &stats, &err);
}

struct patience { unsigned left; uint64_t done; };

static bool is_over(void *ctx)
{
	struct patience *p = ctx;

	return p->left-- == 0;
}

static void note_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct patience *p = ctx;

	cr_assert_gt(done, p->done);
	cr_assert_leq(done, total);
	p->done = done;
}

Test(inplace, cancelled_and_gone_on)
{
	unsigned steps = 0;
	bool done = false;

	make_image();
	while (!done) {
		struct patience patience = { .left = 1 };
		const struct img_job job = {
			.cancelled = is_over, .progress = note_progress, .ctx = &patience,
		};

		done = convert("raw", false, &job);
		cr_assert(done || err.code == IMG_E_CANCELLED, "%s", err.text);
		cr_assert_gt(patience.done, 0);
		cr_assert_eq(files_count(), 1);
		if (!done)
			expect_disk("qcow2");
		steps++;
	}
	cr_assert_gt(steps, 4);
	expect_disk("raw");
}

Test(inplace, there_and_back)
{
	make_image();
	cr_assert(convert("raw", false, NULL), "%s", err.text);
	cr_assert_str_eq(stats.from, "qcow2");
	cr_assert_eq(stats.after, PIECES * PIECE);
	cr_assert(convert("qcow2", false, NULL), "%s", err.text);
	cr_assert_eq(stats.moved, 0);
	expect_disk("qcow2");
	cr_assert(convert("qcow2", false, NULL) && stats.already);
	cr_assert(convert("raw", true, NULL), "%s", err.text);
	expect_disk("raw");
	cr_assert_not(convert("vdi", false, NULL));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED);
	cr_assert_not(convert("nothing", false, NULL));
	cr_assert_eq(err.code, IMG_E_ARGUMENT);
}

Test(inplace, a_step_is_bounded)
{
	cr_assert_eq(img_in_place_window(0), 1 << 20);
	cr_assert_eq(img_in_place_window(UINT64_C(160) << 20), 10 << 20);
	cr_assert_eq(img_in_place_window(UINT64_C(1) << 42), 64 << 20);
}
