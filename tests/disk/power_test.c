/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the simulated loss of power leaves and takes, on files whose history is short. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "disk/power.h"

enum { SECTORS = 8, LEN = SECTORS * SECTOR };

static struct img_err err;
static struct history history;
static struct recorder rec;
static struct power power;
static struct random dice;
static uint8_t *start;

static void begin(void)
{
	dice = random_from(1);
	start = malloc(LEN);
	memset(start, 's', LEN);
	recorder_init(&rec, &history, 0, start, LEN);
}

static void end(void)
{
	power_free(&power);
	power = (struct power){ 0 };
	recorder_free(&rec);
	history_clear(&history);
	free(start);
}

TestSuite(power, .init = begin, .fini = end);

#define ok(call) cr_assert((call), "%s: %s", #call, err.text)

static void put(struct img_store *st, uint64_t at, uint64_t len, char c)
{
	uint8_t bytes[LEN];

	memset(bytes, c, len);
	ok(img_store_write(st, at, bytes, len, &err));
}

/* Cuts at the end; the first byte of each sector, a dot for 0.  Until the next call. */
static const char *cut(enum cut_kind kind)
{
	static char seen[4 * SECTORS + 1];
	uint64_t len;
	uint8_t *bytes;
	size_t n = 0;

	if (!power.history)
		power_init(&power, &history, 1, &start, &(uint64_t){ LEN });
	while (power.at < history.n)
		power_step(&power);
	power_cut(&power, kind, &dice);
	bytes = power_bytes(&power, 0, &len);
	for (uint64_t at = 0; at < len; at += SECTOR)
		seen[n++] = bytes[at] ? (char)bytes[at] : '.';
	seen[n] = '\0';
	free(bytes);
	return seen;
}

Test(power, synced_is_there_and_the_rest_may_be)
{
	struct img_store *st = recorder_store(&rec);

	put(st, 0, 2 * SECTOR, 'a');
	ok(img_store_zero(st, 7 * SECTOR, SECTOR, false, &err));
	ok(img_store_sync(st, &err));
	put(st, SECTOR, 2 * SECTOR, 'b');
	put(st, 2 * SECTOR, 2 * SECTOR, 'c');
	cr_assert_str_eq(cut(CUT_ALL_LOST), "aasssss.");
	cr_assert_str_eq(cut(CUT_NOTHING_LOST), "abccsss.");
	for (int i = 0; i < 20; i++) {
		const char *one = cut(CUT_ONE_KEPT);

		cr_assert(!strcmp(one, "abbssss.") || !strcmp(one, "aaccsss."), "%s", one);
		one = cut(CUT_ONE_LOST);
		cr_assert(!strcmp(one, "abbssss.") || !strcmp(one, "aaccsss."), "%s", one);
	}
	img_store_close(st);
}

Test(power, writes_are_torn_between_sectors)
{
	struct img_store *st = recorder_store(&rec);
	bool half = false;

	put(st, 0, 4 * SECTOR, 'a');
	put(st, 2 * SECTOR, 2 * SECTOR, 'b');
	for (int i = 0; i < 200; i++) {
		const char *seen = cut(i % 2 ? CUT_TORN : CUT_MIXED);

		cr_assert_eq(strspn(seen, "as"), 2 + strspn(seen + 2, "as"), "%s", seen);
		cr_assert_eq(strspn(seen + 2, "abs"), SECTORS - 2, "%s", seen);
		half |= !strcmp(seen, "sassssss") || !strcmp(seen, "aasbssss");
	}
	cr_assert(half);
	img_store_close(st);
}

Test(power, a_sector_holds_what_some_write_left_in_it)
{
	struct img_store *st = recorder_store(&rec);
	const char *seen;
	uint64_t len;
	uint8_t *bytes;

	put(st, 0, 10, 'a');
	put(st, 100, 10, 'b');
	seen = cut(CUT_ONE_KEPT);
	bytes = power_bytes(&power, 0, &len);
	/* The second write found the first one in the sector. */
	cr_assert(seen[0] == 'a' && bytes[9] == 'a' && bytes[10] == 's');
	cr_assert(bytes[100] == 's' || bytes[100] == 'b');
	free(bytes);
	img_store_close(st);
}

Test(power, a_file_is_as_long_as_what_survives)
{
	struct img_store *st = recorder_store(&rec);
	bool lost = false, kept = false;

	ok(img_store_resize(st, 12 * SECTOR, &err));
	cr_assert_str_eq(cut(CUT_NOTHING_LOST), "ssssssss....");
	cr_assert_str_eq(cut(CUT_ALL_LOST), "ssssssss");
	put(st, 9 * SECTOR, SECTOR, 'a');
	for (int i = 0; i < 50; i++) {
		const char *seen = cut(CUT_SOME_LOST);

		lost |= !strcmp(seen, "ssssssss.a");
		kept |= !strcmp(seen, "ssssssss.a..");
	}
	cr_assert(lost && kept);
	ok(img_store_resize(st, 3 * SECTOR, &err));
	ok(img_store_sync(st, &err));
	cr_assert_str_eq(cut(CUT_ALL_LOST), "sss");
	ok(img_store_preallocate(st, 3 * SECTOR, SECTOR, IMG_PREALLOC_FALLOC, &err));
	cr_assert_str_eq(cut(CUT_NOTHING_LOST), "sss.");
	img_store_close(st);
}
