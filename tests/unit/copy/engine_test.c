/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine as a whole: drawn sources into targets that remember, with 1, 2 and 7 threads. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "copy/copy.h"
#include "unit/fake/fake.h"

#define BLOCK 65536
#define MEBI (1024 * 1024)

static const unsigned thread_counts[] = { 1, 2, 7 };
#define N_THREAD_COUNTS (sizeof(thread_counts) / sizeof(thread_counts[0]))

/* 6 windows of 16 blocks with everything in them but losses. */
static const char mixed[] =
	"abcdefghijklmabc" "aa..bb--cc00ddzz" "................"
	"nAnBQqQq-a-b-c-d" "AAAAAAAAAAAAAAAA" "a..............y";

static const struct {
	const char *name;
	unsigned flags;
	uint32_t unit, zero_grain;
	bool compress, digest, stream;
} manners[] = {
	{ "plain", 0, BLOCK, 4096, false, false, false },
	{ "no zero detection", 0, BLOCK, 0, false, false, false },
	{ "small units", 0, 512, 4096, false, false, false },
	{ "the driver moves bytes", FAKE_OWN_STORE, BLOCK, 4096, false, true, false },
	{ "compressed", FAKE_COMPRESS, BLOCK, 4096, true, true, false },
	{ "compressed, large units", FAKE_COMPRESS, 2 * MEBI, 4096, true, false, false },
	{ "announced to a pipe", FAKE_PIPE | FAKE_ANNOUNCED, BLOCK, 4096, false, true, false },
	{ "from a pipe", 0, BLOCK, 4096, false, true, true },
	{ "from a pipe, compressed", FAKE_COMPRESS, BLOCK, 4096, true, true, true },
};

static bool copy(struct img *src, struct img *dst, struct img_copy what, struct img_err *err)
{
	struct img_copy_stats stats;

	what.src = src;
	what.dst = dst;
	*err = (struct img_err){ 0 };
	return img_copy_run(&what, NULL, &stats, err);
}

static void check_content(const struct img *dst, const char *drawing, uint64_t size)
{
	uint8_t *want = fake_content(drawing, BLOCK, size);
	uint8_t *seen = fake_target_content(dst, size);

	cr_assert_not(memcmp(seen, want, size));
	free(seen);
	free(want);
}

static struct img *copy_mixed(size_t manner, unsigned threads, struct img_copy_stats *stats)
{
	const uint64_t size = (sizeof(mixed) - 1) * BLOCK - 1000;
	const bool stream = manners[manner].stream;
	struct img *src = (stream ? fake_stream : fake_disk)(mixed, BLOCK, size);
	struct img *dst = fake_target(stream ? IMG_SIZE_UNKNOWN : size, manners[manner].unit,
				      manners[manner].flags);
	const struct img_copy what = {
		.src = src, .dst = dst, .threads = threads,
		.zero_grain = manners[manner].zero_grain, .compress = manners[manner].compress,
		.digest = manners[manner].digest ? "sha256" : NULL,
	};
	struct img_err err = { 0 };

	cr_assert(img_copy_run(&what, NULL, stats, &err), "%s: %s", manners[manner].name, err.text);
	cr_assert_not(fake_target_of(dst)->disorder, "%s", manners[manner].name);
	cr_assert_eq(img_size(dst), size);
	check_content(dst, mixed, size);
	img_close(src);
	return dst;
}

Test(engine, the_target_never_depends_on_threads)
{
	for (size_t m = 0; m < sizeof(manners) / sizeof(manners[0]); m++) {
		struct img_copy_stats first, stats;
		struct img *one = copy_mixed(m, 1, &first);

		for (size_t t = 1; t < N_THREAD_COUNTS; t++) {
			struct img *many = copy_mixed(m, thread_counts[t], &stats);

			cr_assert(fake_targets_equal(one, many), "%s", manners[m].name);
			cr_assert_not(memcmp(&first, &stats, sizeof(stats)), "%s", manners[m].name);
			img_close(many);
		}
		img_close(one);
	}
}

Test(engine, counts_add_up_to_the_disk)
{
	for (size_t m = 0; m < sizeof(manners) / sizeof(manners[0]); m++) {
		struct img_copy_stats stats;

		img_close(copy_mixed(m, 2, &stats));
		cr_assert_eq(stats.guest, (sizeof(mixed) - 1) * BLOCK - 1000);
		cr_assert_eq(stats.data + stats.compressed + stats.zero, stats.guest);
		cr_assert_eq(stats.compressed > 0, manners[m].compress);
		cr_assert_eq(stats.lost + stats.cloned, 0);
	}
}

Test(engine, the_digest_is_that_of_the_guest)
{
	static const char *const drawings[] = { "a.0z-Aq", "....", "" };
	/* Of nothing at all: the value that every list of test vectors has. */
	static const char empty[] =
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

	for (size_t i = 0; i < sizeof(drawings) / sizeof(drawings[0]); i++) {
		struct img *src = fake_disk(drawings[i], BLOCK, 0);
		struct img *dst = fake_target(img_size(src), BLOCK, 0);
		const struct img_copy what = {
			.src = src, .dst = dst, .threads = 2, .zero_grain = 4096,
			.digest = "sha256",
		};
		uint8_t *content = fake_content(drawings[i], BLOCK, 0);
		struct img_digest *dg = img_digest_open("sha256", NULL);
		struct img_copy_stats stats;
		char want[129];

		cr_assert(img_digest_add(dg, content, img_size(src), NULL));
		cr_assert(img_digest_finish(dg, want, NULL));
		cr_assert(img_copy_run(&what, NULL, &stats, NULL));
		cr_assert_str_eq(stats.digest, img_size(src) ? want : empty);
		img_digest_close(dg);
		free(content);
		img_close(src);
		img_close(dst);
	}
}

Test(engine, a_pipe_without_plan_gets_every_byte_in_order)
{
	const uint64_t size = (sizeof(mixed) - 1) * BLOCK - 1000;
	uint8_t *want = fake_content(mixed, BLOCK, size);

	for (size_t t = 0; t < 2 * N_THREAD_COUNTS; t++) {
		const bool stream = t >= N_THREAD_COUNTS;
		struct img *src = (stream ? fake_stream : fake_disk)(mixed, BLOCK, size);
		struct img *dst = fake_target(stream ? IMG_SIZE_UNKNOWN : size, 1, FAKE_PIPE);
		struct img_settings *set = img_settings_parse(
			img_format_options(&img_format_raw), NULL, NULL);
		const struct img_layer_create what = { .size = size, .settings = set };
		struct img_layer *ly = &dst->layers[0];
		struct img_err err;

		ly->format->close(ly);
		ly->format = &img_format_raw;
		cr_assert(ly->format->create(ly, &what, NULL));
		cr_assert(copy(src, dst, (struct img_copy){
			.threads = thread_counts[t % N_THREAD_COUNTS], .zero_grain = 4096,
		}, &err), "%s", err.text);
		cr_assert(img_finish(dst, &err), "%s", err.text);
		cr_assert_eq(fake_store_of(dst)->len, size);
		cr_assert_not(memcmp(fake_store_of(dst)->bytes, want, size));
		img_settings_free(set);
		img_close(src);
		img_close(dst);
	}
	free(want);
}

Test(engine, the_first_loss_in_guest_order_is_the_error)
{
	static const char drawing[] =
		"aaaaaaaaaaaaaaaa" "bbbbbbbbbbbbbbbb" "cccccc!ccccccccc" "!!!!!!!!!!!!!!!!"
		"!!!!!!!!!!!!!!!!" "!!!!!!!!!!!!!!!!" "!!!!!!!!!!!!!!!!" "!!!!!!!!!!!!!!!!";

	for (size_t t = 0; t < N_THREAD_COUNTS; t++) {
		struct img *src = fake_disk(drawing, BLOCK, 0);
		struct img *dst = fake_target(img_size(src), BLOCK, 0);
		struct img_err err;

		cr_assert_not(copy(src, dst, (struct img_copy){ .threads = thread_counts[t] },
				   &err));
		cr_assert_eq(err.code, IMG_E_CORRUPT);
		cr_assert(strstr(err.text, "2490368"), "%s", err.text);
		/* What stood before the loss was carried to its end. */
		cr_assert_eq(fake_target_of(dst)->published_to, 2 * MEBI);
		img_close(src);
		img_close(dst);
	}
}

struct losses {
	uint64_t at[16], len[16];
	size_t n;
};

static void note_loss(void *ctx, const struct img_extent *ex)
{
	struct losses *l = ctx;

	l->at[l->n] = ex->start;
	l->len[l->n++] = ex->len;
}

Test(engine, salvage_tells_losses_in_guest_order)
{
	static const char drawing[] =
		"aaaa!!aaaaaaaaaa" "bbbbbbbbbbbbbbbb" "cccccc!ccccccccc" "................"
		"dddddddddddddddd" "eeeeeeeeeeeeee!e";

	for (size_t t = 0; t < N_THREAD_COUNTS; t++) {
		struct img *src = fake_disk(drawing, BLOCK, 0);
		struct img *dst = fake_target(img_size(src), BLOCK, 0);
		struct losses lost = { 0 };
		const struct img_copy what = {
			.src = src, .dst = dst, .threads = thread_counts[t], .salvage = true,
			.zero_grain = 4096, .lost = note_loss, .lost_ctx = &lost,
		};
		struct img_copy_stats stats;

		cr_assert(img_copy_run(&what, NULL, &stats, NULL));
		check_content(dst, drawing, img_size(src));
		cr_assert_eq(stats.lost, 4 * BLOCK);
		cr_assert_eq(lost.n, 3);
		cr_assert(lost.at[0] == 4 * BLOCK && lost.len[0] == 2 * BLOCK);
		cr_assert(lost.at[1] == 38 * BLOCK && lost.at[2] == 94 * BLOCK);
		img_close(src);
		img_close(dst);
	}
}

Test(engine, a_failing_driver_is_an_error_at_every_step)
{
	static const struct {
		enum fake_step step;
		unsigned flags;
	} steps[] = {
		{ FAKE_RESERVE, 0 }, { FAKE_STORE, FAKE_OWN_STORE }, { FAKE_PUBLISH, 0 },
		{ FAKE_ZERO, 0 }, { FAKE_ANNOUNCE, FAKE_PIPE | FAKE_ANNOUNCED },
		{ FAKE_BEGIN, FAKE_PIPE | FAKE_ANNOUNCED },
		{ FAKE_RESERVE, FAKE_PIPE | FAKE_ANNOUNCED },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		for (unsigned call = 1; call <= 3; call++) {
			struct img *src = fake_disk(mixed, BLOCK, 0);
			struct img *dst = fake_target(img_size(src), BLOCK, steps[i].flags);
			const bool reached = steps[i].step != FAKE_BEGIN || call == 1;
			struct img_err err;

			fake_target_of(dst)->fail_step = steps[i].step;
			fake_target_of(dst)->fail_call = call;
			cr_assert_eq(copy(src, dst, (struct img_copy){
				.threads = 1 + call, .zero_grain = 4096,
			}, &err), !reached);
			cr_assert(!reached || err.code == IMG_E_IO);
			cr_assert_not(fake_target_of(dst)->disorder);
			img_close(src);
			img_close(dst);
		}
	}
}

Test(engine, a_failing_store_is_an_error)
{
	for (unsigned call = 1; call <= 6; call++) {
		struct img *src = fake_disk(mixed, BLOCK, 0);
		struct img *dst = fake_target(img_size(src), BLOCK, 0);
		struct img_err err;

		fake_store_of(call % 2 ? src : dst)->fail_read = call;
		fake_store_of(call % 2 ? src : dst)->fail_write = call;
		cr_assert_not(copy(src, dst, (struct img_copy){ .threads = call }, &err));
		cr_assert_eq(err.code, IMG_E_IO);
		img_close(src);
		img_close(dst);
	}
}

/* ---- Talking back ----------------------------------------------------------------------------- */

struct talk {
	uint64_t done, total;
	unsigned calls, cancel_after;
	bool backwards;
};

static void progress(void *ctx, uint64_t done, uint64_t total)
{
	struct talk *talk = ctx;

	talk->backwards |= done < talk->done || done > total;
	talk->done = done;
	talk->total = total;
	talk->calls++;
}

static bool cancelled(void *ctx)
{
	struct talk *talk = ctx;

	return talk->cancel_after && talk->cancel_after-- == 1;
}

Test(engine, progress_rises_to_its_total)
{
	for (size_t t = 0; t < N_THREAD_COUNTS; t++) {
		struct talk talk = { 0 };
		const struct img_job job = { .progress = progress, .ctx = &talk };
		struct img *src = fake_disk(mixed, BLOCK, 0);
		struct img *dst = fake_target(img_size(src), BLOCK, 0);
		const struct img_copy what = {
			.src = src, .dst = dst, .threads = thread_counts[t], .zero_grain = 4096,
		};
		struct img_copy_stats stats;

		cr_assert(img_copy_run(&what, &job, &stats, NULL));
		cr_assert_not(talk.backwards);
		cr_assert_gt(talk.total, 0);
		cr_assert_eq(talk.done, talk.total);
		img_close(src);
		img_close(dst);
	}
}

Test(engine, can_be_cancelled)
{
	for (size_t t = 0; t < N_THREAD_COUNTS; t++) {
		struct talk talk = { .cancel_after = 3 };
		const struct img_job job = { .cancelled = cancelled, .ctx = &talk };
		struct img *src = fake_disk(mixed, BLOCK, 0);
		struct img *dst = fake_target(img_size(src), BLOCK, 0);
		const struct img_copy what = {
			.src = src, .dst = dst, .threads = thread_counts[t],
		};
		struct img_copy_stats stats;
		struct img_err err = { 0 };

		cr_assert_not(img_copy_run(&what, &job, &stats, &err));
		cr_assert_eq(err.code, IMG_E_CANCELLED);
		cr_assert_eq(stats.guest, 2 * MEBI);	/* what was planned before is carried on */
		img_close(src);
		img_close(dst);
	}
}

static bool after_a_moment(void *ctx)
{
	return ++*(unsigned *)ctx > 2;
}

Test(engine, a_rate_holds, .timeout = 60)
{
	struct img *src = fake_disk("abababab", BLOCK, 0);
	struct img *dst = fake_target(img_size(src), BLOCK, 0);
	const struct img_copy what = { .src = src, .dst = dst, .rate = img_size(src) * 4 };
	struct img_copy_stats stats;
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	cr_assert(img_copy_run(&what, NULL, &stats, NULL));
	clock_gettime(CLOCK_MONOTONIC, &to);
	cr_assert_geq((double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9,
		      0.25);
	img_close(src);
	img_close(dst);
}

Test(engine, who_waits_for_a_rate_can_be_cancelled, .timeout = 60)
{
	unsigned calls = 0;
	const struct img_job job = { .cancelled = after_a_moment, .ctx = &calls };
	struct img *src = fake_disk("abababab", BLOCK, 0);
	struct img *dst = fake_target(img_size(src), BLOCK, 0);
	const struct img_copy what = { .src = src, .dst = dst, .rate = 1 };
	struct img_copy_stats stats;
	struct img_err err = { 0 };

	cr_assert_not(img_copy_run(&what, &job, &stats, &err));
	cr_assert_eq(err.code, IMG_E_CANCELLED);
	img_close(src);
	img_close(dst);
}

/* ---- Bounds ----------------------------------------------------------------------------------- */

Test(engine, holds_no_more_than_it_may)
{
	static char drawing[256 + 1];

	memset(drawing, 'a', sizeof(drawing) - 1);
	for (size_t t = 0; t < N_THREAD_COUNTS; t++) {
		struct fake_flow flow = { 0 };
		struct img *src = fake_disk(drawing, BLOCK, 0);
		struct img *dst = fake_target(img_size(src), BLOCK, 0);
		struct img_err err;

		fake_store_of(src)->flow = fake_target_of(dst)->flow = &flow;
		cr_assert(copy(src, dst, (struct img_copy){
			.threads = thread_counts[t], .memory = 4 * MEBI,
		}, &err), "%s", err.text);
		cr_assert_leq(flow.most, 4 * MEBI);
		cr_assert_eq(flow.now, 0);
		img_close(src);
		img_close(dst);
	}
}

Test(engine, requests_that_make_no_sense_are_refused)
{
	struct img *src = fake_disk("aaaa", BLOCK, 0);
	struct img *small = fake_target(2 * BLOCK, BLOCK, 0);
	struct img *plain = fake_target(4 * BLOCK, BLOCK, 0);
	struct img_err err;

	cr_assert_not(copy(src, small, (struct img_copy){ .threads = 1 }, &err));
	cr_assert_eq(err.code, IMG_E_RANGE);
	cr_assert_not(copy(src, plain, (struct img_copy){ .compress = true }, &err));
	cr_assert_eq(err.code, IMG_E_ARGUMENT);
	cr_assert_not(copy(src, plain, (struct img_copy){ .zero_grain = 3000 }, &err));
	cr_assert_eq(err.code, IMG_E_ARGUMENT);
	cr_assert_not(copy(src, src, (struct img_copy){ .threads = 1 }, &err));
	cr_assert_eq(err.code, IMG_E_ARGUMENT);
	cr_assert_not(copy(src, plain, (struct img_copy){ .digest = "no such hash" }, &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED);
	img_close(src);
	img_close(small);
	img_close(plain);
}

Test(engine, an_empty_disk_is_copied_in_no_time)
{
	struct img *src = fake_disk("", BLOCK, 0);
	struct img *dst = fake_target(0, BLOCK, 0);
	struct img_err err;

	cr_assert(copy(src, dst, (struct img_copy){ .threads = 7 }, &err), "%s", err.text);
	cr_assert_eq(fake_target_of(dst)->n, 0);
	img_close(src);
	img_close(dst);
}
