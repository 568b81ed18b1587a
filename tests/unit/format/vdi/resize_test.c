/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another size: room for the map, where blocks go, what the header says, and what is refused. */
#include <string.h>
#include "sample.h"

enum { B = SAMPLE_BLOCK, BLOCKS = 100, SEEN = 8 };

/*
 * Block i of the disk, for i < SEEN, is block SEEN - 1 - i of the file and full of 'a' + i.  Behind
 * them is something that is nobody's.
 */
static void start(struct sample *s, struct vdi_header hdr)
{
	const uint64_t stride = vdi_stride(&hdr);
	const struct img_layer_open how = { .flags = IMG_OPEN_WRITE };
	struct img_err err = { 0 };

	hdr.n_allocated = SEEN;
	sample_start(s, hdr);
	for (uint32_t i = 0; i < SEEN; i++) {
		sample_put(s, i, SEEN - 1 - i);
		memset(s->bytes + hdr.data_off + (SEEN - 1 - i) * stride, 'a' + (int)i, stride);
	}
	memset(s->bytes + hdr.data_off + SEEN * stride, '?', B);
	s->ly = (struct img_layer){ .format = &img_format_vdi };
	cr_assert(s->ly.store = img_store_mem(s->bytes, hdr.data_off + SEEN * stride + B, &err));
	cr_assert(img_format_vdi.open(&s->ly, &how, &err), "%s", err.text);
}

static void resize_to(struct sample *s, uint64_t size)
{
	const struct img_layer_resize how = { .size = size };
	struct img_err err = { 0 };

	cr_assert(img_format_vdi.resize(&s->ly, &how, &err), "%s", err.text);
	cr_assert_eq(s->ly.size, size);
}

static void expect_refused(struct sample *s, const struct img_layer_resize *how,
			   enum img_code code)
{
	struct img_err err = { 0 };

	cr_assert_not(img_format_vdi.resize(&s->ly, how, &err));
	cr_assert_eq(err.code, code, "%s", err.text);
}

static void expect_block(struct sample *s, uint32_t index, uint8_t c)
{
	const struct img_extent ex = sample_extent(s, (uint64_t)index * B);
	struct img_err err = { 0 };
	uint8_t bytes[B];

	cr_assert_eq(ex.kind, IMG_EXTENT_DATA, "block %u", index);
	cr_assert(img_store_read(ex.store, ex.host, bytes, B, &err), "%s", err.text);
	for (int i = 0; i < B; i++)
		cr_assert_eq(bytes[i], c, "block %u", index);
}

static struct vdi_header header_of(struct sample *s)
{
	struct vdi_header hdr;
	struct img_err err = { 0 };

	cr_assert(vdi_header_read(s->ly.store, &hdr, &err), "%s", err.text);
	return hdr;
}

static uint64_t length_of(struct sample *s)
{
	struct img_err err = { 0 };
	uint64_t len = 0;

	cr_assert(img_store_size(s->ly.store, &len, &err));
	return len;
}

Test(vdi_resize, first_blocks_make_room_for_the_map)
{
	struct sample s;
	struct vdi_header hdr;

	start(&s, sample_header(BLOCKS));
	resize_to(&s, 500 * B);
	hdr = header_of(&s);
	/* 2000 bytes of map where there were 512. */
	cr_assert_eq(hdr.data_off, s.hdr.data_off + 3 * B);
	cr_assert_eq(hdr.n_blocks, 500);
	cr_assert_eq(hdr.n_allocated, SEEN);
	cr_assert_eq(length_of(&s), hdr.data_off + SEEN * B);
	for (uint32_t i = 0; i < SEEN; i++)
		expect_block(&s, i, (uint8_t)('a' + i));
	cr_assert_eq(sample_extent(&s, SEEN * B).kind, IMG_EXTENT_HOLE);
	/* The last of the file has stayed, and the first is the last now. */
	cr_assert_eq(sample_extent(&s, 0).host, s.hdr.data_off + (SEEN - 1) * B);
	cr_assert_eq(sample_extent(&s, (SEEN - 1) * B).host, hdr.data_off + (SEEN - 1) * B);
	sample_end(&s);
}

Test(vdi_resize, all_blocks_make_room)
{
	struct sample s;

	start(&s, sample_header(BLOCKS));
	resize_to(&s, 20000 * B);
	cr_assert_eq(header_of(&s).data_off, 512 + 80000 / B * B + B);
	for (uint32_t i = 0; i < SEEN; i++)
		expect_block(&s, i, (uint8_t)('a' + i));
	cr_assert_eq(length_of(&s), header_of(&s).data_off + SEEN * B);
	sample_end(&s);
}

Test(vdi_resize, bytes_in_front_of_blocks_move_along)
{
	struct vdi_header hdr = sample_header(BLOCKS);
	struct img_err err = { 0 };
	struct sample s;
	char extra[B];

	hdr.block_extra = B;
	start(&s, hdr);
	resize_to(&s, 200 * B);
	cr_assert_eq(header_of(&s).data_off, hdr.data_off + 2 * B);
	cr_assert(img_store_read(s.ly.store, sample_extent(&s, 7 * B).host - B, extra, B, &err));
	cr_assert_eq(extra[0], 'h');
	expect_block(&s, 7, 'h');
	sample_end(&s);
}

Test(vdi_resize, last_blocks_fill_the_gaps)
{
	struct sample s;

	start(&s, sample_header(BLOCKS));
	resize_to(&s, 3 * B + 10);
	cr_assert_eq(header_of(&s).n_allocated, 4);
	cr_assert_eq(length_of(&s), s.hdr.data_off + 4 * B);
	for (uint32_t i = 0; i < 3; i++)
		expect_block(&s, i, (uint8_t)('a' + i));
	resize_to(&s, 5 * B);
	expect_block(&s, 2, 'c');
	cr_assert_eq(sample_extent(&s, 4 * B).kind, IMG_EXTENT_HOLE);
	sample_end(&s);
}

Test(vdi_resize, to_nothing_and_back)
{
	struct sample s;

	start(&s, sample_header(BLOCKS));
	resize_to(&s, 0);
	cr_assert_eq(length_of(&s), s.hdr.data_off);
	resize_to(&s, BLOCKS * B);
	cr_assert_eq(sample_extent(&s, 0).kind, IMG_EXTENT_HOLE);
	cr_assert_eq(sample_extent(&s, 0).len, BLOCKS * B);
	sample_end(&s);
}

Test(vdi_resize, fixed_images_get_blocks_of_zeros)
{
	struct vdi_header hdr = sample_header(SEEN);
	struct sample s;

	hdr.type = VDI_TYPE_FIXED;
	start(&s, hdr);
	resize_to(&s, 10 * B);
	cr_assert_eq(header_of(&s).n_allocated, 10);
	cr_assert_eq(length_of(&s), hdr.data_off + 10 * B);
	for (uint32_t i = 0; i < 10; i++)
		expect_block(&s, i, i < SEEN ? (uint8_t)('a' + i) : 0);
	sample_end(&s);
}

/* As VirtualBox does it: nobody knows any more. */
Test(vdi_resize, geometry_and_identity_of_the_content)
{
	struct vdi_header hdr = sample_header(BLOCKS), found;
	struct img_err err = { 0 };
	uint8_t raw[VDI_DECODE_LEN];
	struct sample s;

	start(&s, hdr);
	cr_assert(img_store_write(s.ly.store, VDI_HDR_OLD_GEOMETRY, "xxxx", 4, &err));
	cr_assert(img_store_write(s.ly.store, VDI_HDR_GEOMETRY, "xxxx", 4, &err));
	resize_to(&s, 10 * B);
	cr_assert(img_store_read(s.ly.store, 0, raw, sizeof(raw), &err));
	cr_assert_eq(img_get_le32(raw + VDI_HDR_OLD_GEOMETRY), 0);
	cr_assert_eq(img_get_le32(raw + VDI_HDR_OLD_GEOMETRY + VDI_GEOMETRY_SECTOR), 512);
	cr_assert_eq(img_get_le32(raw + VDI_HDR_GEOMETRY), 0);
	cr_assert_eq(img_get_le32(raw + VDI_HDR_GEOMETRY + VDI_GEOMETRY_SECTOR), 512);
	found = header_of(&s);
	cr_assert(img_uuid_equal(&found.uuid, &hdr.uuid));
	cr_assert_not(img_uuid_equal(&found.modified, &hdr.modified));
	sample_end(&s);
}

Test(vdi_resize, refuses_what_cannot_be)
{
	struct sample s;

	start(&s, sample_header(BLOCKS));
	expect_refused(&s, &(struct img_layer_resize){ .size = 200 * B,
		       .preallocation = IMG_PREALLOC_FULL }, IMG_E_UNSUPPORTED);
	expect_refused(&s, &(struct img_layer_resize){ .size = UINT64_C(1) << 40 }, IMG_E_RANGE);
	sample_end(&s);
}
