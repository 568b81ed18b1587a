/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs of bits, what they say about the disk, and writing in place. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/bytes.h"
#include "format/cow/cow.h"
#include "../in_place.h"

enum { S = 512, SECTORS = 200, BITMAP = 1056, DATA = 1536, BYTES = DATA + SECTORS * S };

struct sample {
	uint8_t bytes[BYTES];
	struct img_layer ly;
};

static bool open_as(struct sample *s, unsigned flags, size_t len, struct img_err *err)
{
	const struct img_layer_open how = { .flags = flags };

	s->ly = (struct img_layer){ .format = &img_format_cow };
	cr_assert(s->ly.store = img_store_mem(s->bytes, len, err));
	return img_format_cow.open(&s->ly, &how, err);
}

/* QEMU's layout; sectors 1, 64 and 65 are there, and full of '1'. */
static void start(struct sample *s)
{
	const struct cow_header hdr = {
		.kind = COW_QEMU, .size = SECTORS * S, .sector = S, .align = S,
	};

	memset(s->bytes, 0, sizeof(s->bytes));
	cow_header_encode(&hdr, s->bytes);
	s->bytes[BITMAP] = 2;
	s->bytes[BITMAP + 8] = 3;
	memset(s->bytes + DATA + S, '1', S);
	memset(s->bytes + DATA + 64 * S, '1', 2 * S);
}

static void start_writing(struct sample *s, bool child)
{
	struct img_err err = { 0 };

	start(s);
	cr_assert(open_as(s, IMG_OPEN_WRITE, BYTES, &err), "%s", err.text);
	s->ly.below = child ? &in_place_below : NULL;
}

static void end(struct sample *s)
{
	img_format_cow.close(&s->ly);
	img_store_close(s->ly.store);
}

static void expect(struct sample *s, uint32_t sector, uint64_t len, enum img_extent_kind kind)
{
	struct img_err err = { 0 };
	struct img_extent ex;

	cr_assert(img_format_cow.extent(&s->ly, (uint64_t)sector * S, s->ly.size, &ex, &err));
	cr_assert_eq(ex.kind, kind, "sector %u", sector);
	cr_assert_eq(ex.len, len, "sector %u: %lu", sector, (unsigned long)ex.len);
}

Test(cow_map, runs_of_bits_are_extents)
{
	struct sample s;
	struct img_err err = { 0 };

	start(&s);
	cr_assert(open_as(&s, 0, BYTES, &err), "%s", err.text);
	expect(&s, 0, S, IMG_EXTENT_HOLE);
	expect(&s, 1, S, IMG_EXTENT_DATA);
	expect(&s, 2, 62 * S, IMG_EXTENT_HOLE);
	expect(&s, 64, 2 * S, IMG_EXTENT_DATA);
	expect(&s, 66, 134 * S, IMG_EXTENT_HOLE);
	end(&s);
}

Test(cow_map, what_the_file_lacks_is_lost)
{
	struct sample s;
	struct img_err err = { 0 };

	start(&s);
	cr_assert(open_as(&s, 0, DATA + 65 * S + 10, &err), "%s", err.text);
	expect(&s, 64, S + 10, IMG_EXTENT_DATA);
	expect(&s, 66, 134 * S, IMG_EXTENT_HOLE);
	end(&s);
	cr_assert(open_as(&s, 0, DATA + 64 * S, &err), "%s", err.text);
	expect(&s, 64, 2 * S, IMG_EXTENT_LOST);
	end(&s);
	cr_assert(open_as(&s, 0, BITMAP + 8, &err), "%s", err.text);
	expect(&s, 0, S, IMG_EXTENT_HOLE);
	expect(&s, 64, 136 * S, IMG_EXTENT_LOST);
	end(&s);
}

Test(cow_map, bits_are_set_across_words)
{
	_Atomic uint64_t *piece = calloc(COW_PIECE_WORDS, sizeof(*piece));
	bool set;

	cow_piece_set(piece, 60, 140);
	cr_assert_eq(cow_piece_run(piece, 0, 1000, &set), 60);
	cr_assert_not(set);
	cr_assert_eq(cow_piece_run(piece, 60, 1000, &set), 140);
	cr_assert(set);
	cr_assert_eq(cow_piece_run(piece, 61, 100, &set), 39);
	cr_assert_eq(cow_piece_run(piece, 200, COW_PIECE_BITS + 9, &set), COW_PIECE_BITS - 200);
	free((void *)piece);
}

/* ---- In place -------------------------------------------------------------------------------- */

static char in_file(struct sample *s, uint64_t off)
{
	char c;

	cr_assert(img_store_read(s->ly.store, off, &c, 1, NULL));
	return c;
}

Test(cow_disk, a_new_sector_keeps_what_lies_below_around_it)
{
	struct sample s;

	start_writing(&s, true);
	in_place_write(&s.ly, 10 * S + 100, 2 * S, 'a');
	cr_assert_eq(in_place_seen(&s.ly, 10 * S + 99), '#');
	cr_assert_eq(in_place_seen(&s.ly, 10 * S + 100), 'a');
	cr_assert_eq(in_place_seen(&s.ly, 12 * S + 99), 'a');
	cr_assert_eq(in_place_seen(&s.ly, 12 * S + 100), '#');
	cr_assert_eq(in_place_seen(&s.ly, 13 * S), '.');
	/* Over sectors of which some are there. */
	in_place_write(&s.ly, 63 * S + 8, 2 * S, 'b');
	cr_assert_eq(in_place_seen(&s.ly, 63 * S), '#');
	cr_assert_eq(in_place_seen(&s.ly, 65 * S + 7), 'b');
	cr_assert_eq(in_place_seen(&s.ly, 65 * S + 8), '1');
	end(&s);
}

Test(cow_disk, zeros_hide_what_lies_below)
{
	struct sample s;

	start_writing(&s, true);
	in_place_zero(&s.ly, 20 * S + 10, 2 * S);
	cr_assert_eq(in_place_seen(&s.ly, 20 * S), '#');
	cr_assert_eq(in_place_seen(&s.ly, 20 * S + 10), '0');
	cr_assert_eq(in_place_seen(&s.ly, 21 * S), '0');
	cr_assert_eq(in_place_seen(&s.ly, 22 * S + 10), '#');
	in_place_zero(&s.ly, S, S);
	cr_assert_eq(in_place_seen(&s.ly, S), '0');
	end(&s);
}

Test(cow_disk, zeros_over_nothing_stay_nothing)
{
	struct sample s;

	start_writing(&s, false);
	in_place_zero(&s.ly, 0, SECTORS * S);
	cr_assert_eq(in_place_seen(&s.ly, 0), '.');
	cr_assert_eq(in_place_seen(&s.ly, S), '0');
	cr_assert_eq(in_place_seen(&s.ly, 66 * S), '.');
	end(&s);
}

Test(cow_disk, bits_come_with_the_flush)
{
	struct sample s;

	start_writing(&s, false);
	in_place_write(&s.ly, 199 * S, S, 'a');
	cr_assert_eq(in_file(&s, BITMAP + 24), 0);
	in_place_flush(&s.ly);
	cr_assert_eq((uint8_t)in_file(&s, BITMAP + 24), 0x80);
	cr_assert_eq(in_file(&s, BITMAP), 2);
	end(&s);
}

Test(cow_disk, a_sector_comes_into_the_file_once)
{
	struct sample s;

	start_writing(&s, false);
	in_place_meet(&s.ly, 20 * S);
	end(&s);
}

static void refuse(size_t len)
{
	struct sample s;
	struct img_err err = { 0 };

	start(&s);
	cr_assert_not(open_as(&s, IMG_OPEN_WRITE, len, &err), "%zu", len);
	cr_assert_eq(err.code, IMG_E_INCOMPLETE, "%s", err.text);
	img_store_close(s.ly.store);
}

Test(cow_disk, what_is_damaged_is_not_written)
{
	struct sample s;
	struct img_err err = { 0 };

	refuse(BITMAP + 10);
	refuse(DATA + 66 * S - 1);
	/* QEMU leaves out what was never written. */
	start(&s);
	cr_assert(open_as(&s, IMG_OPEN_WRITE, DATA + 66 * S, &err), "%s", err.text);
	in_place_write(&s.ly, 198 * S, S, 'a');
	cr_assert_eq(in_place_seen(&s.ly, 198 * S), 'a');
	end(&s);
}
