/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Partitions of an MBR, with those in the chain of the extended one. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "guest/partitions.h"
#include "memory_disk.h"

enum { SECTOR = 512, SECTORS = 16384 };

static uint8_t disk[SECTORS * SECTOR];

static void put_record(uint64_t sector, int i, uint8_t type, uint32_t start, uint32_t n)
{
	uint8_t *record = disk + sector * SECTOR + 446 + i * 16;

	record[4] = type;
	put_little(record + 8, start, 4);
	put_little(record + 12, n, 4);
	put_little(disk + sector * SECTOR + 510, 0xaa55, 2);
}

/* One primary partition, and two logical ones. */
static void make(void)
{
	memset(disk, 0, sizeof(disk));
	put_record(0, 0, 0x83, 2048, 2048);
	put_record(0, 1, 0x05, 4096, 8192);
	put_record(4096, 0, 0x83, 1024, 1000);
	put_record(4096, 1, 0x05, 4096, 4096);
	put_record(8192, 0, 0x82, 1024, 500);
}

static bool read_parts(struct sketch *sk, const char *kind, struct partition **parts, size_t *n)
{
	struct img_err err = { 0 };

	return partitions_read(sk, kind, SECTOR, parts, n, &err);
}

static void expect(const struct partition *part, unsigned number, uint64_t start, uint64_t n)
{
	cr_assert(part->number == number && part->start == start * SECTOR && part->len == n * SECTOR,
		  "%u: %lu %lu", part->number, (unsigned long)part->start,
		  (unsigned long)part->len);
}

Test(partitions, reads_the_chain)
{
	struct img_err err = { 0 };
	struct partition *parts;
	struct sketch *sk;
	struct img *im;
	size_t n;

	make();
	im = memory_disk(disk, sizeof(disk));
	sk = sketch_new(im, &err);
	cr_assert(read_parts(sk, "dos", &parts, &n) && n == 4);
	expect(&parts[0], 1, 2048, 2048);
	expect(&parts[1], 2, 4096, 8192);
	expect(&parts[2], 5, 5120, 1000);
	expect(&parts[3], 6, 9216, 500);
	cr_assert(parts[1].container && !parts[0].container);
	cr_assert(parts[3].inside && !parts[0].inside);
	free(parts);
	cr_assert_not(read_parts(sk, "gpt", &parts, &n));
	sketch_free(sk);
	img_close(im);
}

Test(partitions, a_chain_that_is_a_loop_ends)
{
	struct img_err err = { 0 };
	struct partition *parts = NULL;
	struct sketch *sk;
	struct img *im;
	size_t n;

	make();
	put_record(8192, 1, 0x05, 4096, 4096);
	im = memory_disk(disk, sizeof(disk));
	sk = sketch_new(im, &err);
	if (read_parts(sk, "dos", &parts, &n))
		cr_assert_lt(n, 200);
	free(parts);
	sketch_free(sk);
	img_close(im);
}

Test(partitions, a_new_length_is_written)
{
	struct img_err err = { 0 };
	struct partition *parts;
	struct sketch *sk;
	struct img *im;
	size_t n;

	make();
	im = memory_disk(disk, sizeof(disk));
	sk = sketch_new(im, &err);
	cr_assert(read_parts(sk, "dos", &parts, &n));
	parts[3].len = 700 * SECTOR;
	cr_assert(partitions_set_len(sk, "dos", SECTOR, &parts[3], 1, &err), "%s", err.text);
	free(parts);
	cr_assert(read_parts(sk, "dos", &parts, &n) && n == 4);
	expect(&parts[2], 5, 5120, 1000);
	expect(&parts[3], 6, 9216, 700);
	free(parts);
	sketch_free(sk);
	img_close(im);
}
