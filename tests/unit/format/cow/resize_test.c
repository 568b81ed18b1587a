/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another size: where the data go, what the bitmap says, how long the file is, and what is refused. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/zero.h"
#include "format/cow/cow.h"
#include "../in_place.h"

enum { S = 512 };

struct disk {
	struct cow_header hdr;		/* as it was at the start */
	struct img_layer ly;
};

/* Sectors of the disk that are in the file, each full of its number + 'a'; the last is one of them. */
static const uint32_t there[] = { 0, 1, 7, 8, 20, 21, 22, 23, 24, 25 };
enum { N_THERE = sizeof(there) / sizeof(*there) };

static void write_sector(struct disk *d, uint64_t sector, uint8_t c)
{
	struct img_err err = { 0 };
	uint8_t bytes[S], byte;

	memset(bytes, c, S);
	cr_assert(img_store_write(d->ly.store, d->hdr.data_off + sector * S, bytes, S, &err));
	cr_assert(img_store_read(d->ly.store, d->hdr.bitmap_off + sector / 8, &byte, 1, &err));
	byte |= (uint8_t)(1 << sector % 8);
	cr_assert(img_store_write(d->ly.store, d->hdr.bitmap_off + sector / 8, &byte, 1, &err));
}

/* The file ends with the last sector that is in it. */
static void start(struct disk *d, enum cow_kind kind, uint64_t size, uint32_t align)
{
	const struct img_layer_open how = { .flags = IMG_OPEN_WRITE };
	uint8_t raw[COW_DECODE_LEN];
	struct img_err err = { 0 };

	*d = (struct disk){
		.hdr = { .kind = kind, .size = size, .sector = S, .align = align },
	};
	cow_header_place(&d->hdr);
	cow_header_encode(&d->hdr, raw);
	d->ly = (struct img_layer){ .format = &img_format_cow };
	cr_assert(d->ly.store = img_store_mem(NULL, 0, &err));
	cr_assert(img_store_resize(d->ly.store, d->hdr.data_off, &err));
	cr_assert(img_store_write(d->ly.store, 0, raw, cow_layouts[kind].len, &err));
	for (size_t i = 0; i < N_THERE; i++)
		write_sector(d, there[i], (uint8_t)('a' + there[i]));
	cr_assert(img_format_cow.open(&d->ly, &how, &err), "%s", err.text);
}

static void end(struct disk *d)
{
	img_format_cow.close(&d->ly);
	img_store_close(d->ly.store);
	free(d->ly.backing);
	free(d->ly.backing_format);
}

static void resize_to(struct disk *d, uint64_t size)
{
	const struct img_layer_resize how = { .size = size };
	struct img_err err = { 0 };

	cr_assert(img_format_cow.resize(&d->ly, &how, &err), "%s", err.text);
	cr_assert_eq(d->ly.size, size);
}

static void expect_refused(struct disk *d, const struct img_layer_resize *how, enum img_code code)
{
	struct img_err err = { 0 };

	cr_assert_not(img_format_cow.resize(&d->ly, how, &err));
	cr_assert_eq(err.code, code, "%s", err.text);
}

static struct cow_header header_of(struct disk *d)
{
	struct cow_header hdr;
	struct img_err err = { 0 };

	cr_assert(cow_header_read(d->ly.store, &hdr, &err), "%s", err.text);
	return hdr;
}

static uint64_t length_of(struct disk *d)
{
	struct img_err err = { 0 };
	uint64_t len = 0;

	cr_assert(img_store_size(d->ly.store, &len, &err));
	return len;
}

static bool is_there(uint32_t sector)
{
	for (size_t i = 0; i < N_THERE; i++)
		if (there[i] == sector)
			return true;
	return false;
}

/* As at the start, up to that sector. */
static void expect_content(struct disk *d, uint32_t end)
{
	for (uint32_t i = 0; i < end; i++) {
		const char c = is_there(i) ? (char)('a' + i) : '.';

		cr_assert_eq(in_place_seen(&d->ly, (uint64_t)i * S), c, "sector %u", i);
		cr_assert_eq(in_place_seen(&d->ly, (uint64_t)i * S + S - 1), c, "sector %u", i);
	}
}

/* What the file has at the places of sectors that are not in it. */
static void expect_nothing_left(struct disk *d, uint32_t end)
{
	const uint64_t data_off = header_of(d).data_off;
	struct img_err err = { 0 };
	uint8_t bytes[S];

	for (uint32_t i = 0; i < end; i++) {
		if (is_there(i))
			continue;
		cr_assert(img_store_read(d->ly.store, data_off + i * S, bytes, S, &err));
		cr_assert(img_is_zero(bytes, S), "sector %u", i);
	}
}

Test(cow_resize, nothing_moves_while_the_bits_have_room)
{
	struct disk d;

	start(&d, COW_UML3, 26 * S, 4096);
	resize_to(&d, 32768 * S);
	cr_assert_eq(header_of(&d).data_off, d.hdr.data_off);
	cr_assert_eq(header_of(&d).size, 32768 * S);
	cr_assert_eq(length_of(&d), d.hdr.data_off + 32768 * S);
	expect_content(&d, 100);
	cr_assert_eq(in_place_seen(&d.ly, 32767 * S), '.');
	end(&d);
}

/* By one sector, and by more than there is; there and back. */
Test(cow_resize, data_make_room_for_bits)
{
	static const struct {
		enum cow_kind kind;
		uint32_t align;
		uint64_t sectors, moved;
	} cases[] = {
		{ COW_QEMU, S, 8000, 2 * S },
		{ COW_QEMU_32, S, 4000, S },
		{ COW_UML1, S, 4000, S },
		{ COW_UML2, S, 4000, S },
		{ COW_UML3, 4096, 32769, 4096 },
		{ COW_UML3, 64 << 10, (64 << 13) + 1, 64 << 10 },
		{ COW_UML3_WIDE, 512, 200000, 48 * S },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const uint64_t size = cases[i].sectors * S;
		struct disk d;

		start(&d, cases[i].kind, 26 * S, cases[i].align);
		resize_to(&d, size);
		cr_expect_eq(header_of(&d).data_off, d.hdr.data_off + cases[i].moved,
			     "case %zu: %lu", i, header_of(&d).data_off - d.hdr.data_off);
		cr_assert_eq(header_of(&d).kind, cases[i].kind, "case %zu", i);
		cr_assert_eq(length_of(&d), header_of(&d).data_off + size);
		expect_content(&d, 100);
		expect_nothing_left(&d, 100);
		in_place_write(&d.ly, size - S, S, '!');
		in_place_flush(&d.ly);
		resize_to(&d, 26 * S);
		cr_assert_eq(header_of(&d).data_off, d.hdr.data_off);
		cr_assert_eq(length_of(&d), d.hdr.data_off + 26 * S);
		expect_content(&d, 26);
		expect_nothing_left(&d, 26);
		end(&d);
	}
}

/* Whole pieces of its bitmap are holes of the file, and some are not. */
Test(cow_resize, what_lies_far_behind_moves_too)
{
	static const uint64_t far[] = { COW_PIECE_BITS - 1, 3 * COW_PIECE_BITS, 5 * COW_PIECE_BITS + 7 };
	const uint64_t size = 6 * COW_PIECE_BITS * S;
	struct disk d;

	start(&d, COW_QEMU, size, S);
	for (size_t i = 0; i < 3; i++)
		in_place_write(&d.ly, far[i] * S, S, (char)('A' + i));
	in_place_flush(&d.ly);
	for (int times = 2; times; times--) {
		resize_to(&d, times == 2 ? 2 * size : size);
		expect_content(&d, 100);
		for (size_t i = 0; i < 3; i++) {
			cr_assert_eq(in_place_seen(&d.ly, far[i] * S), (char)('A' + i));
			cr_assert_eq(in_place_seen(&d.ly, (far[i] - 1) * S), '.');
			cr_assert_eq(in_place_seen(&d.ly, (far[i] + 1) * S), '.');
		}
	}
	end(&d);
}

Test(cow_resize, what_is_cut_off_does_not_come_back)
{
	struct disk d;

	start(&d, COW_QEMU, 26 * S, S);
	resize_to(&d, 21 * S + 10);
	cr_assert_eq(length_of(&d), d.hdr.data_off + 22 * S);
	expect_content(&d, 21);
	resize_to(&d, 26 * S);
	cr_assert_eq(in_place_seen(&d.ly, 21 * S + 9), 'a' + 21);
	cr_assert_eq(in_place_seen(&d.ly, 21 * S + 10), '0');
	cr_assert_eq(in_place_seen(&d.ly, 22 * S - 1), '0');
	cr_assert_eq(in_place_seen(&d.ly, 22 * S), '.');
	cr_assert_eq(in_place_seen(&d.ly, 25 * S), '.');
	resize_to(&d, 0);
	cr_assert_eq(length_of(&d), d.hdr.data_off);
	resize_to(&d, 8 * S);
	cr_assert_eq(in_place_seen(&d.ly, 0), '.');
	end(&d);
}

Test(cow_resize, what_is_new_hides_what_lies_below)
{
	struct disk d;

	start(&d, COW_QEMU, 30 * S - 100, S);
	d.ly.below = &in_place_below;
	resize_to(&d, 5000 * S);
	cr_assert_eq(in_place_seen(&d.ly, 28 * S), '.');
	cr_assert_eq(in_place_seen(&d.ly, 30 * S - 101), '#');
	cr_assert_eq(in_place_seen(&d.ly, 30 * S - 100), '0');
	cr_assert_eq(in_place_seen(&d.ly, 30 * S), '0');
	cr_assert_eq(in_place_seen(&d.ly, 5000 * S - 1), '0');
	end(&d);
}

Test(cow_resize, refuses_what_cannot_be)
{
	struct disk d;

	start(&d, COW_UML1, 26 * S, S);
	expect_refused(&d, &(struct img_layer_resize){ .size = COW_SIZE_MAX + S }, IMG_E_RANGE);
	/* Its bitmap would end with a sector, and have no bit for the last one. */
	expect_refused(&d, &(struct img_layer_resize){ .size = ((512 - 280) * 8 + 1) * S },
		       IMG_E_UNSUPPORTED);
	expect_refused(&d, &(struct img_layer_resize){ .size = 100 * S,
		       .preallocation = IMG_PREALLOC_FULL }, IMG_E_UNSUPPORTED);
	expect_content(&d, 26);
	end(&d);
}

Test(cow_resize, runs_are_found_from_their_ends)
{
	_Atomic uint64_t *piece = calloc(COW_PIECE_WORDS, sizeof(*piece));
	bool set;

	cow_piece_set(piece, 60, 140);
	cr_assert_eq(cow_piece_run_back(piece, 1000, &set), 800);
	cr_assert_not(set);
	cr_assert_eq(cow_piece_run_back(piece, 200, &set), 140);
	cr_assert(set);
	cr_assert_eq(cow_piece_run_back(piece, 61, &set), 1);
	cr_assert_eq(cow_piece_run_back(piece, 64, &set), 4);
	cr_assert_eq(cow_piece_run_back(piece, 60, &set), 60);
	cr_assert_not(set);
	cr_assert_eq(cow_piece_run_back(piece, COW_PIECE_BITS + 9, &set), 9);
	free((void *)piece);
}
