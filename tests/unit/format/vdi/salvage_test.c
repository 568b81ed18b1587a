/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a salvage makes of lost headers and maps, and what of it it calls a guess. */
#include <string.h>
#include "format/vdi/salvage.h"
#include "sample.h"

enum {
	BLOCKS	= 40,
	USED	= 32,			/* blocks of the file; those behind them are free */
	B	= SAMPLE_BLOCK,
};

/* Blocks lie in the order of the disk; in block i all bytes are i + 1. */
static void start(struct sample *s)
{
	struct vdi_header hdr = sample_header(BLOCKS);

	hdr.n_allocated = USED;
	sample_start(s, hdr);
	for (uint32_t i = 0; i < USED; i++) {
		sample_put(s, i, i);
		memset(s->bytes + hdr.data_off + (size_t)i * B, (int)i + 1, B);
	}
}

static size_t file_len(const struct sample *s)
{
	return s->hdr.data_off + (size_t)USED * B;
}

/* False: nothing was found. */
static bool salvage(struct sample *s, size_t len, uint64_t size)
{
	const struct img_layer_open how = { .size = size };
	struct img_err err = { 0 };
	bool ok;

	s->ly = (struct img_layer){ .format = &img_format_vdi };
	cr_assert(s->ly.store = img_store_mem(s->bytes, len, &err));
	ok = img_format_vdi.salvage(&s->ly, &how, &err);
	cr_assert(ok || err.code == IMG_E_NOT_THIS_FORMAT, "%s", err.text);
	return ok;
}

static void finish(struct sample *s)
{
	img_findings_clear(&s->ly.salvaged.notes);
	sample_end(s);
}

static bool is_noted(const struct sample *s, const struct img_finding_kind *kind)
{
	return img_findings_count(&s->ly.salvaged.notes, kind);
}

/* The part of the disk with that index has the bytes that it had. */
static void expect_block(struct sample *s, uint32_t index, bool guessed)
{
	const struct img_extent ex = sample_extent(s, (uint64_t)index * B);
	struct img_err err = { 0 };
	uint8_t byte;

	if (index >= USED) {
		cr_assert_eq(ex.kind, IMG_EXTENT_HOLE, "block %u", index);
	} else {
		cr_assert_eq(ex.kind, IMG_EXTENT_DATA, "block %u: %s", index, ex.why);
		cr_assert(img_store_read(ex.store, ex.host, &byte, 1, &err));
		cr_assert_eq(byte, index + 1, "block %u is %u", index, byte - 1);
	}
	cr_assert_eq(ex.guessed, guessed, "block %u", index);
}

static void expect_lost(struct sample *s, uint32_t index)
{
	cr_assert_eq(sample_extent(s, (uint64_t)index * B).kind, IMG_EXTENT_LOST, "%u", index);
}

static void expect_all(struct sample *s)
{
	for (uint32_t i = 0; i < BLOCKS; i++)
		expect_block(s, i, false);
}

/* ---- Headers --------------------------------------------------------------------------------- */

struct field {
	const char *name;
	size_t at;
	uint32_t value;
};

static const struct field fields[] = {
	{ "magic number", VDI_PRE_MAGIC, 1 },
	{ "version", VDI_PRE_VERSION, 0x70000 },
	{ "length", VDI_HDR_LEN, 3 },
	{ "type", VDI_HDR_TYPE, 9 },
	{ "place of the map", VDI_HDR_MAP_OFF, SAMPLE_MAP + 64 },
	{ "place of the data", VDI_HDR_DATA_OFF, 2048 },
	{ "disk size", VDI_HDR_SIZE + 4, 77 },
	{ "block size", VDI_HDR_BLOCK_SIZE, 1024 },
	{ "odd block size", VDI_HDR_BLOCK_SIZE, 1000 },
	{ "fewer blocks", VDI_HDR_BLOCKS, BLOCKS - 2 },
	{ "many blocks", VDI_HDR_BLOCKS, UINT32_MAX },
};

Test(vdi_salvage, a_field_of_the_header)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		struct sample s;

		start(&s);
		img_put_le32(s.bytes + fields[i].at, fields[i].value);
		cr_assert(salvage(&s, file_len(&s), 0), "%s", fields[i].name);
		cr_assert(is_noted(&s, &vdi_noted_header), "%s", fields[i].name);
		cr_assert_eq(s.ly.size, BLOCKS * B, "%s", fields[i].name);
		cr_assert_not(s.ly.salvaged.size_guessed && fields[i].at != VDI_HDR_SIZE + 4,
			      "%s", fields[i].name);
		expect_all(&s);
		finish(&s);
	}
}

Test(vdi_salvage, no_header)
{
	struct sample s;

	start(&s);
	memset(s.bytes, 0, 512);
	cr_assert(salvage(&s, file_len(&s), 0));
	cr_assert(is_noted(&s, &vdi_noted_header) && is_noted(&s, &vdi_noted_size) &&
		  is_noted(&s, &vdi_noted_parent));
	cr_assert(s.ly.salvaged.size_guessed);
	cr_assert_eq(s.ly.size, BLOCKS * B);
	for (uint32_t i = 0; i < BLOCKS; i++)
		expect_block(&s, i, i >= USED);	/* there may have been an image below */
	finish(&s);
}

Test(vdi_salvage, the_size_can_be_told)
{
	struct sample s;

	start(&s);
	memset(s.bytes, 0, 512);
	cr_assert(salvage(&s, file_len(&s), BLOCKS * B - 100));
	cr_assert_eq(s.ly.size, BLOCKS * B - 100);
	cr_assert_not(s.ly.salvaged.size_guessed);
	finish(&s);
}

Test(vdi_salvage, nothing_of_an_image)
{
	struct sample s;

	start(&s);
	memset(s.bytes, 'x', file_len(&s));
	cr_assert_not(salvage(&s, file_len(&s), 0));
	finish(&s);
}

Test(vdi_salvage, a_sound_image)
{
	struct sample s;

	start(&s);
	cr_assert(salvage(&s, file_len(&s), 0));
	cr_assert_eq(s.ly.salvaged.notes.n, 0);
	cr_assert_eq(s.ly.salvaged.unplaced, 0);
	expect_all(&s);
	finish(&s);
}

/* ---- Maps ------------------------------------------------------------------------------------ */

Test(vdi_salvage, entries_in_a_row)
{
	struct sample s;

	start(&s);
	for (uint32_t i = 10; i < 15; i++)
		sample_put(&s, i, 0);
	sample_put(&s, 20, VDI_ENTRY_FREE);
	sample_put(&s, 21, 0x1234567);
	cr_assert(salvage(&s, file_len(&s), 0));
	cr_assert_not(is_noted(&s, &vdi_noted_header));
	for (uint32_t i = 0; i < BLOCKS; i++)
		expect_block(&s, i, (i >= 10 && i < 15) || i == 20 || i == 21);
	finish(&s);
}

Test(vdi_salvage, a_repair_would_be_sure)
{
	struct sample s;

	start(&s);
	sample_put(&s, 10, 10 | 1 << 30);
	cr_assert(salvage(&s, file_len(&s), 0));
	cr_assert(is_noted(&s, &vdi_noted_entry));
	for (uint32_t i = 0; i < BLOCKS; i++)
		expect_block(&s, i, i == 10);
	finish(&s);
}

/* One block more than entries that were lost: which one has none nobody knows. */
Test(vdi_salvage, blocks_without_a_place)
{
	struct sample s;

	start(&s);
	for (uint32_t i = 24; i < BLOCKS; i++)
		sample_put(&s, i, VDI_ENTRY_FREE);
	sample_put(&s, 30, 0x1234567);
	cr_assert(salvage(&s, file_len(&s), 0));
	cr_assert(is_noted(&s, &vdi_noted_unplaced));
	cr_assert_eq(s.ly.salvaged.unplaced, 8 * B);
	expect_block(&s, 23, false);
	expect_lost(&s, 30);
	cr_assert(sample_extent(&s, 24 * B).guessed);	/* it may be one of them */
	finish(&s);
}

Test(vdi_salvage, in_no_order_two_share_a_block)
{
	struct sample s;

	start(&s);
	for (uint32_t i = 0; i < USED; i++)
		sample_put(&s, i, USED - 1 - i);
	sample_put(&s, 3, 20);
	cr_assert(salvage(&s, file_len(&s), 0));
	cr_assert(is_noted(&s, &vdi_noted_doubled));
	cr_assert_eq(sample_extent(&s, 3 * B).kind, IMG_EXTENT_DATA);
	cr_assert(sample_extent(&s, 3 * B).guessed);
	cr_assert(sample_extent(&s, (USED - 1 - 20) * B).guessed);
	cr_assert_eq(s.ly.salvaged.unplaced, B);
	finish(&s);
}

/* Who says that the second of them is wrong, and not all behind the first? */
Test(vdi_salvage, entries_that_were_moved)
{
	struct sample s;

	start(&s);
	for (uint32_t i = 12; i < USED; i++)
		sample_put(&s, i, i - 1);
	cr_assert(salvage(&s, file_len(&s), 0));
	expect_block(&s, 10, false);
	for (uint32_t i = 11; i < USED; i++)
		cr_assert(sample_extent(&s, i * B).guessed, "%u", i);
	finish(&s);
}

Test(vdi_salvage, of_fixed_size_the_map_is_not_needed)
{
	struct vdi_header hdr = sample_header(USED);
	struct sample s;

	start(&s);
	free(s.bytes);
	hdr.type = VDI_TYPE_FIXED;
	hdr.n_allocated = USED;
	sample_start(&s, hdr);
	for (uint32_t i = 0; i < USED; i++)
		memset(s.bytes + hdr.data_off + (size_t)i * B, (int)i + 1, B);
	cr_assert(salvage(&s, file_len(&s), 0));
	for (uint32_t i = 0; i < USED; i++)
		expect_block(&s, i, true);
	finish(&s);
}

Test(vdi_salvage, what_was_cut_off_is_lost)
{
	struct sample s;

	start(&s);
	cr_assert(salvage(&s, file_len(&s) - 3 * B, 0));
	expect_block(&s, USED - 4, false);
	expect_lost(&s, USED - 3);
	expect_lost(&s, USED - 1);
	finish(&s);
}

/* ---- Recognizing what is left ---------------------------------------------------------------- */

Test(vdi_salvage, remains)
{
	struct sample s;

	start(&s);
	img_put_le32(s.bytes + VDI_PRE_MAGIC, 0);
	cr_assert(vdi_remains(s.bytes, SAMPLE_BYTES));
	memset(s.bytes, 0, 512);
	cr_assert(vdi_remains(s.bytes, SAMPLE_BYTES));
	memset(s.bytes, 0, SAMPLE_BYTES);
	cr_assert_not(vdi_remains(s.bytes, SAMPLE_BYTES));
	memset(s.bytes, 0xff, SAMPLE_BYTES);
	cr_assert_not(vdi_remains(s.bytes, SAMPLE_BYTES));
	free(s.bytes);
}
