/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which copy of a GPT counts, and both of them on a disk of another size. */
#include <criterion/criterion.h>
#include <string.h>
#include <zlib.h>
#include "guest/gpt.h"
#include "memory_disk.h"

enum { SECTOR = 512, SECTORS = 4096, ENTRIES_LEN = 128 * 128, ENTRY_SECTORS = 32 };

static uint8_t disk[SECTORS * SECTOR];

static void put_copy(uint64_t here, uint64_t other, uint64_t entries_at)
{
	uint8_t *raw = disk + here * SECTOR;
	uint8_t *entries = disk + entries_at * SECTOR;

	memset(entries, 0, ENTRIES_LEN);
	entries[0] = 7;
	put_little(entries + 32, 40, 8);
	put_little(entries + 40, 1000, 8);
	memset(raw, 0, SECTOR);
	memcpy(raw, "EFI PART", 8);
	put_little(raw + 8, 0x10000, 4);
	put_little(raw + 12, 92, 4);
	put_little(raw + 24, here, 8);
	put_little(raw + 32, other, 8);
	put_little(raw + 40, 34, 8);
	put_little(raw + 48, SECTORS - ENTRY_SECTORS - 2, 8);
	put_little(raw + 72, entries_at, 8);
	put_little(raw + 80, 128, 4);
	put_little(raw + 84, 128, 4);
	put_little(raw + 88, crc32(0, entries, ENTRIES_LEN), 4);
	put_little(raw + 16, crc32(0, raw, 92), 4);
}

static void make(void)
{
	memset(disk, 0, sizeof(disk));
	disk[446 + 4] = 0xee;
	put_little(disk + 446 + 8, 1, 4);
	put_little(disk + 446 + 12, SECTORS - 1, 4);
	put_little(disk + 510, 0xaa55, 2);
	put_copy(1, SECTORS - 1, 2);
	put_copy(SECTORS - 1, 1, SECTORS - 1 - ENTRY_SECTORS);
}

struct bench {
	struct img *im;
	struct sketch *sk;
	struct gpt gpt;
};

static void look(struct bench *b)
{
	struct img_err err = { 0 };

	b->im = memory_disk(disk, sizeof(disk));
	b->sk = sketch_new(b->im, &err);
	cr_assert(b->sk && gpt_look(b->sk, SECTOR, &b->gpt, &err), "%s", err.text);
}

static void done(struct bench *b)
{
	sketch_free(b->sk);
	img_close(b->im);
}

Test(gpt, says_how_large_it_is)
{
	struct bench b;

	make();
	look(&b);
	cr_assert(b.gpt.found && b.gpt.claimed && !b.gpt.hybrid);
	cr_assert(b.gpt.primary.good && b.gpt.backup.good);
	cr_assert_eq(gpt_disk_size(&b.gpt), sizeof(disk));
	cr_assert_eq(gpt_head_len(&b.gpt), 35 * SECTOR);
	cr_assert_eq(gpt_tail_len(&b.gpt), (ENTRY_SECTORS + 1) * SECTOR);
	done(&b);
}

Test(gpt, one_good_copy_is_enough)
{
	struct bench b;

	make();
	disk[SECTOR + 60] ^= 1;
	look(&b);
	cr_assert(b.gpt.found && !b.gpt.primary.whole && b.gpt.backup.good);
	cr_assert_eq(gpt_disk_size(&b.gpt), sizeof(disk));
	done(&b);
	make();
	disk[2 * SECTOR] ^= 1;
	look(&b);
	cr_assert(b.gpt.found && b.gpt.primary.whole && !b.gpt.primary.good);
	done(&b);
}

Test(gpt, none_is_found_where_none_is_good)
{
	static const struct { size_t at, n; uint64_t value; } faults[] = {
		{ 12, 4, 1000 }, { 12, 4, 10 }, { 80, 4, 0 }, { 80, 4, 1 << 24 }, { 84, 4, 64 },
		{ 24, 8, 2 }, { 48, 8, 3 }, { 48, 8, UINT64_MAX },
	};
	struct bench b;

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		uint8_t *raw = disk + SECTOR;

		make();
		memset(disk + sizeof(disk) - SECTOR, 0, SECTOR);
		put_little(raw + faults[i].at, faults[i].value, faults[i].n);
		put_little(raw + 16, 0, 4);
		put_little(raw + 16, crc32(0, raw, 92), 4);
		look(&b);
		cr_assert(!b.gpt.found && b.gpt.claimed, "%zu", i);
		done(&b);
	}
	memset(disk, 0, sizeof(disk));
	look(&b);
	cr_assert(!b.gpt.found && !b.gpt.claimed);
	done(&b);
}

Test(gpt, moves_to_the_new_end)
{
	const uint64_t size = 2 * sizeof(disk);
	struct img_err err = { 0 };
	struct gpt moved;
	uint8_t mbr[512];
	struct bench b;

	make();
	look(&b);
	cr_assert(gpt_move(b.sk, &b.gpt, size, &err), "%s", err.text);
	cr_assert_eq(sketch_size(b.sk), size);
	cr_assert(gpt_look(b.sk, SECTOR, &moved, &err));
	cr_assert(moved.primary.good && moved.backup.good);
	cr_assert_eq(gpt_disk_size(&moved), size);
	cr_assert_eq(moved.primary.last_usable, 2 * SECTORS - ENTRY_SECTORS - 2);
	cr_assert(sketch_read(b.sk, 0, mbr, sizeof(mbr), &err));
	cr_assert(mbr[446 + 12] == 0xff && mbr[446 + 13] == 0x1f);
	done(&b);
}
