/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a scan shows: all bytes, once, in whole grains and in their order. */
#include <criterion/criterion.h>
#include <string.h>
#include "store/store.h"

enum { LEN = 3 * IMG_SCAN_BYTES + 700 };

struct seen {
	uint64_t next;
	unsigned calls;
	uint64_t fail_at;
};

static bool see(void *ctx, uint64_t at, const uint8_t *bytes, size_t len, struct img_err *err)
{
	struct seen *seen = ctx;

	cr_assert_eq(at, seen->next);
	for (size_t i = 0; i < len; i += 97)
		cr_assert_eq(bytes[i], (uint8_t)((at + i) % 251));
	seen->next = at + len;
	seen->calls++;
	return at < seen->fail_at || img_fail(err, IMG_E_CANCELLED, "enough");
}

static struct img_store *make(void)
{
	uint8_t *bytes = malloc(LEN);
	struct img_store *st;

	cr_assert(bytes);
	for (size_t i = 0; i < LEN; i++)
		bytes[i] = (uint8_t)(i % 251);
	st = img_store_mem(bytes, LEN, NULL);
	cr_assert(st);
	free(bytes);
	return st;
}

Test(scan, shows_all)
{
	struct img_store *st = make();
	struct seen seen = { .next = 300, .fail_at = UINT64_MAX };
	const struct img_store_scan scan = { .run = see, .ctx = &seen };

	cr_assert(img_store_scan(st, 300, LEN, 512, &scan, NULL));
	cr_assert_eq(seen.next, LEN);
	cr_assert_eq(seen.calls, 4);
	img_store_close(st);
}

Test(scan, of_nothing)
{
	struct img_store *st = make();
	struct seen seen = { 0 };
	const struct img_store_scan scan = { .run = see, .ctx = &seen };

	cr_assert(img_store_scan(st, 512, 512, 512, &scan, NULL));
	cr_assert(img_store_scan(st, 1024, 512, 512, &scan, NULL));
	cr_assert_eq(seen.calls, 0);
	img_store_close(st);
}

Test(scan, ends_when_told)
{
	struct img_store *st = make();
	struct seen seen = { .fail_at = IMG_SCAN_BYTES };
	const struct img_store_scan scan = { .run = see, .ctx = &seen };
	struct img_err err = { 0 };

	cr_assert_not(img_store_scan(st, 0, LEN, 512, &scan, &err));
	cr_assert_eq(err.code, IMG_E_CANCELLED);
	cr_assert_eq(seen.calls, 2);
	img_store_close(st);
}

static bool has_a_piece(const void *ctx)
{
	return ((const struct seen *)ctx)->calls == 1;
}

Test(scan, ends_with_enough)
{
	struct img_store *st = make();
	struct seen seen = { .fail_at = UINT64_MAX };
	const struct img_store_scan scan = { .run = see, .has_enough = has_a_piece, .ctx = &seen };

	cr_assert(img_store_scan(st, 0, LEN, 512, &scan, NULL));
	cr_assert_eq(seen.next, IMG_SCAN_BYTES);
	cr_assert_eq(seen.calls, 1);
	img_store_close(st);
}
