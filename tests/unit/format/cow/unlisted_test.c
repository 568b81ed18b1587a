/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Data of sectors whose bits are not set, in a file with holes. */
#include <criterion/criterion.h>
#include <string.h>
#include "format/cow/cow.h"

enum { SECTORS = 4096, FIRST = 300, RUN = 200, LAST = SECTORS - 1 };

static struct cow_header hdr;
static struct img_store *file;
static struct img_err err;

static void put(uint64_t sector, uint64_t n, size_t last_len)
{
	uint8_t bytes[COW_SECTOR];

	memset(bytes, 1, sizeof(bytes));
	for (uint64_t i = 0; i < n; i++)
		cr_assert(img_store_write(file, hdr.data_off + (sector + i) * COW_SECTOR, bytes,
					  i + 1 < n ? sizeof(bytes) : last_len, &err));
}

static void begin(void)
{
	hdr = (struct cow_header){
		.kind = COW_QEMU, .size = SECTORS * COW_SECTOR, .sector = COW_SECTOR,
		.align = COW_SECTOR,
	};
	cow_header_place(&hdr);
	file = img_store_temporary(NULL, &err);
	cr_assert(file, "%s", err.text);
	put(FIRST, RUN, COW_SECTOR);
	put(LAST, 1, 1);
}

static void end(void)
{
	img_store_close(file);
}

TestSuite(cow_unlisted, .init = begin, .fini = end);

/* Looks at sectors [first, first + n) in steps. */
static struct img_findings look(uint64_t first, uint64_t n, uint64_t step)
{
	struct img_findings found = { .most = SECTORS };
	struct cow_map map;
	struct cow_unlisted u;

	cr_assert(cow_map_init(&map, &hdr, file, 0, &err), "%s", err.text);
	cr_assert(cow_unlisted_init(&u, &map, &found, &err), "%s", err.text);
	for (uint64_t i = 0; i < n; i += step)
		cr_assert(cow_unlisted_look(&u, first + i, step, &err), "%s", err.text);
	cow_unlisted_clear(&u);
	cow_map_clear(&map);
	return found;
}

static void expect(const struct img_finding *f, uint64_t sector, uint64_t n)
{
	cr_assert_eq(f->guest, sector * COW_SECTOR);
	cr_assert_eq(f->host, hdr.data_off + sector * COW_SECTOR);
	cr_assert_eq(f->n, n);
}

Test(cow_unlisted, finds_runs_and_a_sector_that_the_file_ends_in)
{
	static const uint64_t steps[] = { 1, 7, 512, SECTORS };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct img_findings found = look(0, SECTORS, steps[i]);

		cr_assert_eq(found.n, 2, "%zu", found.n);
		expect(&found.v[0], FIRST, RUN);
		expect(&found.v[1], LAST, 1);
		img_findings_clear(&found);
	}
}

Test(cow_unlisted, looks_at_no_other_sectors)
{
	struct img_findings found = look(FIRST + 10, 20, 20);

	cr_assert_eq(found.n, 1);
	expect(&found.v[0], FIRST + 10, 20);
	img_findings_clear(&found);
	found = look(FIRST + RUN, LAST - FIRST - RUN, 1);
	cr_assert_eq(found.n, 0);
	img_findings_clear(&found);
}

Test(cow_unlisted, finds_nothing_behind_the_end_of_the_file)
{
	struct img_findings found;

	cr_assert(img_store_resize(file, hdr.data_off + COW_SECTOR / 2, &err));
	found = look(0, SECTORS, SECTORS);
	cr_assert_eq(found.n, 0);
	img_findings_clear(&found);
}
