/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two drawn disks side by side. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "codec/codec.h"
#include "copy/copy.h"
#include "unit/fake/fake.h"

#define BLOCK 65536

static const unsigned thread_counts[] = { 1, 2, 7 };

struct told {
	char text[256];
};

/* "3+2" for two blocks from block 3 on; bytes when they are no whole blocks. */
static void tell(void *ctx, uint64_t at, uint64_t len)
{
	struct told *told = ctx;
	const size_t done = strlen(told->text);
	const bool blocks = at % BLOCK == 0 && len % BLOCK == 0;

	snprintf(told->text + done, sizeof(told->text) - done, "%s%lu+%lu%s", done ? " " : "",
		 blocks ? at / BLOCK : at, blocks ? len / BLOCK : len, blocks ? "" : "b");
}

/* Repeated 16 times a block is a window: runs of differences go over its end. */
#define W(c) c c c c c c c c c c c c c c c c

static const struct {
	const char *a, *b;
	const char *differences;
	bool sizes_differ;
} pairs[] = {
	{ "abc", "abc", "", false },
	{ "qqq", "qQQ", "", false },
	{ "a.0z-", "a----", "", false },
	{ "....", "0000", "", false },
	{ "aaaa", "aaba", "2+1", false },
	{ "abab", "babb", "0+3", false },
	{ "a.a.", "aaaa", "1+1 3+1", false },
	{ "aa", "aa..", "", true },
	{ "aa", "aa-a", "3+1", true },
	{ "a..........b", "a", "11+1", true },
	{ W("a") W("a"), W("a") W("b"), "16+16", false },
	{ "a" W("a") W("a"), "a" W("b") W("b"), "1+32", false },
	{ W(".") W("."), W(".") W("a"), "16+16", false },
};

static bool compare(struct img *a, struct img *b, struct img_compare what, struct told *told,
		    struct img_compare_stats *stats)
{
	struct img_err err = { 0 };

	what.a = a;
	what.b = b;
	what.differs = tell;
	what.differs_ctx = told;
	told->text[0] = '\0';
	cr_assert(img_compare_run(&what, NULL, stats, &err), "%s", err.text);
	return stats->same;
}

Test(compare, finds_exactly_what_differs)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		for (size_t t = 0; t < sizeof(thread_counts) / sizeof(thread_counts[0]); t++) {
			struct img *a = fake_disk(pairs[i].a, BLOCK, 0);
			struct img *b = fake_disk(pairs[i].b, BLOCK, 0);
			const struct img_compare what = { .threads = thread_counts[t], .all = true };
			struct img_compare_stats stats;
			struct told told;

			cr_assert_eq(compare(a, b, what, &told, &stats), !pairs[i].differences[0]);
			cr_assert_str_eq(told.text, pairs[i].differences, "%zu: %s", i, told.text);
			cr_assert_eq(stats.sizes_differ, pairs[i].sizes_differ);
			cr_assert_eq(compare(b, a, what, &told, &stats), !pairs[i].differences[0]);
			cr_assert_str_eq(told.text, pairs[i].differences);
			img_close(a);
			img_close(b);
		}
	}
}

Test(compare, is_exact_to_the_byte)
{
	struct img *a = fake_disk(W("a") W("a"), BLOCK, 0);
	struct img *b = fake_disk(W("a") W("a"), BLOCK, 0);
	struct img_compare_stats stats;
	struct told told;

	fake_store_of(b)->bytes[1000] ^= 1;
	fake_store_of(b)->bytes[1001] ^= 1;
	fake_store_of(a)->bytes[1024 * 1024 - 1] ^= 1;
	fake_store_of(a)->bytes[1024 * 1024] ^= 1;
	cr_assert_not(compare(a, b, (struct img_compare){ .threads = 2, .all = true }, &told,
			      &stats));
	cr_assert_str_eq(told.text, "1000+2b 1048575+2b");
	cr_assert_eq(stats.first, 1000);
	cr_assert_eq(stats.differing, 4);
	img_close(a);
	img_close(b);
}

Test(compare, stops_after_the_first_difference)
{
	struct img *a = fake_disk("aaaaaa" W("a") W("a") "!", BLOCK, 0);
	struct img *b = fake_disk("abaabb" W("b") W("b") "a", BLOCK, 0);

	for (size_t t = 0; t < sizeof(thread_counts) / sizeof(thread_counts[0]); t++) {
		struct img_compare_stats stats;
		struct told told;

		cr_assert_not(compare(a, b, (struct img_compare){ .threads = thread_counts[t] },
				      &told, &stats));
		cr_assert_str_eq(told.text, "1+1");
		cr_assert_eq(stats.first, BLOCK);
	}
	img_close(a);
	img_close(b);
}

Test(compare, the_tail_behind_a_shorter_disk_is_zeros)
{
	struct img *a = fake_disk("aaa", BLOCK, 2 * BLOCK + 100);
	struct img *b = fake_disk("aaa-", BLOCK, 0);
	struct img_compare_stats stats;
	struct told told;

	cr_assert_not(compare(a, b, (struct img_compare){ .all = true }, &told, &stats));
	cr_assert_str_eq(told.text, "131172+65436b");
	cr_assert(stats.sizes_differ);
	img_close(a);
	img_close(b);
}

static const struct {
	const char *a, *b;
	bool same, allocation;
	unsigned first;
} strict[] = {
	{ "aa.0", "aa.0", true, false, 0 },
	{ "aa.z", "aa.0", true, false, 0 },
	{ "aa.a", "aa0a", false, true, 2 },
	{ "aa-a", "aa.a", false, true, 2 },
	{ "ab.a", "aa0a", false, false, 1 },
	{ "aa", "aa.", false, false, 2 },
};

Test(compare, strict_looks_at_allocation_and_sizes)
{
	for (size_t i = 0; i < sizeof(strict) / sizeof(strict[0]); i++) {
		struct img *a = fake_disk(strict[i].a, BLOCK, 0);
		struct img *b = fake_disk(strict[i].b, BLOCK, 0);
		struct img_compare_stats stats;
		struct told told;

		cr_assert_eq(compare(a, b, (struct img_compare){ .threads = 2, .strict = true },
				     &told, &stats), strict[i].same, "%zu", i);
		cr_assert_eq(stats.allocation_differs, strict[i].allocation, "%zu", i);
		if (!strict[i].same)
			cr_assert_eq(stats.first, strict[i].first * BLOCK, "%zu", i);
		img_close(a);
		img_close(b);
	}
}

/* Streams are longer than a window, and end inside one or at its end. */
static const struct {
	const char *a, *b;
	bool b_streams;
	const char *differences;
} streams[] = {
	{ W("a") "bb", W("a") "bb", false, "" },
	{ W("a") "bb", W("a") "bb", true, "" },
	{ W("a"), W("a"), false, "" },
	{ W("a"), W("a") "..", false, "" },
	{ W("a"), W("a") ".b", false, "17+1" },
	{ W("a") "bb", W("a"), false, "16+2" },
	{ W("a") "b.", W("a") "b", true, "" },
	{ W("a") "ba", W("a") "b", true, "17+1" },
};

Test(compare, takes_streams)
{
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		for (size_t t = 0; t < sizeof(thread_counts) / sizeof(thread_counts[0]); t++) {
			struct img *a = fake_stream(streams[i].a, BLOCK, 0);
			struct img *b = (streams[i].b_streams ? fake_stream : fake_disk)(
				streams[i].b, BLOCK, 0);
			const struct img_compare what = { .threads = thread_counts[t], .all = true };
			struct img_compare_stats stats;
			struct told told;

			compare(a, b, what, &told, &stats);
			cr_assert_str_eq(told.text, streams[i].differences, "%zu: %s", i, told.text);
			cr_assert_eq(stats.sizes_differ, strlen(streams[i].a) != strlen(streams[i].b));
			img_close(a);
			img_close(b);
		}
	}
}

Test(compare, known_zeros_are_never_read)
{
	struct img *a = fake_disk("..0z..", BLOCK, 0);
	struct img *b = fake_disk("0.....", BLOCK, 0);
	struct img_compare_stats stats;
	struct told told;

	cr_assert(compare(a, b, (struct img_compare){ .threads = 1 }, &told, &stats));
	cr_assert_eq(fake_store_of(a)->reads + fake_store_of(b)->reads, 0);
	img_close(a);
	img_close(b);
}

/* The hash of a is that of its bytes as a whole. */
static void check_digest(struct img *a, struct img *b, const char *drawing, uint64_t size)
{
	uint8_t *bytes = fake_content(drawing, BLOCK, size);
	struct img_digest *dg = img_digest_open("sha256", NULL);
	const struct img_compare what = { .a = a, .b = b, .threads = 2, .digest = "sha256" };
	struct img_compare_stats stats;
	char expected[129];

	cr_assert(img_digest_add(dg, bytes, size, NULL) && img_digest_finish(dg, expected, NULL));
	cr_assert(img_compare_run(&what, NULL, &stats, NULL) && stats.same);
	cr_assert_str_eq(stats.digest, expected, "%s", drawing);
	img_digest_close(dg);
	free(bytes);
	img_close(a);
	img_close(b);
}

Test(compare, hashes_one_of_two_that_are_the_same)
{
	check_digest(fake_disk("abcdqQ", BLOCK, 0), fake_disk("abcdqq", BLOCK, 0), "abcdqQ", 6 * BLOCK);
	check_digest(fake_disk("..a0zz-b", BLOCK, 0), fake_disk("--a.---b", BLOCK, 0), "..a0zz-b", 8 * BLOCK);
	check_digest(fake_disk("....", BLOCK, 0), fake_disk("....", BLOCK, 0), "....", 4 * BLOCK);
	check_digest(fake_disk("a.b.", BLOCK, 3 * BLOCK + 512), fake_disk("a.b.", BLOCK, 3 * BLOCK + 512),
		     "a.b.", 3 * BLOCK + 512);
	check_digest(fake_disk("a.", BLOCK, BLOCK + 512), fake_disk("a...", BLOCK, 0), "a.", BLOCK + 512);
	check_digest(fake_disk("ab..", BLOCK, 0), fake_disk("ab", BLOCK, 0), "ab..", 4 * BLOCK);
	check_digest(fake_stream(W("a") "bb", BLOCK, 0), fake_disk(W("a") "bb", BLOCK, 0), W("a") "bb",
		     18 * BLOCK);
}

Test(compare, has_no_hash_of_what_differs)
{
	struct img *a = fake_disk("aa", BLOCK, 0), *b = fake_disk("ab", BLOCK, 0);
	struct img_compare what = { .a = a, .b = b, .all = true, .digest = "sha256" };
	struct img_compare_stats stats;
	struct img_err err = { 0 };

	cr_assert(img_compare_run(&what, NULL, &stats, &err) && !stats.same);
	cr_assert_str_empty(stats.digest);
	what.digest = "no such hash";
	cr_assert_not(img_compare_run(&what, NULL, &stats, &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED, "%s", err.text);
	img_close(a);
	img_close(b);
}

/* Later than who does not wait would ask. */
static bool after_a_moment(void *ctx)
{
	return ++*(unsigned *)ctx > 4;
}

Test(compare, who_waits_for_a_rate_can_be_cancelled, .timeout = 60)
{
	struct img *a = fake_disk(W("a") W("a"), BLOCK, 0);
	const struct img_compare what = { .a = a, .b = a, .threads = 1, .rate = 1 };
	unsigned calls = 0;
	const struct img_job job = { .cancelled = after_a_moment, .ctx = &calls };
	struct img_compare_stats stats;
	struct img_err err = { 0 };

	cr_assert_not(img_compare_run(&what, &job, &stats, &err));
	cr_assert_eq(err.code, IMG_E_CANCELLED);
	img_close(a);
}

Test(compare, the_first_loss_in_guest_order_is_the_error)
{
	struct img *a = fake_disk(W("a") "!" W("a") W("!"), BLOCK, 0);
	struct img *b = fake_disk(W("a") "a" W("a") W("a"), BLOCK, 0);

	for (size_t t = 0; t < sizeof(thread_counts) / sizeof(thread_counts[0]); t++) {
		const struct img_compare what = { .a = a, .b = b, .threads = thread_counts[t] };
		struct img_compare_stats stats;
		struct img_err err = { 0 };

		cr_assert_not(img_compare_run(&what, NULL, &stats, &err));
		cr_assert_eq(err.code, IMG_E_CORRUPT);
		cr_assert(strstr(err.text, "1048576"), "%s", err.text);
	}
	img_close(a);
	img_close(b);
}

struct talk {
	uint64_t done;
	bool backwards, cancel;
};

static void progress(void *ctx, uint64_t done, uint64_t total)
{
	struct talk *talk = ctx;

	talk->backwards |= done < talk->done || done > total;
	talk->done = done;
}

static bool cancelled(void *ctx)
{
	return ((struct talk *)ctx)->cancel;
}

Test(compare, talks_back)
{
	struct img *a = fake_disk(W("a") W(".") W("a") "a", BLOCK, 0);
	const struct img_compare what = { .a = a, .b = a, .threads = 7 };
	struct talk talk = { 0 };
	const struct img_job job = { .progress = progress, .cancelled = cancelled, .ctx = &talk };
	struct img_compare_stats stats;
	struct img_err err = { 0 };

	cr_assert(img_compare_run(&what, &job, &stats, &err));
	cr_assert_not(talk.backwards);
	cr_assert_eq(talk.done, img_size(a));
	talk.cancel = true;
	cr_assert_not(img_compare_run(&what, &job, &stats, &err));
	cr_assert_eq(err.code, IMG_E_CANCELLED);
	img_close(a);
}
