/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a salvage makes of lost headers and bitmaps, and what of it it calls a guess. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/bytes.h"
#include "format/cow/salvage.h"

enum {
	SECTORS	= 8192,			/* of the disk: more than one sector of bitmap */
	S	= COW_SECTOR,
	RUN	= 40,			/* of so many sectors the first half has data */
	FILE_MAX = 4 * 4096 + SECTORS * S,
};

struct sample {
	struct cow_header hdr;
	uint8_t *bytes;			/* owned */
	struct img_layer ly;
};

static bool is_used(uint32_t sector)
{
	return sector % RUN < RUN / 2;
}

static void start(struct sample *s, enum cow_kind kind)
{
	*s = (struct sample){
		.hdr = {
			.kind = kind, .little = kind == COW_UML1, .size = SECTORS * S, .sector = S,
			.align = cow_layouts[kind].align_off ? COW_ALIGN : S, .name = "below",
		},
		.bytes = calloc(1, FILE_MAX),
	};
	cr_assert(s->bytes);
	cow_header_place(&s->hdr);
	cow_header_encode(&s->hdr, s->bytes);
	for (uint32_t i = 0; i < SECTORS; i++) {
		if (!is_used(i))
			continue;
		s->bytes[s->hdr.bitmap_off + i / 8] |= (uint8_t)(1 << i % 8);
		memset(s->bytes + s->hdr.data_off + i * S, (int)(i % 255 + 1), S);
	}
}

static size_t file_len(const struct sample *s)
{
	return s->hdr.data_off + s->hdr.size;
}

/* False: nothing was found. */
static bool salvage(struct sample *s, size_t len, uint64_t size)
{
	const struct img_layer_open how = { .size = size };
	struct img_err err = { 0 };
	bool ok;

	s->ly = (struct img_layer){ .format = &img_format_cow };
	cr_assert(s->ly.store = img_store_mem(s->bytes, len, &err));
	ok = img_format_cow.salvage(&s->ly, &how, &err);
	cr_assert(ok || err.code == IMG_E_NOT_THIS_FORMAT, "%s", err.text);
	return ok;
}

static void finish(struct sample *s)
{
	if (s->ly.priv)
		img_format_cow.close(&s->ly);
	img_findings_clear(&s->ly.salvaged.notes);
	img_store_close(s->ly.store);
	free(s->ly.backing);
	free(s->ly.backing_format);
	free(s->bytes);
}

static bool is_noted(const struct sample *s, const struct img_finding_kind *kind)
{
	return img_findings_count(&s->ly.salvaged.notes, kind);
}

static struct img_extent extent(struct sample *s, uint64_t at)
{
	struct img_err err = { 0 };
	struct img_extent ex;

	cr_assert(img_format_cow.extent(&s->ly, at, s->ly.size, &ex, &err), "%s", err.text);
	return ex;
}

/* The sector is what it was. */
static void expect(struct sample *s, uint32_t sector, bool guessed)
{
	const struct img_extent ex = extent(s, (uint64_t)sector * S);
	struct img_err err = { 0 };
	uint8_t byte;

	cr_assert_eq(ex.kind, is_used(sector) ? IMG_EXTENT_DATA : IMG_EXTENT_HOLE,
		     "sector %u: %d", sector, ex.kind);
	cr_assert_eq(ex.guessed, guessed, "sector %u", sector);
	if (!is_used(sector))
		return;
	cr_assert(img_store_read(ex.store, ex.host, &byte, 1, &err));
	cr_assert_eq(byte, sector % 255 + 1, "sector %u", sector);
}

static void expect_all(struct sample *s, bool data_guessed, bool holes_guessed)
{
	for (uint32_t i = 0; i < SECTORS; i++)
		expect(s, i, is_used(i) ? data_guessed : holes_guessed);
}

/* ---- Headers --------------------------------------------------------------------------------- */

Test(cow_salvage, what_is_whole_stays)
{
	for (enum cow_kind kind = COW_UML1; kind <= COW_QEMU_32; kind++) {
		struct sample s;

		start(&s, kind);
		cr_assert(salvage(&s, file_len(&s), 0));
		cr_assert_eq(s.ly.salvaged.notes.n, 0, "%s", cow_layouts[kind].name);
		cr_assert_str_eq(s.ly.backing, "below");
		expect_all(&s, false, false);
		finish(&s);
	}
}

Test(cow_salvage, no_header)
{
	for (enum cow_kind kind = COW_UML1; kind <= COW_QEMU_32; kind++) {
		struct sample s;

		start(&s, kind);
		memset(s.bytes, 0, cow_layouts[kind].len);
		cr_assert(salvage(&s, file_len(&s), 0), "%s", cow_layouts[kind].name);
		cr_assert(is_noted(&s, &cow_noted_header) && is_noted(&s, &cow_noted_size) &&
			  is_noted(&s, &cow_noted_backing));
		cr_assert(s.ly.salvaged.size_guessed);
		cr_assert_eq(s.ly.size, SECTORS * S, "%s", cow_layouts[kind].name);
		cr_assert_null(s.ly.backing);
		expect_all(&s, false, true);
		finish(&s);
	}
}

/* The disk is longer than what was written of it: where the data begin the bitmap alone says. */
Test(cow_salvage, no_header_and_a_short_file)
{
	const uint64_t end = 2000 / RUN * RUN + RUN / 2;
	struct sample s;

	start(&s, COW_QEMU);
	memset(s.bytes, 0, cow_layouts[COW_QEMU].len);
	memset(s.bytes + s.hdr.bitmap_off + end / 8, 0, (SECTORS - end) / 8);
	s.bytes[s.hdr.bitmap_off + end / 8] = 0x0f;	/* sector 2000 is a multiple of RUN */
	cr_assert(salvage(&s, s.hdr.data_off + end * S, 0));
	cr_assert_geq(s.ly.size, end * S);
	for (uint32_t i = 0; i < end; i++)
		expect(&s, i, !is_used(i));
	finish(&s);
}

struct field {
	const char *name;
	unsigned at;
	uint32_t value;
};

static const struct field fields[] = {
	{ "magic number", COW_HDR_MAGIC, 1 },
	{ "version", COW_HDR_VERSION, 9 },
	{ "size, high", 1040, 7 },
	{ "size, low", 1044, SECTORS * S * 2 },
	{ "smaller size", 1044, SECTORS * S / 2 },
	{ "sector size", 1048, 1024 },
	{ "odd sector size", 1048, 1000 },
};

Test(cow_salvage, a_field_of_the_header)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		struct sample s;

		start(&s, COW_QEMU);
		img_put_be32(s.bytes + fields[i].at, fields[i].value);
		cr_assert(salvage(&s, file_len(&s), 0), "%s", fields[i].name);
		cr_assert(is_noted(&s, &cow_noted_header), "%s", fields[i].name);
		cr_assert_eq(s.ly.size, SECTORS * S, "%s", fields[i].name);
		cr_assert_str_eq(s.ly.backing, "below", "%s", fields[i].name);
		expect_all(&s, false, false);
		finish(&s);
	}
}

Test(cow_salvage, the_size_can_be_told)
{
	struct sample s;

	start(&s, COW_QEMU);
	memset(s.bytes, 0, cow_layouts[COW_QEMU].len);
	cr_assert(salvage(&s, file_len(&s), SECTORS * S - 100));
	cr_assert_eq(s.ly.size, SECTORS * S - 100);
	cr_assert_not(s.ly.salvaged.size_guessed);
	finish(&s);
}

Test(cow_salvage, noise_is_no_image)
{
	struct sample s;

	start(&s, COW_QEMU);
	for (size_t i = 0; i < FILE_MAX; i++)
		s.bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	cr_assert_not(salvage(&s, FILE_MAX, 0));
	finish(&s);
}

/* ---- Bitmaps --------------------------------------------------------------------------------- */

Test(cow_salvage, no_bitmap)
{
	struct sample s;

	start(&s, COW_UML3);
	memset(s.bytes + s.hdr.bitmap_off, 0, SECTORS / 8);
	cr_assert(salvage(&s, file_len(&s), 0));
	cr_assert(is_noted(&s, &cow_noted_bitmap));
	expect_all(&s, true, true);
	finish(&s);
}

Test(cow_salvage, a_bitmap_of_noise)
{
	struct sample s;

	start(&s, COW_UML3);
	for (size_t i = 0; i < SECTORS / 8; i++)
		s.bytes[s.hdr.bitmap_off + i] = (uint8_t)(i * 2654435761u >> 13);
	cr_assert(salvage(&s, file_len(&s), 0));
	expect_all(&s, true, true);
	finish(&s);
}

Test(cow_salvage, one_bit)
{
	struct sample s;

	start(&s, COW_UML3);
	s.bytes[s.hdr.bitmap_off + 5 * RUN / 8] &= 0xfe;
	cr_assert(salvage(&s, file_len(&s), 0));
	for (uint32_t i = 0; i < SECTORS; i++)
		expect(&s, i, i == 5 * RUN);
	finish(&s);
}

/* A part without data may have lost bits as well, when another has. */
Test(cow_salvage, zeros_beside_a_damaged_part)
{
	struct sample s;

	start(&s, COW_UML3);
	memset(s.bytes + s.hdr.bitmap_off, 0, 64);
	memset(s.bytes + s.hdr.bitmap_off + 512, 0, 64);
	memset(s.bytes + s.hdr.data_off + 4096 * S, 0, 512 * S);
	cr_assert(salvage(&s, file_len(&s), 0));
	expect(&s, 0, true);
	expect(&s, 1000, false);
	cr_assert_eq(extent(&s, 4096 * S).kind, IMG_EXTENT_HOLE);
	cr_assert(extent(&s, 4096 * S).guessed);
	finish(&s);
}

Test(cow_salvage, what_is_cut_off_is_lost)
{
	struct sample s;

	start(&s, COW_UML3);
	cr_assert(salvage(&s, s.hdr.data_off + 4000 * S, 0));
	expect(&s, 3999, false);
	cr_assert_eq(extent(&s, 4000 * S).kind, IMG_EXTENT_LOST);
	finish(&s);
	start(&s, COW_UML3);
	cr_assert(salvage(&s, s.hdr.bitmap_off + 100, 0));
	cr_assert_eq(extent(&s, 100 * 8 * S).kind, IMG_EXTENT_LOST);
	finish(&s);
}

Test(cow_salvage, remains)
{
	struct sample s;

	start(&s, COW_UML2);
	cr_assert_not(cow_remains(s.bytes, 100));
	img_put_be32(s.bytes, 0);
	cr_assert(cow_remains(s.bytes, 65536));
	s.bytes[9] = 1;
	cr_assert_not(cow_remains(s.bytes, 65536));
	s.ly.store = img_store_mem(NULL, 0, NULL);
	finish(&s);
}
