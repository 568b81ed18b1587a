/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The encryption of an image changes in place: cancelled at any moment nobody opens it, and the next call
 * goes on; what lies beside it is not believed for another file, nor when it is damaged.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>
#include "image/image.h"
#include "unit/fake/files.h"
#include "unit/fake/key.h"

/* CALLS: so often it is asked whether to go on, for about two windows of five. */
enum { CALLS = 9, BYTES = (5 << 20) + 100, PADDED = (5 << 20) + 512, HDR_BYTES = 20 << 10 };

static struct img_err err;
static struct img_recrypt_stats stats;
static uint8_t disk[PADDED];

static void enter(void)
{
	files_enter();
	for (size_t i = 0; i < BYTES; i++)
		disk[i] = (uint8_t)(i / 512 + i % 251);
	files_write("image", disk, BYTES);
}

TestSuite(recrypt, .init = enter, .fini = files_leave);

static bool recrypt(enum img_recrypt_kind kind, const struct img_job *job)
{
	const struct img_recrypt what = {
		.path = "image", .kind = kind, .keys = fake_keys(), .threads = 2,
		.options = kind == IMG_RECRYPT_DECRYPT ? NULL : "iter-time=1",
	};

	err = (struct img_err){ 0 };
	return img_recrypt(&what, job, &stats, &err);
}

static void expect_disk(void)
{
	const struct img_open how = { .path = "image", .keys = fake_keys() };
	struct img *im = img_open(&how, &err);
	static uint8_t seen[PADDED];

	cr_assert(im, "%s", err.text);
	cr_assert_eq(img_size(im), PADDED);
	cr_assert(img_read(im, 0, seen, PADDED, &err), "%s", err.text);
	cr_assert_arr_eq(seen, disk, PADDED);
	img_close(im);
}

static void expect_nobody_opens_it(void)
{
	struct img_open how = { .path = "image", .keys = fake_keys() };
	struct img_recrypt_pending pending;
	bool found;

	cr_assert_null(img_open(&how, &err));
	cr_assert_eq(err.code, IMG_E_DENIED, "%s", err.text);
	how.format = "raw";
	cr_assert_null(img_open(&how, &err));
	cr_assert_eq(err.code, IMG_E_DENIED, "%s", err.text);
	cr_assert(img_recrypt_look("image", NULL, &pending, &found, &err) && found);
	cr_assert_lt(pending.done, pending.total);
}

static bool is_over(void *ctx)
{
	unsigned *left = ctx;

	return *left == 0 || --*left == 0;
}

/* Goes on as often as it takes, a little each time. */
static void do_in_steps(enum img_recrypt_kind kind)
{
	unsigned steps = 0;
	bool done = false;

	while (!done) {
		unsigned left = CALLS;
		const struct img_job job = { .cancelled = is_over, .ctx = &left };

		done = recrypt(kind, &job);
		cr_assert(done || err.code == IMG_E_CANCELLED, "%s", err.text);
		if (!done)
			expect_nobody_opens_it();
		cr_assert_lt(++steps, 50);
	}
	cr_assert_gt(steps, 2);
	cr_assert_gt(stats.resumed, 0);
	cr_assert_eq(files_count(), 1);
	expect_disk();
}

Test(recrypt, cancelled_and_gone_on)
{
	do_in_steps(IMG_RECRYPT_ENCRYPT);
	do_in_steps(IMG_RECRYPT_CHANGE);
	do_in_steps(IMG_RECRYPT_DECRYPT);
}

/* So that kind was begun, and some of it is done. */
static void begin(enum img_recrypt_kind kind)
{
	unsigned left = CALLS;
	const struct img_job job = { .cancelled = is_over, .ctx = &left };

	cr_assert_not(recrypt(kind, &job));
	cr_assert_eq(err.code, IMG_E_CANCELLED, "%s", err.text);
}

Test(recrypt, another_kind_is_refused_meanwhile)
{
	begin(IMG_RECRYPT_ENCRYPT);
	cr_assert_not(recrypt(IMG_RECRYPT_DECRYPT, NULL));
	cr_assert_eq(err.code, IMG_E_DENIED, "%s", err.text);
	cr_assert(recrypt(IMG_RECRYPT_ENCRYPT, NULL), "%s", err.text);
	expect_disk();
}

/* A window that was being written beside the image is done again from the one before. */
Test(recrypt, a_window_that_is_damaged_beside_it_is_not_used)
{
	size_t len;
	uint8_t *bytes;

	cr_assert(recrypt(IMG_RECRYPT_ENCRYPT, NULL), "%s", err.text);
	begin(IMG_RECRYPT_CHANGE);
	bytes = files_read("image.recrypt", &len);
	cr_assert(bytes);
	/* Both of them: then nothing tells what is done. */
	for (size_t i = len - 2 * (1 << 20); i < len; i += 1 << 16)
		bytes[i] ^= 1;
	files_write("image.recrypt", bytes, len);
	free(bytes);
	cr_assert_not(recrypt(IMG_RECRYPT_CHANGE, NULL));
	cr_assert_eq(err.code, IMG_E_CORRUPT, "%s", err.text);
}

Test(recrypt, each_byte_of_the_record_is_looked_at)
{
	size_t len;
	uint8_t *bytes;

	begin(IMG_RECRYPT_ENCRYPT);
	bytes = files_read("image.recrypt", &len);
	cr_assert(bytes);
	for (size_t i = 0; i < HDR_BYTES; i += 997) {
		struct img_recrypt_pending pending;
		bool found;

		bytes[i] ^= 0x80;
		files_write("image.recrypt", bytes, len);
		cr_assert(img_recrypt_look("image", NULL, &pending, &found, &err), "%s", err.text);
		bytes[i] ^= 0x80;
	}
	free(bytes);
}

Test(recrypt, nothing_beside_it_is_believed_for_another_file)
{
	begin(IMG_RECRYPT_ENCRYPT);
	files_write("image", disk, PADDED);
	expect_disk();
	cr_assert_not(recrypt(IMG_RECRYPT_ENCRYPT, NULL));
	cr_assert_eq(err.code, IMG_E_ARGUMENT, "%s", err.text);
	expect_disk();
}

Test(recrypt, without_the_file_beside_it_nobody_opens_it)
{
	const struct img_open how = { .path = "image", .keys = fake_keys() };

	begin(IMG_RECRYPT_ENCRYPT);
	cr_assert_eq(unlink("image.recrypt"), 0);
	cr_assert_null(img_open(&how, &err));
	cr_assert_eq(err.code, IMG_E_INCOMPLETE, "%s", err.text);
}

/* As a crash leaves it in front of the first change. */
Test(recrypt, one_that_was_never_finished_is_in_nobodys_way)
{
	static const uint8_t zeros[9000];

	files_write("image.recrypt", zeros, sizeof(zeros));
	files_write("image", disk, PADDED);
	expect_disk();
	cr_assert(recrypt(IMG_RECRYPT_ENCRYPT, NULL), "%s", err.text);
	cr_assert_eq(files_count(), 1);
	expect_disk();
}

/* ---- Plan, begin and end ------------------------------------------------------------------------- */

static bool with(struct img_recrypt what, const struct img_job *job)
{
	err = (struct img_err){ 0 };
	what.path = "image";
	what.threads = 2;
	if (what.kind != IMG_RECRYPT_DECRYPT && !what.options)
		what.options = "iter-time=1";
	return img_recrypt(&what, job, &stats, &err);
}

static void expect_untouched(void)
{
	size_t len;
	uint8_t *bytes = files_read("image", &len);

	cr_assert_eq(files_count(), 1);
	cr_assert_eq(len, BYTES);
	cr_assert_arr_eq(bytes, disk, BYTES);
	free(bytes);
}

Test(recrypt, what_cannot_be_planned_changes_nothing)
{
	const struct {
		struct img_recrypt what;
		enum img_code code;
	} cases[] = {
		{ { .kind = IMG_RECRYPT_DECRYPT, .keys = fake_keys() }, IMG_E_ARGUMENT },
		{ { .kind = IMG_RECRYPT_CHANGE, .keys = fake_keys() }, IMG_E_ARGUMENT },
		{ { .kind = IMG_RECRYPT_ENCRYPT }, IMG_E_KEY },
		{ { .kind = IMG_RECRYPT_ENCRYPT, .keys = fake_keys(), .options = "version=3" },
		  IMG_E_ARGUMENT },
		{ { .kind = IMG_RECRYPT_ENCRYPT, .keys = fake_keys(), .options = "label=x" },
		  IMG_E_ARGUMENT },
		{ { .kind = IMG_RECRYPT_ENCRYPT, .keys = fake_keys(), .journal = "image" }, IMG_E_ARGUMENT },
		{ { .kind = IMG_RECRYPT_ENCRYPT, .keys = fake_keys(), .header = "image" }, IMG_E_ARGUMENT },
		{ { .kind = IMG_RECRYPT_ENCRYPT, .keys = fake_keys(), .header = "no/head" }, IMG_E_IO },
		{ { .kind = IMG_RECRYPT_DECRYPT, .keys = fake_keys(), .header = "head" }, IMG_E_IO },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cr_assert_not(with(cases[i].what, NULL), "case %zu", i);
		cr_expect_eq(err.code, cases[i].code, "case %zu: %d, %s", i, err.code, err.text);
		expect_untouched();
	}
}

Test(recrypt, a_plan_tells_what_will_be_and_changes_nothing)
{
	cr_assert(with((struct img_recrypt){ .kind = IMG_RECRYPT_ENCRYPT, .dry_run = true }, NULL), "%s",
		  err.text);
	cr_assert_eq(stats.before, BYTES);
	cr_assert_eq(stats.guest, PADDED);
	/* It moves by no less than a header, and no more than the disk is long. */
	cr_assert_eq(stats.after, PADDED + (6 << 20));
	cr_assert_geq(stats.extra, stats.after - stats.before);
	expect_untouched();
	cr_assert(with((struct img_recrypt){ .kind = IMG_RECRYPT_ENCRYPT, .dry_run = true, .header = "head" },
		       NULL), "%s", err.text);
	cr_assert_eq(stats.after, PADDED);
	expect_untouched();
}

Test(recrypt, what_was_begun_goes_on_with_its_own_header_and_journal)
{
	struct img_recrypt what = {
		.kind = IMG_RECRYPT_ENCRYPT, .keys = fake_keys(), .header = "head", .journal = "journal",
	};
	unsigned left = CALLS;
	const struct img_job job = { .cancelled = is_over, .ctx = &left };
	struct img_recrypt_pending pending;
	bool found;

	cr_assert_not(with(what, &job));
	cr_assert_eq(err.code, IMG_E_CANCELLED, "%s", err.text);
	cr_assert_eq(files_count(), 3);
	cr_assert(img_recrypt_look("image", "journal", &pending, &found, &err) && found);
	files_write("other", disk, HDR_BYTES);
	what.header = NULL;
	cr_assert_not(with(what, NULL));
	cr_assert_eq(err.code, IMG_E_ARGUMENT, "%s", err.text);
	what.header = "other";
	cr_assert_not(with(what, NULL));
	cr_assert_eq(err.code, IMG_E_ARGUMENT, "%s", err.text);
	what.header = "head";
	cr_assert(with(what, NULL), "%s", err.text);
	/* Image, header and the other file: the journal is gone. */
	cr_assert_eq(files_count(), 3);
	what.kind = IMG_RECRYPT_DECRYPT;
	cr_assert(with(what, NULL), "%s", err.text);
	expect_disk();
}
