/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers: each layout in both directions, where bitmap and data begin, and what is legal. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/bytes.h"
#include "format/cow/cow.h"

#define KINDS (COW_QEMU_32 + 1)

static struct cow_header plain(enum cow_kind kind)
{
	struct cow_header hdr = {
		.kind = kind, .time = 1000000000, .size = 1 << 20, .sector = 512, .align = 512,
		.name = "base.img",
	};

	if (kind == COW_UML3 || kind == COW_UML3_WIDE)
		hdr.align = 4096;
	cow_header_place(&hdr);
	return hdr;
}

static enum img_code decode(const struct cow_header *hdr, size_t len, struct cow_header *out)
{
	uint8_t raw[COW_DECODE_LEN] = { 0 };
	struct img_err err = { 0 };

	cow_header_encode(hdr, raw);
	return cow_header_decode(raw, len, out, &err) ? IMG_OK : err.code;
}

Test(cow_header, each_layout_is_known_again)
{
	for (int little = 0; little < 2; little++) {
		for (enum cow_kind kind = COW_UML1; kind < KINDS; kind++) {
			struct cow_header hdr = plain(kind), out;

			hdr.little = little && kind == COW_UML1;
			cr_assert_eq(decode(&hdr, COW_DECODE_LEN, &out), IMG_OK, "%d", kind);
			cr_assert_eq(out.kind, kind, "%s", cow_layouts[kind].name);
			cr_assert_eq(out.little, hdr.little);
			cr_assert_eq(out.time, hdr.time);
			cr_assert_eq(out.size, hdr.size);
			cr_assert_eq(out.sector, hdr.sector);
			cr_assert_eq(out.align, hdr.align);
			cr_assert_str_eq(out.name, hdr.name);
			cr_assert_eq(out.data_off, hdr.data_off);
		}
	}
}

/* The wide one is known by zeros where the name of the other begins. */
Test(cow_header, without_a_name_it_is_known_too)
{
	for (enum cow_kind kind = COW_UML1; kind < KINDS; kind++) {
		struct cow_header hdr = plain(kind), out;

		memset(hdr.name, 0, sizeof(hdr.name));
		for (uint32_t align = 1; align <= COW_ALIGN_MAX; align *= 2) {
			if (cow_layouts[kind].align_off)
				hdr.align = align;
			cr_assert_eq(decode(&hdr, COW_DECODE_LEN, &out), IMG_OK, "%d", kind);
			cr_assert_eq(out.kind, kind, "%s", cow_layouts[kind].name);
			cr_assert_eq(out.align, hdr.align);
		}
	}
}

Test(cow_header, what_is_cut_is_incomplete)
{
	for (enum cow_kind kind = COW_UML1; kind < KINDS; kind++) {
		const struct cow_header hdr = plain(kind);
		const size_t len = cow_layouts[kind].len;
		struct cow_header out;

		cr_assert_eq(decode(&hdr, len, &out), IMG_OK, "%s", cow_layouts[kind].name);
		cr_assert_eq(decode(&hdr, len - 1, &out), IMG_E_INCOMPLETE, "%s",
			     cow_layouts[kind].name);
		cr_assert_eq(decode(&hdr, 7, &out), IMG_E_NOT_THIS_FORMAT);
	}
}

Test(cow_header, places_follow_from_the_rest)
{
	static const struct {
		enum cow_kind kind;
		uint64_t size, bitmap_off, data_off, n_bits;
	} rows[] = {
		{ COW_UML1, 1 << 20, 280, 1024, 2048 },
		/* 232 bytes of bits end where the data begin: one sector is left without. */
		{ COW_UML1, 1857 * 512, 280, 512, 1856 },
		{ COW_UML1, 1856 * 512, 280, 512, 1856 },
		{ COW_UML2, 1 << 20, 4120, 4608, 2048 },
		{ COW_UML3, 1 << 20, 8192, 12288, 2048 },
		{ COW_UML3, 0, 8192, 8192, 0 },
		{ COW_UML3_WIDE, 1 << 20, 8192, 12288, 2048 },
		{ COW_QEMU, 1 << 20, 1056, 1536, 2048 },
		{ COW_QEMU, 513, 1056, 1536, 2 },
		{ COW_QEMU_32, 1 << 20, 1048, 1536, 2048 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cow_header hdr = plain(rows[i].kind);

		hdr.size = rows[i].size;
		cow_header_place(&hdr);
		cr_assert_eq(hdr.bitmap_off, rows[i].bitmap_off, "row %zu", i);
		cr_assert_eq(hdr.data_off, rows[i].data_off, "row %zu", i);
		cr_assert_eq(hdr.n_bits, rows[i].n_bits, "row %zu", i);
	}
}

static void change(size_t off, uint32_t value, enum img_code want)
{
	const struct cow_header hdr = plain(COW_UML3);
	uint8_t raw[COW_DECODE_LEN] = { 0 };
	struct cow_header out;
	struct img_err err = { 0 };

	cow_header_encode(&hdr, raw);
	img_put_be32(raw + off, value);
	cr_assert_eq(cow_header_decode(raw, sizeof(raw), &out, &err) ? IMG_OK : err.code, want,
		     "%u at %zu: %s", value, off, err.text);
}

Test(cow_header, fields_have_limits)
{
	change(4, 4, IMG_E_UNSUPPORTED);
	change(4, 1 << 24, IMG_E_UNSUPPORTED);
	change(12, (1 << 18) - 1, IMG_OK);
	change(12, 1 << 19, IMG_E_RANGE);
	change(20, 0, IMG_E_CORRUPT);
	change(20, 256, IMG_E_CORRUPT);
	change(20, 1 << 16, IMG_OK);
	change(20, 1 << 17, IMG_E_CORRUPT);
	change(20, 1000, IMG_E_CORRUPT);
	change(24, 0, IMG_E_CORRUPT);
	change(24, 1 << 30, IMG_OK);
	change(24, 1u << 31, IMG_E_CORRUPT);
	change(28, 1, IMG_E_UNSUPPORTED);
}

Test(cow_header, a_name_has_an_end)
{
	uint8_t raw[COW_DECODE_LEN] = { 0 };
	const struct cow_header hdr = plain(COW_UML1);
	struct cow_header out;
	struct img_err err = { 0 };

	cow_header_encode(&hdr, raw);
	memset(raw + 8, 'n', 255);
	cr_assert(cow_header_decode(raw, sizeof(raw), &out, &err), "%s", err.text);
	cr_assert_eq(strlen(out.name), 255);
	raw[8 + 255] = 'n';
	cr_assert_not(cow_header_decode(raw, sizeof(raw), &out, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT);
}
