/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What changed from one drawn disk to another. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "copy/copy.h"
#include "unit/fake/fake.h"

#define BLOCK 65536
#define W(c) c c c c c c c c c c c c c c c c	/* a window */

static const unsigned thread_counts[] = { 1, 2, 7 };

struct told {
	char text[256];
	const uint8_t *content;		/* of the newer disk */
	bool with_bytes;
	unsigned fail_call;		/* from 1; 0: none */
	unsigned calls;
};

/* "3+2" for two blocks from block 3 on that hold data, "3-2" for zeros. */
static bool tell(void *ctx, const struct img_change *change, struct img_err *err)
{
	struct told *told = ctx;
	const size_t done = strlen(told->text);

	if (++told->calls == told->fail_call)
		return img_fail(err, IMG_E_NOSPACE, "fake: told");
	cr_assert_eq(change->bytes != NULL, told->with_bytes && !change->zero);
	if (change->bytes)
		cr_assert_arr_eq(change->bytes, told->content + change->at, change->len);
	snprintf(told->text + done, sizeof(told->text) - done, "%s%.6g%c%.6g", done ? " " : "",
		 (double)change->at / BLOCK, change->zero ? '-' : '+', (double)change->len / BLOCK);
	return true;
}

/* Lets two stores seem to be the same file. */
static void name_alike(struct img *a, struct img *b)
{
	struct img *const images[] = { a, b };

	for (size_t i = 0; i < 2; i++) {
		free(images[i]->layers[0].store->name);
		images[i]->layers[0].store->name = strdup(".");
	}
}

enum mode {
	MAPS = 0, BYTES = 1, COMPARE = 2,
	ONE_FILE = 4,
};

static const struct {
	const char *a, *b;
	unsigned mode;
	const char *changes;
} cases[] = {
	{ "aaaa", "a.nn", ONE_FILE | BYTES, "1-1 2+2" },
	/* Two places of one file hold something else, whatever stands there. */
	{ "abc", "abc", ONE_FILE | MAPS, "" },
	{ "aaa", "ana", ONE_FILE | MAPS, "1+1" },
	{ "aaaa", "a..a", ONE_FILE | MAPS, "1-2" },
	{ "aaaa", "a0za", ONE_FILE | MAPS, "1-2" },
	{ "a0.z", "az0.", ONE_FILE | MAPS, "" },
	{ "..aa", "naaa", ONE_FILE | MAPS, "0+2" },
	{ "AAAA", "AAAA", ONE_FILE | MAPS, "" },
	{ "AAAA", "AaaA", ONE_FILE | MAPS, "1+2" },
	{ "AAAAaAA", "AAaAAA.", ONE_FILE | MAPS, "2+1 4+1 6-1" },
	{ "AAQQ.aA", "QAQAAaA", ONE_FILE | MAPS, "4+1" },
	{ "!a", "aa", ONE_FILE | MAPS, "0+1" },
	{ "aa", "a-", ONE_FILE | BYTES, "" },
	{ "an", "a-", ONE_FILE | BYTES, "1-1" },
	/* Two files: the bytes tell. */
	{ "aaa", "aaa", MAPS, "0+3" },
	{ "aaaa", "abza", COMPARE, "1+1 2-1" },
	{ "qqqq", "qqQQ", COMPARE, "" },
	{ "aaaa", "baab", COMPARE | BYTES, "0+1 3+1" },
	{ "aaa-", "aaaz", COMPARE, "" },
	{ W("a") W("a"), "n" W("a") "n" W("b"), COMPARE | BYTES, "0+1 17+1 18+14 32+2" },
	/* Lengths that differ. */
	{ "aa", "aa..", COMPARE, "" },
	{ "aa", "aa.c", COMPARE, "3+1" },
	{ "aacc", "aa", COMPARE, "" },
	{ "aa", "aac", ONE_FILE | MAPS, "2+1" },
};

static bool run(size_t i, unsigned threads, struct told *told, struct img_err *err)
{
	struct img *a = fake_disk(cases[i].a, BLOCK, 0), *b = fake_disk(cases[i].b, BLOCK, 0);
	uint8_t *content = fake_content(cases[i].b, BLOCK, 0);
	const struct img_diff what = {
		.a = a, .b = b, .threads = threads, .compare = cases[i].mode & COMPARE,
		.with_bytes = cases[i].mode & BYTES, .changed = tell, .ctx = told,
	};

	if (cases[i].mode & ONE_FILE)
		name_alike(a, b);
	told->content = content;
	told->with_bytes = what.with_bytes;
	const bool ok = img_diff_run(&what, NULL, err);

	if (!what.with_bytes && !what.compare)
		cr_assert_eq(fake_store_of(a)->reads + fake_store_of(b)->reads +
			     fake_disk_of(a)->decodes + fake_disk_of(b)->decodes, 0);
	free(content);
	img_close(a);
	img_close(b);
	return ok;
}

Test(diff, finds_what_changed)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t t = 0; t < sizeof(thread_counts) / sizeof(thread_counts[0]); t++) {
			struct told told = { .calls = 0 };
			struct img_err err = { 0 };

			cr_assert(run(i, thread_counts[t], &told, &err), "%zu: %s", i, err.text);
			cr_assert_str_eq(told.text, cases[i].changes, "%zu: %s", i, told.text);
		}
	}
}

Test(diff, ends_with_the_first_failure_of_who_is_told)
{
	for (size_t t = 0; t < sizeof(thread_counts) / sizeof(thread_counts[0]); t++) {
		struct told told = { .fail_call = 2 };
		struct img_err err = { 0 };

		cr_assert_not(run(0, thread_counts[t], &told, &err));
		cr_assert_eq(err.code, IMG_E_NOSPACE);
		cr_assert_str_eq(told.text, "1-1");
	}
}

static enum img_code failure(const char *a, const char *b, bool compare)
{
	struct told told = { .calls = 0 };
	struct img_err err = { 0 };
	const struct img_diff what = {
		.a = fake_disk(a, BLOCK, 0), .b = fake_disk(b, BLOCK, 0), .compare = compare,
		.changed = tell, .ctx = &told,
	};

	cr_assert_not(img_diff_run(&what, NULL, &err));
	img_close(what.a);
	img_close(what.b);
	return err.code;
}

Test(diff, what_is_lost_is_no_zeros)
{
	cr_assert_eq(failure("aa", "a!", false), IMG_E_CORRUPT);
	cr_assert_eq(failure("a!", "a!", false), IMG_E_CORRUPT);
	cr_assert_eq(failure("a!", "a.", true), IMG_E_CORRUPT);
}

Test(diff, a_stream_cannot_be_walked)
{
	struct told told = { .calls = 0 };
	struct img_err err = { 0 };
	const struct img_diff what = {
		.a = fake_stream("aa", BLOCK, 0), .b = fake_disk("aa", BLOCK, 0),
		.changed = tell, .ctx = &told,
	};

	cr_assert_not(img_diff_run(&what, NULL, &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED);
	img_close(what.a);
	img_close(what.b);
}
