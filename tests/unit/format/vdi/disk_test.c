/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing in place: what lies below, what is damaged, and what the header says afterwards. */
#include <string.h>
#include "../in_place.h"
#include "sample.h"

enum { B = SAMPLE_BLOCK, BLOCKS = 8 };

/* A layer of '#', but for block 3, which is a hole there. */
static bool below_extent(const struct img_below *self, uint64_t at, uint64_t limit,
			 struct img_extent *out, struct img_err *err)
{
	const bool hole = at / B == 3;
	const uint64_t end = hole ? 4 * B : at < 3 * B ? 3 * B : BLOCKS * B;

	(void)self;
	(void)err;
	*out = (struct img_extent){
		.start = at, .len = (limit < end ? limit : end) - at,
		.kind = hole ? IMG_EXTENT_HOLE : IMG_EXTENT_ENCODED,
	};
	return true;
}

static struct img_below below;

static bool open_for_writing(struct sample *s, size_t len, struct img_err *err)
{
	const struct img_layer_open how = { .flags = IMG_OPEN_WRITE };

	s->ly = (struct img_layer){ .format = &img_format_vdi };
	cr_assert(s->ly.store = img_store_mem(s->bytes, len, err));
	return img_format_vdi.open(&s->ly, &how, err);
}

/* Block 1 of the disk is block 0 of the file, and full of '1'; child: it stands on another image. */
static void start(struct sample *s, bool child)
{
	struct vdi_header hdr = sample_header(BLOCKS);
	struct img_err err = { 0 };

	hdr.n_allocated = 1;
	if (child) {
		hdr.type = VDI_TYPE_DIFFERENCING;
		hdr.parent.raw[0] = 9;
	}
	sample_start(s, hdr);
	sample_put(s, 1, 0);
	memset(s->bytes + hdr.data_off, '1', B);
	cr_assert(open_for_writing(s, hdr.data_off + B, &err), "%s", err.text);
	below = in_place_below;
	below.extent = below_extent;
	s->ly.below = child ? &below : NULL;
}

static uint32_t entry_in_file(struct sample *s, uint32_t index)
{
	uint8_t raw[4];

	cr_assert(img_store_read(s->ly.store, s->hdr.map_off + index * 4, raw, 4, NULL));
	return img_get_le32(raw);
}

Test(vdi_disk, a_new_block_keeps_what_lies_below_around_it)
{
	struct sample s;

	start(&s, true);
	in_place_write(&s.ly, 2 * B + 100, 50, 'a');
	cr_assert_eq(in_place_seen(&s.ly, 2 * B), '#');
	cr_assert_eq(in_place_seen(&s.ly, 2 * B + 99), '#');
	cr_assert_eq(in_place_seen(&s.ly, 2 * B + 100), 'a');
	cr_assert_eq(in_place_seen(&s.ly, 2 * B + 150), '#');
	cr_assert_eq(in_place_seen(&s.ly, 3 * B - 1), '#');
	in_place_write(&s.ly, 3 * B + 100, 1, 'b');
	cr_assert_eq(in_place_seen(&s.ly, 3 * B), '0');
	cr_assert_eq(in_place_seen(&s.ly, 3 * B + 100), 'b');
	sample_end(&s);
}

Test(vdi_disk, zeros_hide_what_lies_below)
{
	struct sample s;

	start(&s, true);
	in_place_zero(&s.ly, 4 * B, B);
	cr_assert_eq(in_place_seen(&s.ly, 4 * B), 'z');
	in_place_zero(&s.ly, 5 * B + 10, 10);
	cr_assert_eq(in_place_seen(&s.ly, 5 * B), '#');
	cr_assert_eq(in_place_seen(&s.ly, 5 * B + 10), '0');
	cr_assert_eq(in_place_seen(&s.ly, 5 * B + 20), '#');
	/* What was zeros shows nothing of it again. */
	in_place_write(&s.ly, 4 * B + 10, 1, 'a');
	cr_assert_eq(in_place_seen(&s.ly, 4 * B), '0');
	sample_end(&s);
}

Test(vdi_disk, zeros_over_nothing_stay_nothing)
{
	struct sample s;

	start(&s, false);
	in_place_zero(&s.ly, 0, BLOCKS * B);
	cr_assert_eq(in_place_seen(&s.ly, 0), '.');
	cr_assert_eq(in_place_seen(&s.ly, B), '0');
	in_place_flush(&s.ly);
	cr_assert_eq(entry_in_file(&s, 0), VDI_ENTRY_FREE);
	cr_assert_eq(entry_in_file(&s, 1), 0);
	sample_end(&s);
}

Test(vdi_disk, a_flush_tells_of_blocks_and_of_the_change)
{
	struct vdi_header hdr;
	struct sample s;

	start(&s, false);
	in_place_write(&s.ly, 7 * B, B, 'a');
	cr_assert_eq(entry_in_file(&s, 7), VDI_ENTRY_FREE);
	in_place_flush(&s.ly);
	cr_assert_eq(entry_in_file(&s, 7), 1);
	cr_assert(vdi_header_read(s.ly.store, &hdr, NULL));
	cr_assert_eq(hdr.n_allocated, 2);
	cr_assert(img_uuid_equal(&hdr.uuid, &s.hdr.uuid));
	cr_assert_not(img_uuid_equal(&hdr.modified, &s.hdr.modified));
	sample_end(&s);
}

Test(vdi_disk, what_leaked_is_used_again_and_shows_nothing_of_before)
{
	enum { LARGE = 4096 };
	struct vdi_header hdr = sample_header(BLOCKS);
	struct img_err err = { 0 };
	struct sample s;

	hdr.n_allocated = 3;
	hdr.block_size = LARGE;
	hdr.size = BLOCKS * LARGE;
	sample_start(&s, hdr);
	sample_put(&s, 0, 2);
	memset(s.bytes + hdr.data_off, 'x', 3 * LARGE);
	cr_assert(open_for_writing(&s, hdr.data_off + 3 * LARGE, &err), "%s", err.text);
	in_place_write(&s.ly, 5 * LARGE + 10, 1, 'a');
	cr_assert_eq(in_place_seen(&s.ly, 5 * LARGE), '0');
	cr_assert_eq(in_place_seen(&s.ly, 5 * LARGE + 10), 'a');
	cr_assert_eq(in_place_seen(&s.ly, 6 * LARGE - 1), '0');
	in_place_flush(&s.ly);
	cr_assert_eq(entry_in_file(&s, 5), 0);
	sample_end(&s);
}

Test(vdi_disk, a_block_is_made_once)
{
	struct sample s;

	start(&s, false);
	in_place_meet(&s.ly, 2 * B);
	sample_end(&s);
}

static void refuse(uint32_t index, uint32_t entry, size_t cut, enum img_code code)
{
	struct vdi_header hdr = sample_header(BLOCKS);
	struct img_err err = { 0 };
	struct sample s;

	sample_start(&s, hdr);
	sample_put(&s, 0, 1);
	sample_put(&s, index, entry);
	cr_assert_not(open_for_writing(&s, hdr.data_off + 2 * B - cut, &err));
	cr_assert_eq(err.code, code, "%s", err.text);
	img_store_close(s.ly.store);
	free(s.bytes);
}

Test(vdi_disk, what_is_damaged_is_not_written)
{
	refuse(1, 1, 0, IMG_E_CORRUPT);
	refuse(1, BLOCKS, 0, IMG_E_CORRUPT);
	refuse(1, 2, 0, IMG_E_INCOMPLETE);
	refuse(1, 0, 1, IMG_E_INCOMPLETE);
	refuse(0, VDI_ENTRY_FREE, 3 * B - 4, IMG_E_INCOMPLETE);
}
