/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes get another place in a file: data, holes, and what lies behind the end. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "format/format.h"

enum { PIECE = 3 << 20 };	/* more than is moved at once */

static struct img_store *st;
static struct img_err err;

static void fill(uint64_t at, size_t len, int c)
{
	uint8_t *bytes = malloc(len);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)c;
	cr_assert(img_store_write(st, at, bytes, len, &err), "%s", err.text);
	free(bytes);
}

static uint8_t byte_at(uint64_t at)
{
	uint8_t byte = 1;

	cr_assert(img_store_read(st, at, &byte, 1, &err), "%s", err.text);
	return byte;
}

static void start(void)
{
	cr_assert(st = img_store_temporary(NULL, &err), "%s", err.text);
}

static void end(void)
{
	img_store_close(st);
}

TestSuite(move, .init = start, .fini = end);

Test(move, data_and_holes)
{
	struct img_extent ex;

	fill(0, PIECE, 'a');
	fill(2 << 20, 1, 'c');
	fill(2 * PIECE, PIECE, 'b');
	fill(3 * PIECE, 3 * PIECE, 'x');
	cr_assert(img_move(st, 3 * PIECE, 0, 3 * PIECE, NULL, &err), "%s", err.text);
	cr_assert_eq(byte_at(3 * PIECE), 'a');
	cr_assert_eq(byte_at(3 * PIECE + (2 << 20)), 'c');
	cr_assert_eq(byte_at(4 * PIECE - 1), 'a');
	cr_assert_eq(byte_at(4 * PIECE), 0);
	cr_assert_eq(byte_at(5 * PIECE - 1), 0);
	cr_assert_eq(byte_at(5 * PIECE), 'b');
	cr_assert_eq(byte_at(6 * PIECE - 1), 'b');
	cr_assert_eq(byte_at(0), 'a');
	cr_assert(img_store_extent(st, 4 * PIECE, 5 * PIECE, &ex, &err));
	cr_assert_eq(ex.kind, IMG_EXTENT_ZERO);
}

Test(move, zeros_from_behind_the_end)
{
	fill(0, 1000, 'x');
	fill(1000, 100, 'y');
	cr_assert(img_move(st, 0, 1000, 500, NULL, &err), "%s", err.text);
	cr_assert_eq(byte_at(99), 'y');
	cr_assert_eq(byte_at(100), 0);
	cr_assert_eq(byte_at(499), 0);
	cr_assert_eq(byte_at(500), 'x');
}

/* Piece i of the store: that many bytes 'a' + i, or a hole where i % 3 is 1. */
static void fill_pieces(uint64_t at, unsigned n, size_t len)
{
	for (unsigned i = 0; i < n; i++)
		if (i % 3 != 1)
			fill(at + (uint64_t)i * len, len, 'a' + (int)i);
}

static void expect_pieces(uint64_t at, unsigned n, size_t len)
{
	for (unsigned i = 0; i < n; i++) {
		const uint8_t expected = i % 3 == 1 ? 0 : (uint8_t)('a' + i);

		cr_assert_eq(byte_at(at + (uint64_t)i * len), expected, "piece %u", i);
		cr_assert_eq(byte_at(at + (uint64_t)(i + 1) * len - 1), expected, "piece %u", i);
	}
}

enum { SMALL = 96 << 10, N_SMALL = 26 };	/* together more than is moved at once */

Test(move, to_a_place_that_overlaps)
{
	static const uint32_t distances[] = { 512, 4096, SMALL, 1 << 20, (2 << 20) + 512 };
	const uint64_t base = 3 << 20;

	for (size_t i = 0; i < sizeof(distances) / sizeof(*distances); i++) {
		end();
		start();
		fill_pieces(base, N_SMALL, SMALL);
		cr_assert(img_move(st, base + distances[i], base, (uint64_t)N_SMALL * SMALL, NULL,
				   &err), "%s", err.text);
		expect_pieces(base + distances[i], N_SMALL, SMALL);
		cr_assert(img_move(st, base, base + distances[i], (uint64_t)N_SMALL * SMALL, NULL,
				   &err), "%s", err.text);
		expect_pieces(base, N_SMALL, SMALL);
	}
}

Test(move, holes_of_what_overlaps_stay_holes)
{
	struct img_extent ex;

	fill(0, 4096, 'a');
	fill(8 << 20, 10, 'b');
	cr_assert(img_move(st, 4096, 0, 9 << 20, NULL, &err), "%s", err.text);
	cr_assert_eq(byte_at(4096), 'a');
	cr_assert_eq(byte_at((8 << 20) + 4096), 'b');
	cr_assert_eq(byte_at((9 << 20) + 4095), 0);
	cr_assert(img_store_extent(st, 8192, 9 << 20, &ex, &err));
	cr_assert_eq(ex.kind, IMG_EXTENT_ZERO);
	cr_assert_geq(ex.len, (7 << 20));
}

static bool now(void *ctx)
{
	(void)ctx;
	return true;
}

Test(move, stops_when_it_is_told)
{
	const struct img_job job = { .cancelled = now };

	fill(0, 1000, 'x');
	cr_assert_not(img_move(st, 2000, 0, 1000, &job, &err));
	cr_assert_eq(err.code, IMG_E_CANCELLED);
}
