/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a partition table says that its disk ends, and headers that are not believed. */
#include <criterion/criterion.h>
#include <string.h>
#include <zlib.h>
#include "base/bytes.h"
#include "format/raw/raw.h"

struct header {
	uint32_t len;
	uint64_t own, copy;
};

/* Sector 1 of a disk, its checksum made right up to len. */
static void put_header(uint8_t *to, struct header h)
{
	memcpy(to, "EFI PART", 8);
	img_put_le32(to + 12, h.len);
	img_put_le64(to + 24, h.own);
	img_put_le64(to + 32, h.copy);
	img_put_le32(to + 16, (uint32_t)crc32(0, to, h.len));
}

static struct raw_gpt gpt_of(const uint8_t *disk, size_t len)
{
	struct img_err err = { 0 };
	struct img_store *st = img_store_mem(disk, len, &err);
	struct raw_gpt gpt;

	cr_assert(st && raw_gpt_read(st, &gpt, &err), "%s", err.text);
	img_store_close(st);
	return gpt;
}

static uint64_t end_of(const uint8_t *disk, size_t len)
{
	return gpt_of(disk, len).end;
}

/* Which of the headers are there, of a disk whose file may be longer. */
static void expect_headers(const uint8_t *disk, size_t len, uint64_t end, bool first, bool second)
{
	const struct raw_gpt gpt = gpt_of(disk, len);

	cr_expect_eq(gpt.end, end);
	cr_expect_eq(gpt.first, first);
	cr_expect_eq(gpt.second, second);
}

Test(gpt, either_header)
{
	enum { END = 8 * 512 };
	uint8_t disk[END + 512] = { 0 };

	put_header(disk + 512, (struct header){ 92, 1, 7 });
	put_header(disk + 7 * 512, (struct header){ 92, 7, 1 });
	expect_headers(disk, END, END, true, true);
	expect_headers(disk, END + 512, END, true, true);
	disk[7 * 512 + 24] ^= 1;
	expect_headers(disk, END, END, true, false);
	disk[7 * 512 + 24] ^= 1;
	disk[512 + 24] ^= 1;
	expect_headers(disk, END, END, false, true);
	/* Only at the very end the second one tells that it is one. */
	expect_headers(disk, END + 512, 0, false, false);
	expect_headers(disk, END - 1, 0, false, false);
}

Test(gpt, the_end_of_the_disk)
{
	static const struct { size_t sector; struct header header; uint64_t end; } table[] = {
		{ 512, { 92, 1, 2047 }, 1 << 20 },
		{ 512, { 512, 1, 99 }, 51200 },
		{ 4096, { 92, 1, 255 }, 1 << 20 },
		{ 512, { 91, 1, 2047 }, 0 },
		{ 512, { 513, 1, 2047 }, 0 },
		{ 512, { 92, 2, 2047 }, 0 },
		{ 512, { 92, 1, UINT64_MAX }, 0 },
		{ 512, { 92, 1, INT64_MAX / 512 }, 0 },
		{ 4096, { 4097, 1, 255 }, 0 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t disk[3 * 4096] = { 0 };

		put_header(disk + table[i].sector, table[i].header);
		cr_expect_eq(end_of(disk, sizeof(disk)), table[i].end, "row %zu", i);
	}
}

Test(gpt, a_wrong_checksum_and_a_short_file)
{
	uint8_t disk[1024] = { 0 };

	put_header(disk + 512, (struct header){ 92, 1, 2047 });
	cr_expect_eq(end_of(disk, 1024), 1 << 20);
	cr_expect_eq(end_of(disk, 1023), 0);
	cr_expect_eq(end_of(disk, 0), 0);
	disk[512 + 40] ^= 1;
	cr_expect_eq(end_of(disk, 1024), 0);
}
