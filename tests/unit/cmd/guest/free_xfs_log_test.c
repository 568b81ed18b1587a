/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a log ends, and whether its last record says that the file system was unmounted. */
#include <criterion/criterion.h>
#include <string.h>
#include "guest/free_xfs.h"
#include "memory_disk.h"

enum { SECTOR = 512, SECTORS = 64, BLOCK = 4096, FIRST = 2 };

static uint8_t disk[SECTORS * SECTOR + FIRST * BLOCK];

static uint8_t *sector(unsigned i)
{
	return disk + FIRST * BLOCK + (size_t)i * SECTOR;
}

/* Sectors below head are of that round, others of the one before. */
static void make(unsigned head, uint32_t round)
{
	memset(disk, 0, sizeof(disk));
	for (unsigned i = 0; i < SECTORS; i++)
		put_big(sector(i), i < head ? round : round - 1, 4);
}

/* A record of that many sectors behind its header. */
static void put_record(unsigned at, uint32_t round, unsigned n, unsigned ops, uint8_t flags)
{
	put_big(sector(at), 0xfeedbabe, 4);
	put_big(sector(at) + 4, round, 4);
	put_big(sector(at) + 12, n * SECTOR, 4);
	put_big(sector(at) + 40, ops, 4);
	put_big(sector(at) + 320, 32768, 4);
	sector(at + 1)[9] = flags;
}

static bool is_clean(void)
{
	struct img_err err = { 0 };
	struct free_space space;
	struct img *im = memory_disk(disk, sizeof(disk));
	struct free_place place = memory_place(im, &space, &err);
	const struct xfs fs = {
		.place = &place, .block = BLOCK, .ag_blocks = 100, .n_ags = 1, .ag_bits = 7,
		.log = FIRST, .log_blocks = SECTORS * SECTOR / BLOCK,
	};
	const bool clean = xfs_was_unmounted(&fs);

	cr_assert_eq(clean, !place.why);
	img_close(im);
	return clean;
}

Test(free_xfs_log, ends_with_an_unmount_record)
{
	for (unsigned head = 2; head <= SECTORS; head++) {
		make(head, 5);
		put_record(head - 2, 5, 1, 1, 0x20);
		cr_assert(is_clean(), "head %u", head);
	}
	/* Never gone around: the rest is empty. */
	make(9, 1);
	put_record(7, 1, 1, 1, 0x20);
	cr_assert(is_clean());
}

Test(free_xfs_log, anything_else_is_to_be_replayed)
{
	make(20, 5);
	cr_assert_not(is_clean(), "no record");
	put_record(18, 5, 1, 1, 0);
	cr_assert_not(is_clean(), "another one");
	put_record(18, 5, 1, 2, 0x20);
	cr_assert_not(is_clean(), "one of several");
	put_record(18, 5, 2, 1, 0x20);
	cr_assert_not(is_clean(), "it reaches further");
	make(20, 5);
	put_record(17, 5, 1, 1, 0x20);
	cr_assert_not(is_clean(), "something comes behind it");
}

Test(free_xfs_log, rounds_that_are_mixed_are_doubtful)
{
	make(20, 5);
	put_record(18, 5, 1, 1, 0x20);
	put_big(sector(40), 5, 4);
	cr_assert_not(is_clean(), "written ahead");
	put_big(sector(40), 4, 4);
	put_big(sector(10), 3, 4);
	cr_assert_not(is_clean(), "left out");
}
