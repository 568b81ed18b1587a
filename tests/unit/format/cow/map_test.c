/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Extents of a bitmap of which less is in memory than there is. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include "format/cow/cow.h"

enum { PIECES = 3 };

static struct cow_header hdr;
static struct img_store *file;

/* In each piece of the bitmap some more sectors from the start are there than in the one before. */
static uint64_t there(uint64_t piece)
{
	return 100 * (piece + 1);
}

static void begin(void)
{
	struct img_err err = { 0 };
	uint8_t *bytes;

	hdr = (struct cow_header){
		.kind = COW_QEMU, .size = PIECES * COW_PIECE_BITS * COW_SECTOR, .sector = COW_SECTOR,
		.align = COW_SECTOR,
	};
	cow_header_place(&hdr);
	bytes = calloc(1, hdr.data_off);
	cr_assert(bytes);
	for (uint64_t i = 0; i < PIECES; i++)
		for (uint64_t bit = 0; bit < there(i); bit++)
			bytes[hdr.bitmap_off + i * COW_PIECE_BYTES + bit / 8] |=
				(uint8_t)(1 << bit % 8);
	file = img_store_mem(bytes, hdr.data_off, &err);
	cr_assert(file, "%s", err.text);
	free(bytes);
}

static void end(void)
{
	img_store_close(file);
}

TestSuite(cow_map, .init = begin, .fini = end);

static void check_piece(struct cow_map *map, uint64_t piece)
{
	const uint64_t at = piece * COW_PIECE_BITS * COW_SECTOR;
	struct img_err err = { 0 };
	struct img_extent ex;

	/* The file ends in front of the data, so that what should be there is lost. */
	cr_assert(cow_map_extent(map, at, hdr.size, &ex, &err), "%s", err.text);
	cr_assert(ex.kind == IMG_EXTENT_LOST && ex.len == there(piece) * COW_SECTOR);
	cr_assert(cow_map_extent(map, at + ex.len, hdr.size, &ex, &err), "%s", err.text);
	cr_assert(ex.kind == IMG_EXTENT_HOLE);
}

static void check_cache(uint64_t cache_size, size_t n_looks)
{
	static const uint64_t order[] = { 0, 1, 2, 1, 0, 2, 2, 0 };
	struct img_err err = { 0 };
	struct cow_map map = { 0 };

	cr_assert(cow_map_init(&map, &hdr, file, cache_size, &err), "%s", err.text);
	cr_assert_eq(map.looks.n, n_looks);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		check_piece(&map, order[i]);
	for (size_t i = 0; i < PIECES; i++)
		cr_assert(!map.pieces[i], "a look keeps piece %zu", i);
	cow_map_clear(&map);
}

Test(cow_map, tells_the_same_whatever_is_kept)
{
	check_cache(0, 1);
	check_cache(2 * COW_PIECE_BYTES, 2);
	check_cache(UINT64_MAX, PIECES);
}

Test(cow_map, asks_the_piece_that_was_changed)
{
	struct img_err err = { 0 };
	struct cow_map map = { 0 };
	struct img_extent ex;
	_Atomic uint64_t *piece;

	cr_assert(cow_map_init(&map, &hdr, file, 0, &err), "%s", err.text);
	check_piece(&map, 1);
	piece = cow_map_piece(&map, COW_PIECE_BITS, &err);
	cr_assert(piece, "%s", err.text);
	cow_piece_set(piece, there(1), 50);
	cr_assert(cow_map_extent(&map, COW_PIECE_BITS * COW_SECTOR, hdr.size, &ex, &err));
	cr_assert_eq(ex.len, (there(1) + 50) * COW_SECTOR);
	cow_map_clear(&map);
}

/* The file system may keep a block around what is written: no hole begins or ends inside of one. */
Test(cow_map, what_the_file_has_no_bytes_for_is_one_extent)
{
	const uint64_t many = 64;
	struct cow_header large = { .kind = COW_QEMU, .sector = COW_SECTOR, .align = COW_SECTOR };
	struct img_err err = { 0 };
	struct cow_map map = { 0 };
	struct img_extent ex;
	_Atomic uint64_t *piece;

	large.size = many * COW_PIECE_BITS * COW_SECTOR;
	cow_header_place(&large);
	img_store_close(file);
	cr_assert(file = img_store_temporary(NULL, &err), "%s", err.text);
	cr_assert(img_store_resize(file, large.data_off, &err), "%s", err.text);
	cr_assert(img_store_write(file, large.bitmap_off + 40 * COW_PIECE_BYTES, "\1", 1, &err));
	cr_assert(cow_map_init(&map, &large, file, 0, &err), "%s", err.text);
	cr_assert(cow_map_extent(&map, 0, large.size, &ex, &err), "%s", err.text);
	cr_assert(ex.kind == IMG_EXTENT_HOLE && ex.len > 38 * COW_PIECE_BITS * COW_SECTOR);
	cr_assert(ex.len <= 40 * COW_PIECE_BITS * COW_SECTOR);
	/* What was changed in memory is no hole any more. */
	cr_assert(piece = cow_map_piece(&map, 20 * COW_PIECE_BITS, &err), "%s", err.text);
	cow_piece_set(piece, 20 * COW_PIECE_BITS, 1);
	cr_assert(cow_map_extent(&map, 0, large.size, &ex, &err), "%s", err.text);
	cr_assert_eq(ex.len, 20 * COW_PIECE_BITS * COW_SECTOR);
	cow_map_clear(&map);
}

struct toggled {
	_Atomic uint64_t piece[COW_PIECE_WORDS];
	_Atomic bool done;
};

static void *toggle(void *arg)
{
	struct toggled *t = arg;

	while (!t->done)
		t->piece[1] ^= 1 << 6;
	return NULL;
}

/* A run without a bit would be an extent without a byte. */
Test(cow_map, a_run_has_a_bit_while_others_set_it)
{
	static struct toggled toggled;
	unsigned none = 0;
	pthread_t thread;
	bool set;

	cr_assert(!pthread_create(&thread, NULL, toggle, &toggled));
	for (int i = 0; i < 5000000; i++)
		none += !cow_piece_run(toggled.piece, 64 + 6, 1000, &set);
	toggled.done = true;
	pthread_join(thread, NULL);
	cr_assert_eq(none, 0, "%u runs without a bit", none);
}
