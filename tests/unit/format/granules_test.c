/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Granules: what is written where, in how many writes, and what stays dirty. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/err.h"
#include "format/granules.h"

enum { G = IMG_GRANULE, OFF = 100, LEN = 200 * G + 10 };

static unsigned char value;

/* Granule i is full of value + i. */
static void encode(const void *ctx, uint64_t at, uint8_t *raw)
{
	memset(raw, *(const unsigned char *)ctx + (int)(at / G), G);
}

static struct img_granules make(struct img_store *file)
{
	struct img_granules g = {
		.file = file, .off = OFF, .len = LEN, .encode = encode, .ctx = &value,
	};

	value = 1;
	cr_assert(img_granules_init(&g, NULL));
	return g;
}

static bool flush(struct img_granules *g)
{
	struct img_granules_taken taken;
	bool ok;

	cr_assert(img_granules_take(g, &taken, NULL));
	ok = img_granules_write(g, &taken, NULL);
	if (!ok)
		img_granules_give_back(g, &taken);
	img_granules_taken_clear(&taken);
	return ok;
}

static unsigned byte_at(struct img_store *file, uint64_t at)
{
	uint8_t byte;

	cr_assert(img_store_read(file, at, &byte, 1, NULL));
	return byte;
}

/* ---- A file that counts ---------------------------------------------------------------------- */

static struct { uint64_t at; size_t len; } writes[8];
static size_t n_writes;
static bool fails;

static bool count_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
			struct img_err *err)
{
	(void)st;
	(void)buf;
	cr_assert_lt(n_writes, 8);
	writes[n_writes].at = at;
	writes[n_writes++].len = len;
	return !fails || img_fail(err, IMG_E_IO, "no");
}

static bool endless(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	(void)st;
	(void)err;
	*bytes = UINT64_MAX / 2;
	return true;
}

static const struct img_store_ops counting_ops = { .write = count_write, .size = endless };
static struct img_store counting = {
	.ops = &counting_ops, .caps = IMG_STORE_WRITE | IMG_STORE_SEEK, .align = 1,
};

/* ---- The tests ------------------------------------------------------------------------------- */

Test(granules, what_was_changed_is_written_where_it_belongs)
{
	struct img_store *file = img_store_mem(NULL, 0, NULL);
	struct img_granules g = make(file);
	uint64_t size;

	img_granules_mark(&g, 5 * G + 4, 5 * G + 8);
	img_granules_mark(&g, 200 * G + 9, LEN);
	cr_assert(flush(&g));
	cr_assert(byte_at(file, OFF + 5 * G - 1) == 0 && byte_at(file, OFF + 5 * G) == 6);
	cr_assert(byte_at(file, OFF + 6 * G - 1) == 6 && byte_at(file, OFF + 6 * G) == 0);
	cr_assert_eq(byte_at(file, OFF + LEN - 1), 201);
	cr_assert(img_store_size(file, &size, NULL) && size == OFF + LEN, "the last one is short");
	img_granules_clear(&g);
	img_store_close(file);
}

Test(granules, what_was_written_is_not_written_again)
{
	struct img_granules g = make(&counting);

	img_granules_mark(&g, 0, 1);
	cr_assert(flush(&g) && n_writes == 1);
	cr_assert(flush(&g) && n_writes == 1);
	img_granules_mark(&g, 0, 1);
	cr_assert(flush(&g) && n_writes == 2);
	img_granules_clear(&g);
}

Test(granules, neighbours_go_in_one_write)
{
	struct img_granules g = make(&counting);

	img_granules_mark(&g, 63 * G + 1, 65 * G + 1);
	img_granules_mark(&g, 65 * G, 66 * G);
	img_granules_mark(&g, 2 * G - 1, 2 * G);
	cr_assert(flush(&g) && n_writes == 2);
	cr_assert(writes[0].at == OFF + G && writes[0].len == G);
	cr_assert(writes[1].at == OFF + 63 * G && writes[1].len == 3 * G);
	img_granules_clear(&g);
}

Test(granules, what_was_not_written_stays_dirty)
{
	struct img_granules g = make(&counting);

	fails = true;
	img_granules_mark(&g, 3 * G, 4 * G);
	cr_assert_not(flush(&g));
	fails = false;
	img_granules_mark(&g, 4 * G, 5 * G);
	cr_assert(flush(&g) && n_writes == 2 && writes[1].len == 2 * G);
	img_granules_clear(&g);
}

Test(granules, what_changes_after_it_was_taken_is_another_matter)
{
	struct img_store *file = img_store_mem(NULL, 0, NULL);
	struct img_granules g = make(file);
	struct img_granules_taken taken;

	img_granules_mark(&g, 0, G);
	cr_assert(img_granules_take(&g, &taken, NULL));
	value = 50;
	img_granules_mark(&g, 0, G);
	cr_assert(img_granules_write(&g, &taken, NULL) && byte_at(file, OFF) == 1);
	img_granules_taken_clear(&taken);
	cr_assert(flush(&g) && byte_at(file, OFF) == 50);
	img_granules_clear(&g);
	img_store_close(file);
}
