/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs of clusters, records that were written half, and the states of the log. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "guest/free_ntfs.h"
#include "memory_disk.h"

enum { CLUSTER = 4096, PAGE = 4096, CLUSTERS = 300 };

/* All runs until the end or a fault; returns how many there were, or -1. */
static int runs_of(const uint8_t *bytes, size_t len, struct ntfs_run *out)
{
	const struct ntfs fs = { .cluster = CLUSTER, .n_clusters = CLUSTERS };
	struct ntfs_stream stream = { .runs = bytes, .runs_len = len };
	int n = 0;

	while (ntfs_next_run(&fs, &stream, &out[n]))
		if (!out[n++].n)
			return n - 1;
	return -1;
}

Test(free_ntfs, runs)
{
	static const struct { int n; uint8_t bytes[12]; struct ntfs_run want[2]; } good[] = {
		{ 0, { 0 }, { { 0 } } },
		{ 1, { 0x11, 5, 7, 0 }, { { 7, 5 } } },
		{ 1, { 0x21, 5, 0, 1, 0 }, { { 256, 5 } } },
		{ 2, { 0x11, 5, 100, 0x11, 3, 0xf0, 0 }, { { 100, 5 }, { 84, 3 } } },
	};
	static const uint8_t bad[][6] = {
		{ 0x01, 5, 0x11, 1, 1, 0 },		/* a hole */
		{ 0x11, 0x80, 7, 0 }, { 0x11, 0, 7, 0 },	/* no length */
		{ 0x11, 5, 0xf0, 0 },			/* in front of the volume */
		{ 0x21, 46, 0, 1, 0 },			/* behind it */
		{ 0x91, 1, 1, 1, 1, 1 }, { 0x11, 5, 7, 0x44, 1, 1 },	/* too long */
		{ 0x11, 1, 1, 0x11, 1, 1 },		/* no end */
	};
	struct ntfs_run found[8];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		cr_assert_eq(runs_of(good[i].bytes, sizeof(good[i].bytes), found), good[i].n);
		for (int k = 0; k < good[i].n; k++)
			cr_assert(found[k].first == good[i].want[k].first &&
				  found[k].n == good[i].want[k].n, "%zu", i);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(runs_of(bad[i], sizeof(bad[i]), found), -1, "%zu", i);
}

/* Protects a page as if it had been written whole. */
static void protect(uint8_t *page, size_t len, const char *magic)
{
	memcpy(page, magic, 4);
	put_little(page + 4, 48, 2);
	put_little(page + 6, len / NTFS_SECTOR + 1, 2);
	put_little(page + 48, 0xbeef, 2);
	for (size_t i = 1; i <= len / NTFS_SECTOR; i++) {
		memcpy(page + 48 + 2 * i, page + i * NTFS_SECTOR - 2, 2);
		put_little(page + i * NTFS_SECTOR - 2, 0xbeef, 2);
	}
}

Test(free_ntfs, restores_what_was_written_whole)
{
	uint8_t record[1024] = { [510] = 1, [1022] = 2 }, other[1024];

	protect(record, sizeof(record), "FILE");
	memcpy(other, record, sizeof(record));
	cr_assert(ntfs_restore(record, sizeof(record), "FILE"));
	cr_assert(record[510] == 1 && record[1022] == 2);
	other[1022]++;
	cr_assert_not(ntfs_restore(other, sizeof(other), "FILE"));
	cr_assert_not(ntfs_restore(other, sizeof(other), "RSTR"));
}

/* One of the two pages at the start of a log. */
static void make_page(uint8_t *page, uint64_t lsn, unsigned client, unsigned flags, unsigned major)
{
	memset(page, 0, PAGE);
	put_little(page + 16, PAGE, 4);
	put_little(page + 24, 80, 2);
	put_little(page + 28, major, 2);
	put_little(page + 80, lsn, 8);
	put_little(page + 92, client, 2);
	put_little(page + 94, flags, 2);
	protect(page, PAGE, "RSTR");
}

/* Why the log in pages is not clean, or NULL. */
static const char *log_of(const uint8_t *pages, bool force)
{
	static const uint8_t runs[] = { 0x11, 2, 0, 0 };
	struct ntfs_stream stream = { .runs = runs, .runs_len = sizeof(runs), .len = 2 * PAGE };
	struct img_err err = { 0 };
	struct free_space space;
	struct img *im = memory_disk(pages, 2 * PAGE);
	struct free_place place = memory_place(im, &space, &err);
	const struct ntfs fs = { .place = &place, .cluster = CLUSTER, .n_clusters = 2 };
	bool clean;

	place.force = force;
	clean = ntfs_log_is_clean(&fs, &stream);
	cr_assert_eq(clean, !place.why);
	img_close(im);
	return place.why;
}

Test(free_ntfs, log_is_closed_by_its_newer_page)
{
	static const struct { uint64_t lsn[2]; unsigned client[2], flags[2], major; bool clean; } logs[] = {
		{ { 5, 6 }, { 0xffff, 0xffff }, { 0, 0 }, 1, true },
		{ { 5, 6 }, { 0, 0 }, { 2, 2 }, 1, true },
		{ { 5, 6 }, { 0, 0 }, { 0, 2 }, 1, true },
		{ { 7, 6 }, { 0, 0 }, { 0, 2 }, 1, false },
		{ { 5, 6 }, { 0, 0 }, { 2, 0 }, 1, false },
		{ { 5, 6 }, { 0xffff, 0xffff }, { 2, 2 }, 2, false },
	};
	uint8_t pages[2 * PAGE];

	memset(pages, 0xff, sizeof(pages));
	cr_assert_null(log_of(pages, false), "one that was emptied");
	pages[100] = 0;
	cr_assert(log_of(pages, false));
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		for (int k = 0; k < 2; k++)
			make_page(pages + k * PAGE, logs[i].lsn[k], logs[i].client[k],
				  logs[i].flags[k], logs[i].major);
		cr_assert_eq(!log_of(pages, false), logs[i].clean, "%zu", i);
		cr_assert_null(log_of(pages, true));
	}
}
