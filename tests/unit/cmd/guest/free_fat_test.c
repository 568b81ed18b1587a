/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* FAT12: entries of a bit and a half of a byte, two tables, and what makes them doubtful. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "memory_disk.h"

enum { SECTOR = 512, SECTORS = 64, DATA = 4 };	/* boot sector, two tables, root directory, data */

/* Sectors are clusters; those with numbers below are used. */
static void make(uint8_t *disk, const unsigned *used, size_t n)
{
	memset(disk, 0, SECTORS * SECTOR);
	put_little(disk + 11, SECTOR, 2);
	disk[13] = 1;
	put_little(disk + 14, 1, 2);
	disk[16] = 2;
	put_little(disk + 17, 16, 2);
	put_little(disk + 19, SECTORS, 2);
	put_little(disk + 22, 1, 2);
	for (size_t t = 1; t <= 2; t++) {
		uint8_t *table = disk + t * SECTOR;

		put_little(table, 0xfffff8, 3);
		for (size_t i = 0; i < n; i++) {
			const unsigned at = used[i] + used[i] / 2;

			if (used[i] % 2)
				put_little(table + at, 0xfff0 | (table[at] & 0xf), 2);
			else
				put_little(table + at, 0xfff | (table[at + 1] & 0xf0) << 8, 2);
		}
	}
}

static const char *read_free(const uint8_t *disk, size_t len, struct free_space *space)
{
	struct img_err err = { 0 };
	struct img *im = memory_disk(disk, len);
	struct free_place place = memory_place(im, space, &err);

	cr_assert(free_read_fat(&place, &err), "%s", err.text);
	img_close(im);
	return place.why;
}

Test(free_fat, finds_runs_of_free_clusters)
{
	static const unsigned used[] = { 2, 3, 7, 60 };
	/* Cluster 2 is the first of DATA; 61 is the last one. */
	static const struct img_span want[] = { { DATA + 2, 3 }, { DATA + 6, 52 }, { DATA + 59, 1 } };
	uint8_t disk[SECTORS * SECTOR];
	struct free_space space;

	make(disk, used, 4);
	cr_assert_null(read_free(disk, sizeof(disk), &space));
	cr_assert_eq(space.n, 3);
	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(space.spans[i].start, want[i].start * SECTOR);
		cr_assert_eq(space.spans[i].len, want[i].len * SECTOR);
	}
	free(space.spans);
}

static void doubtful(uint8_t *disk, size_t len, const char *why)
{
	struct free_space space;
	const char *said = read_free(disk, len, &space);

	cr_assert(said && strstr(said, why), "%s", said);
	free(space.spans);
}

Test(free_fat, doubts)
{
	static const struct { size_t at; uint8_t byte; const char *why; } faults[] = {
		{ 2 * SECTOR + 30, 1, "tables differ" }, { 0x25, 1, "not unmounted" },
		{ 13, 3, "damaged" }, { 16, 0, "damaged" }, { 12, 0x20, "damaged" },
		{ 20, 1, "larger than its partition" },
	};
	static const unsigned used[] = { 2 };
	uint8_t disk[SECTORS * SECTOR];

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		make(disk, used, 1);
		disk[faults[i].at] = faults[i].byte;
		if (faults[i].at == 20)		/* its table has room for as many */
			disk[13] = 4;
		doubtful(disk, sizeof(disk), faults[i].why);
	}
}
