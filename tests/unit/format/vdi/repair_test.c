/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a repair makes of damaged maps and counts, and what it leaves alone. */
#include <string.h>
#include "sample.h"

enum {
	BLOCKS	= 8,
	B	= SAMPLE_BLOCK,
	F	= -1,			/* free */
	Z	= -2,			/* zeros */
	HUGE	= 0x40000000,		/* a wrong bit far above all numbers of blocks */
};

struct repaired {
	uint32_t map[BLOCKS];
	uint32_t n_allocated;
};

static bool zeros;			/* the blocks of the file are */

/* An image whose file has in_file blocks, and what becomes of it. */
static struct repaired repair(const int64_t *map, enum vdi_type type, uint32_t n_allocated,
			      uint32_t in_file, enum img_repair_level level)
{
	const struct img_checking how = { .threads = 1, .memory = 1 << 20 };
	struct img_layer ly = { .format = &img_format_vdi };
	struct vdi_header hdr = sample_header(BLOCKS);
	struct img_err err = { 0 };
	struct repaired out;
	struct sample s;
	uint8_t raw[BLOCKS * VDI_ENTRY_LEN];

	hdr.type = type;
	hdr.n_allocated = n_allocated;
	sample_start(&s, hdr);
	for (uint32_t i = 0; i < BLOCKS; i++)
		sample_put(&s, i, (uint32_t)map[i]);
	memset(s.bytes + hdr.data_off, zeros ? 0 : 'x', (size_t)in_file * B);
	struct img_store *file = img_store_mem(s.bytes, hdr.data_off + (size_t)in_file * B, &err);
	cr_assert(file);
	cr_assert(ly.store = img_store_overlay(file, &err), "%s", err.text);
	cr_assert(ly.format->check->repair(&ly, &how, level, &err), "%s", err.text);
	cr_assert(img_store_read(ly.store, hdr.map_off, raw, sizeof(raw), &err));
	for (uint32_t i = 0; i < BLOCKS; i++)
		out.map[i] = img_get_le32(raw + i * VDI_ENTRY_LEN);
	cr_assert(vdi_header_read(ly.store, &hdr, &err), "%s", err.text);
	out.n_allocated = hdr.n_allocated;
	img_store_close(ly.store);
	img_store_close(file);
	free(s.bytes);
	return out;
}

static void expect(const struct repaired *got, const int64_t *map, uint32_t n_allocated,
		   const char *what)
{
	for (uint32_t i = 0; i < BLOCKS; i++)
		cr_assert_eq(got->map[i], (uint32_t)map[i], "%s: entry %u is 0x%x", what, i,
			     got->map[i]);
	cr_assert_eq(got->n_allocated, n_allocated, "%s: %u blocks", what, got->n_allocated);
}

struct entries {
	const char *what;
	enum vdi_type type;
	uint32_t in_file;		/* and in the header */
	int64_t before[BLOCKS], after[BLOCKS];
	uint32_t n_after;		/* in the header; 0: as before */
};

static const struct entries entries[] = {
	{ "a bit that is far too high", VDI_TYPE_DYNAMIC, 5,
	  { 3, F, 0, 2 | HUGE, 4, Z, 1, F }, { 3, F, 0, 2, 4, Z, 1, F } },
	{ "a bit that leads out of the file", VDI_TYPE_DYNAMIC, 3,
	  { 0, 5, 2, F, F, F, F, F }, { 0, 1, 2, F, F, F, F, F } },
	{ "of two that are left one is one bit away", VDI_TYPE_DYNAMIC, 4,
	  { 0, 7, 1, F, F, F, F, F }, { 0, 3, 1, F, F, F, F, F } },
	{ "two that are left are one bit away", VDI_TYPE_DYNAMIC, 5,
	  { 0, 6, 1, 3, F, F, F, F }, { 0, 6, 1, 3, F, F, F, F }, 7 },
	{ "none is one bit away, but only one is left", VDI_TYPE_DYNAMIC, 4,
	  { 3, 0x1234567, 1, 0, F, F, F, F }, { 3, 2, 1, 0, F, F, F, F } },
	{ "two are left, but one is between its neighbours", VDI_TYPE_DYNAMIC, 5,
	  { 4, 0, 0x1234567, 2, F, F, F, F }, { 4, 0, 1, 2, F, F, F, F } },
	{ "two are left, and nothing says which", VDI_TYPE_DYNAMIC, 5,
	  { 4, 2, 0x1234567, 0, F, F, F, F }, { 4, 2, 0x1234567, 0, F, F, F, F } },
	{ "bit and neighbours contradict each other", VDI_TYPE_DYNAMIC, 5,
	  { 0, 1 + 2 + HUGE, 2, 4, F, F, F, F }, { 0, 1 + 2 + HUGE, 2, 4, F, F, F, F } },
	{ "two want the same block", VDI_TYPE_DYNAMIC, 3,
	  { 0, 1 | HUGE, 2, 1 | 0x20000000, F, F, F, F },
	  { 0, 1 | HUGE, 2, 1 | 0x20000000, F, F, F, F } },
	{ "one is left, but two name none", VDI_TYPE_DYNAMIC, 4,
	  { 3, 0x1234567, 1, 0x7654321, 0, F, F, F }, { 3, 0x1234567, 1, 0x7654321, 0, F, F, F } },
	{ "free with a wrong bit, and no block is left", VDI_TYPE_DYNAMIC, 3,
	  { 0, 1, 2, 0xffefffff, F, F, F, F }, { 0, 1, 2, F, F, F, F, F } },
	{ "zeros with a wrong bit, and no block is left", VDI_TYPE_DYNAMIC, 3,
	  { 0, 1, 2, 0xffeffffe, F, F, F, F }, { 0, 1, 2, Z, F, F, F, F } },
	{ "free with a wrong bit, but a block is left", VDI_TYPE_DYNAMIC, 3,
	  { 0, 1, 0xffefffff, F, F, F, F, F }, { 0, 1, 0xffefffff, F, F, F, F, F } },
	{ "doubled in a row", VDI_TYPE_DYNAMIC, 5,
	  { 0, 1, 1, 3, 4, F, F, F }, { 0, 1, 2, 3, 4, F, F, F } },
	{ "doubled at the end of a row, by one bit", VDI_TYPE_DYNAMIC, 4,
	  { 0, 1, 2, 2, F, F, F, F }, { 0, 1, 2, 3, F, F, F, F } },
	{ "doubled in no order", VDI_TYPE_DYNAMIC, 5,
	  { 4, 1, 3, 1, 0, F, F, F }, { 4, 1, 3, 1, 0, F, F, F } },
	{ "doubled, and nobody would keep the block", VDI_TYPE_DYNAMIC, 8,
	  { 2, 1, 4, 5, 1, 7, 0, F }, { 2, 1, 4, 5, 1, 7, 0, F } },
	{ "doubled, and what is in a row might move as well", VDI_TYPE_DYNAMIC, 6,
	  { 0, 1, 4, 2, 5, 1, F, F }, { 0, 1, 4, 2, 5, 1, F, F } },
	{ "doubled, and both are in a row", VDI_TYPE_DYNAMIC, 7,
	  { 0, 1, 6, 3, 1, 2, 4, F }, { 0, 1, 6, 3, 1, 2, 4, F } },
	{ "three have it", VDI_TYPE_DYNAMIC, 7,
	  { 0, 1, 1, 3, 4, 1, F, F }, { 0, 1, 1, 3, 4, 1, F, F } },
	{ "doubled often", VDI_TYPE_DYNAMIC, 5,
	  { 0, 0, 0, 0, 0, F, F, F }, { 0, 0, 0, 0, 0, F, F, F } },
	{ "a map of zeros, of fixed size", VDI_TYPE_FIXED, 8,
	  { 0, 0, 0, 0, 0, 0, 0, 0 }, { 0, 1, 2, 3, 4, 5, 6, 7 } },
	{ "wrong pairs, of fixed size", VDI_TYPE_FIXED, 8,
	  { 0, 1, 2, 5, 5, 77777, 6, 7 }, { 0, 1, 2, 3, 4, 5, 6, 7 } },
	{ "a block that only wrong ones have, of fixed size", VDI_TYPE_FIXED, 8,
	  { 0, 1, 2, 5, 5, 4, 6, 7 }, { 0, 1, 2, 5, 5, 4, 6, 7 } },
	{ "noise, of fixed size", VDI_TYPE_FIXED, 8,
	  { 9, 1, 77777, 1, 4, 100, 1, 7 }, { 0, 1, 2, 3, 4, 5, 6, 7 } },
};

Test(vdi_repair, entries_of_the_map)
{
	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
		const struct entries *e = &entries[i];
		const struct repaired got = repair(e->before, e->type, e->in_file, e->in_file,
						   IMG_REPAIR_ALL);

		expect(&got, e->after, e->n_after ? e->n_after : e->in_file, e->what);
	}
}

Test(vdi_repair, what_is_cut_off_stays_lost)
{
	static const int64_t map[BLOCKS] = { 4, 3, 2, 1, 0, F, F, F };
	const struct repaired got = repair(map, VDI_TYPE_DYNAMIC, 5, 3, IMG_REPAIR_ALL);

	expect(&got, map, 5, "three blocks of five are left");
}

Test(vdi_repair, leaks_need_a_sound_image)
{
	static const int64_t map[BLOCKS] = { 0, 1 | HUGE, F, F, F, F, F, F };
	const struct repaired got = repair(map, VDI_TYPE_DYNAMIC, 4, 2, IMG_REPAIR_LEAKS);

	expect(&got, map, 4, "damaged");
}

/* Zeros at the end are lost space, unless it is not known what the disk lacks. */
Test(vdi_repair, lost_blocks_of_zeros)
{
	static const int64_t map[BLOCKS] = { 0, F, F, F, F, F, F, F };
	static const int64_t damaged[BLOCKS] = { 0, 0x1234567, F, F, F, F, F, F };
	struct repaired got;

	zeros = true;
	got = repair(map, VDI_TYPE_DYNAMIC, 4, 4, IMG_REPAIR_LEAKS);
	expect(&got, map, 1, "sound");
	got = repair(damaged, VDI_TYPE_DYNAMIC, 4, 4, IMG_REPAIR_ALL);
	expect(&got, damaged, 4, "damaged");
	got = repair(damaged, VDI_TYPE_DYNAMIC, 6, 4, IMG_REPAIR_ALL);
	expect(&got, damaged, 6, "damaged, and more than there are");
}

struct count {
	const char *what;
	uint32_t said, in_file, after;
	enum img_repair_level level;
};

Test(vdi_repair, the_number_of_blocks)
{
	static const int64_t map[BLOCKS] = { 2, 0, F, Z, F, F, F, F };
	static const struct count counts[] = {
		{ "too low", 2, 3, 3, IMG_REPAIR_ALL },
		{ "too low, and leaks are all that is asked for", 2, 3, 2, IMG_REPAIR_LEAKS },
		{ "more than there are", 5, 3, 3, IMG_REPAIR_LEAKS },
		{ "more than there can be", 9, 3, 3, IMG_REPAIR_ALL },
		{ "more than there can be, and blocks of nobody", 9, 5, 5, IMG_REPAIR_ALL },
		{ "lost blocks that hold something", 4, 4, 4, IMG_REPAIR_ALL },
		{ "right", 3, 3, 3, IMG_REPAIR_ALL },
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		const struct count *c = &counts[i];
		const struct repaired got = repair(map, VDI_TYPE_DYNAMIC, c->said, c->in_file,
						   c->level);

		expect(&got, map, c->after, c->what);
	}
}

/* ---- The header ------------------------------------------------------------------------------ */

/* Repairs a file of s.bytes, len of them; whether its header is that of s.hdr then. */
static bool header_comes_back(const struct sample *s, size_t len)
{
	const struct img_checking how = { .threads = 1, .memory = 1 << 20 };
	struct img_layer ly = { .format = &img_format_vdi };
	struct img_err err = { 0 };
	uint8_t want[VDI_DECODE_LEN], got[VDI_DECODE_LEN];
	struct img_store *file = img_store_mem(s->bytes, len, &err);

	vdi_header_encode(&s->hdr, want);
	cr_assert(file);
	cr_assert(ly.store = img_store_overlay(file, &err), "%s", err.text);
	cr_assert(ly.format->check->repair(&ly, &how, IMG_REPAIR_ALL, &err), "%s", err.text);
	cr_assert(img_store_read(ly.store, 0, got, sizeof(got), &err));
	img_store_close(ly.store);
	img_store_close(file);
	return !memcmp(want, got, sizeof(want));
}

/* An image whose file has all blocks that its map names. */
static size_t start_whole(struct sample *s, enum vdi_type type)
{
	static const uint32_t mixed[BLOCKS] = { 2, 0, VDI_ENTRY_FREE, VDI_ENTRY_ZERO, 1, 4, 3, 5 };
	struct vdi_header hdr = sample_header(BLOCKS);

	hdr.type = type;
	hdr.n_allocated = type == VDI_TYPE_FIXED ? BLOCKS : 6;
	sample_start(s, hdr);
	for (uint32_t i = 0; i < BLOCKS; i++)
		sample_put(s, i, type == VDI_TYPE_FIXED ? i : mixed[i]);
	memset(s->bytes + hdr.data_off, 'x', (size_t)hdr.n_allocated * B);
	return hdr.data_off + (size_t)hdr.n_allocated * B;
}

static void flip(struct sample *s, size_t field, unsigned bit)
{
	img_put_le32(s->bytes + field, img_get_le32(s->bytes + field) ^ UINT32_C(1) << bit);
}

Test(vdi_repair, any_bit_of_the_header)
{
	static const size_t fields[] = {
		VDI_PRE_MAGIC, VDI_HDR_MAP_OFF, VDI_HDR_DATA_OFF, VDI_HDR_BLOCK_SIZE,
		VDI_HDR_BLOCK_EXTRA, VDI_HDR_BLOCKS,
	};
	static const enum vdi_type types[] = { VDI_TYPE_DYNAMIC, VDI_TYPE_FIXED };
	struct sample s;

	for (size_t t = 0; t < 2; t++) {
		const size_t len = start_whole(&s, types[t]);

		for (size_t f = 0; f < sizeof(fields) / sizeof(*fields); f++)
			for (unsigned bit = 0; bit < 32; bit++) {
				flip(&s, fields[f], bit);
				cr_assert(header_comes_back(&s, len), "field %zu, bit %u",
					  fields[f], bit);
				flip(&s, fields[f], bit);
			}
		for (unsigned bit = 2; bit < 32; bit++) {
			flip(&s, VDI_HDR_TYPE, bit);
			cr_assert(header_comes_back(&s, len), "type, bit %u", bit);
			flip(&s, VDI_HDR_TYPE, bit);
		}
		free(s.bytes);
	}
}

/* Two things are wrong at a time, or the file does not end where it should: nothing is certain. */
Test(vdi_repair, a_header_is_not_guessed)
{
	struct sample s;
	size_t len = start_whole(&s, VDI_TYPE_DYNAMIC);

	flip(&s, VDI_HDR_BLOCK_SIZE, 0);
	flip(&s, VDI_HDR_DATA_OFF, 9);
	cr_assert_not(header_comes_back(&s, len));
	flip(&s, VDI_HDR_DATA_OFF, 9);
	cr_assert(header_comes_back(&s, len));
	cr_assert_not(header_comes_back(&s, len - B));
	sample_put(&s, 0, 5);
	cr_assert_not(header_comes_back(&s, len));
	sample_put(&s, 0, 2);
	flip(&s, VDI_HDR_BLOCK_SIZE, 0);
	flip(&s, VDI_HDR_SIZE, 30);
	cr_assert_not(header_comes_back(&s, len));
	free(s.bytes);
}

/* One that is legal stays as it is while one thing alone speaks against it. */
Test(vdi_repair, a_file_that_was_cut_off_keeps_its_header)
{
	struct sample s;
	const size_t len = start_whole(&s, VDI_TYPE_DYNAMIC);

	cr_assert(header_comes_back(&s, len - B));
	cr_assert(header_comes_back(&s, len - 3 * B));
	cr_assert(header_comes_back(&s, len + B));
	/* Even if it ends where blocks at another usual place would. */
	s.hdr.data_off = VDI_ALIGN;
	vdi_header_encode(&s.hdr, s.bytes);
	cr_assert(header_comes_back(&s, len));
	free(s.bytes);
}
