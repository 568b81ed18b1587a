/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a drawn disk is cut into chunks.  The plan never looks at content. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "copy/copy.h"
#include "unit/fake/fake.h"

#define BLOCK 4096

/*
 * Expected chunks: "Z4" is ZERO of 4 blocks, "L" LINEAR, "B" BYTES.  All numbers are in blocks;
 * cut: bytes missing from the last block.
 */
static const struct {
	const char *drawing;
	unsigned grain, window;
	bool linear;
	unsigned cut;
	const char *chunks;
} plans[] = {
	/* Windows start on a multiple of their size, whatever comes before. */
	{ "aaaaaaaa", 1, 4, false, 0, "B4 B4" },
	{ "..aaaaaa", 1, 4, false, 0, "Z2 B2 B4" },
	{ "aaaaaaaaa", 1, 4, false, 0, "B4 B4 B1" },
	/* A run of zeros is one chunk, of any length and kind, also to the end. */
	{ "................", 1, 4, false, 0, "Z16" },
	{ "..00zz..00", 1, 4, false, 0, "Z10" },
	{ "a.......a", 1, 4, false, 0, "B4 Z4 B1" },
	{ "0000aaaa", 1, 4, false, 0, "Z4 B4" },
	/* Zeros count in whole grains only, but for the end of the disk. */
	{ "...aaaaa", 4, 4, false, 0, "B4 B4" },
	{ ".....aaa", 4, 4, false, 0, "Z4 B4" },
	{ "aaaa..", 4, 4, false, 0, "B4 Z2" },
	{ "aaaa...", 4, 4, false, 100, "B4 Z3" },
	/* Lost and encoded blocks are for reading. */
	{ "!A..", 1, 4, false, 0, "B4" },
	{ "A!aa", 1, 4, true, 0, "B4" },
	/* Linear runs go over windows, but not over a jump in the store. */
	{ "aaaaaaaaaa", 1, 4, true, 0, "L10" },
	{ "aaaannnn", 1, 4, true, 0, "L4 L4" },
	{ "aannaaaa", 4, 4, true, 0, "B4 L4" },
	{ "aaaaaann", 4, 4, true, 0, "L4 B4" },
	{ "aaaaaA", 1, 4, true, 0, "L5 B1" },
	/* Zeros that lie in the store are worth a chunk when they fill a grain, else they go along. */
	{ "aazzaaaa", 4, 4, true, 0, "L8" },
	{ "aaaazzzzaaaa", 4, 4, true, 0, "L4 Z4 L4" },
	{ "aaz", 4, 4, true, 0, "L3" },
	{ "aaaaz", 4, 4, true, 0, "L5" },
	{ "aaaaa", 4, 4, true, 7, "L5" },
};

static void describe(const struct img_chunk *chunk, char *to, size_t room)
{
	const size_t done = strlen(to);

	snprintf(to + done, room - done, "%s%c%lu", done ? " " : "",
		 chunk->kind == IMG_CHUNK_ZERO ? 'Z' : chunk->kind == IMG_CHUNK_LINEAR ? 'L' : 'B',
		 (chunk->len + BLOCK - 1) / BLOCK);
}

/* The extents of a chunk with bytes cover it, and none is empty. */
static void check_cover(const struct img_chunk *chunk)
{
	uint64_t at = chunk->at;

	if (chunk->kind == IMG_CHUNK_ZERO)
		return;
	for (size_t i = 0; i < chunk->extents.n; i++) {
		cr_assert_eq(chunk->extents.v[i].start, at);
		cr_assert_gt(chunk->extents.v[i].len, 0);
		at += chunk->extents.v[i].len;
	}
	cr_assert_eq(at, chunk->at + chunk->len);
}

Test(plan, cuts_disks_into_chunks)
{
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		const uint64_t size = strlen(plans[i].drawing) * BLOCK - plans[i].cut;
		struct img *im = fake_disk(plans[i].drawing, BLOCK, size);
		struct img_plan plan = {
			.src = im, .grain = plans[i].grain * BLOCK,
			.window = plans[i].window * BLOCK, .linear = plans[i].linear,
		};
		struct img_chunk chunk = { 0 };
		struct img_err err = { 0 };
		char seen[128] = "";
		uint64_t at = 0;

		for (;;) {
			cr_assert(img_plan_next(&plan, &chunk, &err), "%s", err.text);
			cr_assert_eq(chunk.at, at);
			if (!chunk.len)
				break;
			check_cover(&chunk);
			describe(&chunk, seen, sizeof(seen));
			at += chunk.len;
		}
		cr_assert_eq(at, size);
		cr_assert_str_eq(seen, plans[i].chunks, "\"%s\": %s", plans[i].drawing, seen);
		img_chunk_free(&chunk);
		img_close(im);
	}
}

Test(plan, a_hole_of_any_size_is_one_question)
{
	struct img *im = fake_disk(".", 1u << 31, 0);
	struct img_plan plan = { .src = im, .grain = 65536, .window = 1 << 20 };
	struct img_chunk chunk = { 0 };

	cr_assert(img_plan_next(&plan, &chunk, NULL));
	cr_assert_eq(chunk.len, 1u << 31);
	cr_assert_eq(fake_disk_of(im)->extents, 1);
	img_chunk_free(&chunk);
	img_close(im);
}

Test(plan, who_stores_zeros_gets_them_as_bytes)
{
	struct img *im = fake_disk("a..0..........a", BLOCK, 0);
	struct img_plan plan = {
		.src = im, .grain = BLOCK, .window = 4 * BLOCK, .stores_zeros = true,
	};
	struct img_chunk chunk = { 0 };
	uint64_t at = 0;

	do {
		cr_assert(img_plan_next(&plan, &chunk, NULL));
		cr_assert(!chunk.len || chunk.kind == IMG_CHUNK_BYTES);
		at += chunk.len;
	} while (chunk.len);
	cr_assert_eq(at, 15 * BLOCK);
	img_chunk_free(&chunk);
	img_close(im);
}

Test(plan, an_extent_that_fails_is_an_error)
{
	struct img *im = fake_disk("aA.a", BLOCK, 0);

	for (unsigned call = 1; call <= 4; call++) {
		struct img_plan plan = { .src = im, .grain = BLOCK, .window = 4 * BLOCK };
		struct img_chunk chunk = { 0 };
		struct img_err err = { 0 };

		fake_disk_of(im)->extents = 0;
		fake_disk_of(im)->fail_extent = call;
		cr_assert_not(img_plan_next(&plan, &chunk, &err));
		cr_assert_eq(err.code, IMG_E_IO);
		img_chunk_free(&chunk);
	}
	img_close(im);
}

/* Which blocks of a chunk may hold data, as the ranges say. */
static const struct {
	const char *drawing;
	unsigned grain;
	const char *marks;
} ranges[] = {
	{ "aaaa", 1, "####" },
	{ "a..a", 1, "#..#" },
	{ "a..a", 2, "####" },
	{ "a...", 2, "##.." },
	{ "a..0z.A!", 2, "##....##" },
	{ "........a", 4, "........#" },
	{ ".aaa....", 4, "####...." },
	{ "..AA!aQn", 1, "..######" },
};

Test(plan, ranges_are_whole_grains_that_may_hold_data)
{
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct img *im = fake_disk(ranges[i].drawing, BLOCK, 0);
		struct img_plan plan = { .src = im, .grain = 16 * BLOCK, .window = 16 * BLOCK };
		struct img_chunk chunk = { 0 };
		struct img_ranges found = { 0 };
		char seen[] = "................";

		cr_assert(img_plan_next(&plan, &chunk, NULL));
		cr_assert(img_chunk_ranges(&chunk, ranges[i].grain * BLOCK, &found, NULL));
		seen[strlen(ranges[i].drawing)] = '\0';
		for (size_t r = 0; r < found.n; r++) {
			cr_assert(!r || found.v[r - 1].at + found.v[r - 1].len < found.v[r].at);
			memset(seen + found.v[r].at / BLOCK, '#', found.v[r].len / BLOCK);
		}
		cr_assert_str_eq(seen, ranges[i].marks, "\"%s\": %s", ranges[i].drawing, seen);
		free(found.v);
		img_chunk_free(&chunk);
		img_close(im);
	}
}
