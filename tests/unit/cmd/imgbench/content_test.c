/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <string.h>
#include <zlib.h>
#include "imgbench/content.h"

enum { SEED = 7 };

static const struct request whole = {
	.at = 65536, .len = 65536, .kind = REQUEST_WRITE, .percent = 40,
};

Test(content, a_part_is_what_the_whole_has_there)
{
	static const struct { uint32_t at, len; } parts[] = {
		{ 0, 65536 }, { 0, 512 }, { 512, 512 }, { 4096, 4096 }, { 3584, 1024 },
		{ 512, 61440 }, { 65024, 512 },
	};
	static uint8_t all[65536], part[65536];

	content_fill(SEED, 3, &whole, whole.at, whole.len, all);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		memset(part, 0, sizeof(part));
		content_fill(SEED, 3, &whole, whole.at + parts[i].at, parts[i].len, part);
		cr_expect_arr_eq(part, all + parts[i].at, parts[i].len, "at %u", parts[i].at);
	}
}

Test(content, no_sector_equals_another)
{
	enum { BYTES = 16384 };
	struct request thin = { .at = 0, .len = BYTES, .kind = REQUEST_WRITE, .percent = 0 };
	static uint8_t all[5][BYTES];
	uint8_t *const first = all[0];

	content_fill(SEED, 0, &thin, 0, BYTES, all[0]);
	content_fill(SEED, 1, &thin, 0, BYTES, all[1]);		/* another request */
	content_fill(SEED + 1, 0, &thin, 0, BYTES, all[2]);	/* another seed */
	thin.at = BYTES;
	content_fill(SEED, 0, &thin, BYTES, BYTES, all[3]);	/* another place */
	content_fill(SEED, 1, &thin, BYTES, BYTES, all[4]);
	for (size_t a = 0; a < sizeof(all); a += REQUEST_SECTOR)
		for (size_t b = 0; b < a; b += REQUEST_SECTOR)
			cr_expect(memcmp(first + a, first + b, REQUEST_SECTOR), "%zu %zu", a, b);
}

Test(content, zero_blocks_are_where_the_runs_say)
{
	static const uint32_t runs[] = { 0, 1, 2, 3, 10 };	/* z1 d2 z3 d10 */
	const struct request r = {
		.at = 4096, .len = 65536, .kind = REQUEST_WRITE, .percent = 50, .runs = runs,
	};
	static const char want[] = "zddzzzdddddddddd";
	static const uint8_t zeros[4096];
	static uint8_t all[65536];
	uint8_t sector[512], two[4096];

	content_fill(SEED, 0, &r, r.at, r.len, all);
	for (size_t i = 0; i < 16; i++)
		cr_expect_eq(!memcmp(all + i * 4096, zeros, 4096), want[i] == 'z', "%zu", i);
	/* The last sector of the first block, and the first one of the second. */
	content_fill(SEED, 0, &r, r.at + 3584, 512, sector);
	cr_expect_arr_eq(sector, zeros, 512);
	content_fill(SEED, 0, &r, r.at + 4096, 512, sector);
	cr_expect_arr_eq(sector, all + 4096, 512);
	/* From the middle of data into zeros. */
	content_fill(SEED, 0, &r, r.at + 2 * 4096 + 512, 4096, two);
	cr_expect_arr_eq(two, all + 2 * 4096 + 512, 4096);
}

Test(content, a_compressor_leaves_what_the_percentage_says)
{
	static const unsigned percents[] = { 0, 10, 39, 63, 90, 100 };
	static uint8_t all[65536], packed[70000];

	for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		const struct request r = {
			.len = sizeof(all), .kind = REQUEST_WRITE, .percent = (uint8_t)percents[i],
		};
		uLongf len = sizeof(packed);
		double found;

		content_fill(SEED, 0, &r, 0, sizeof(all), all);
		cr_assert_eq(compress2(packed, &len, all, sizeof(all), 1), Z_OK);
		found = 100.0 * (double)len / sizeof(all);
		cr_expect(found > percents[i] - 5.0 && found < percents[i] + 5.0, "%u: %.1f",
			  percents[i], found);
	}
}

/* What is on somebody's disk is read back by a later version. */
Test(content, stays_what_it_is)
{
	static uint8_t all[65536];
	uint64_t word;

	content_fill(SEED, 3, &whole, whole.at, whole.len, all);
	memcpy(&word, all + 512, sizeof(word));
	cr_expect_eq(word, UINT64_C(0xf060ce8e9f268afe), "%#lx", (unsigned long)word);
	cr_expect_eq(all[511], 0x5a);
}
