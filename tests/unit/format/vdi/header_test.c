/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header: both directions, and every number at and behind its limit. */
#include <string.h>
#include "sample.h"

static enum img_code code_of(const uint8_t *raw, size_t len)
{
	struct vdi_header hdr;
	struct img_err err = { 0 };

	if (vdi_header_decode(raw, len, &hdr, &err))
		return IMG_OK;
	cr_assert(err.text[0]);
	return err.code;
}

static void expect(struct vdi_header hdr, enum img_code code)
{
	uint8_t raw[VDI_DECODE_LEN];

	vdi_header_encode(&hdr, raw);
	cr_assert_eq(code_of(raw, sizeof(raw)), code, "code %d", code_of(raw, sizeof(raw)));
}

Test(vdi_header, all_fields_come_back)
{
	struct vdi_header in = sample_header(100), out;
	struct img_err err = { 0 };
	uint8_t raw[VDI_DECODE_LEN];

	in.type = VDI_TYPE_DIFFERENCING;
	in.block_extra = 1024;
	in.n_allocated = 55;
	in.parent = (struct img_uuid){ { 3 } };
	in.parent_modified = (struct img_uuid){ { 4 } };
	strcpy(in.comment, "a comment");
	vdi_header_encode(&in, raw);
	cr_assert(vdi_header_decode(raw, sizeof(raw), &out, &err), "%s", err.text);
	cr_assert_eq(memcmp(&in, &out, sizeof(in)), 0);
}

Test(vdi_header, a_comment_without_an_end_is_cut)
{
	struct vdi_header hdr = sample_header(1), out;
	uint8_t raw[VDI_DECODE_LEN];

	vdi_header_encode(&hdr, raw);
	memset(raw + VDI_HDR_COMMENT, 'c', VDI_COMMENT_LEN);
	cr_assert(vdi_header_decode(raw, sizeof(raw), &out, NULL));
	cr_assert_eq(strlen(out.comment), VDI_COMMENT_LEN - 1);
}

Test(vdi_header, short_files)
{
	struct vdi_header hdr = sample_header(1);
	uint8_t raw[VDI_DECODE_LEN];

	vdi_header_encode(&hdr, raw);
	cr_assert_eq(code_of(raw, VDI_PRE_LEN - 1), IMG_E_NOT_THIS_FORMAT);
	cr_assert_eq(code_of(raw, VDI_PRE_LEN), IMG_E_INCOMPLETE);
	cr_assert_eq(code_of(raw, VDI_HDR_END - 1), IMG_E_INCOMPLETE);
	cr_assert_eq(code_of(raw, VDI_HDR_END), IMG_OK);
	img_put_le16(raw + VDI_PRE_VERSION + 2, 0);
	cr_assert_eq(code_of(raw, VDI_V0_END - 1), IMG_E_INCOMPLETE);
	raw[VDI_PRE_MAGIC]++;
	cr_assert_eq(code_of(raw, sizeof(raw)), IMG_E_NOT_THIS_FORMAT);
}

Test(vdi_header, lengths)
{
	struct vdi_header hdr = sample_header(1);
	uint8_t raw[VDI_DECODE_LEN];

	vdi_header_encode(&hdr, raw);
	img_put_le32(raw + VDI_HDR_LEN, VDI_HDR_END - VDI_HDR_LEN);
	cr_assert_eq(code_of(raw, sizeof(raw)), IMG_OK);
	img_put_le32(raw + VDI_HDR_LEN, VDI_HDR_END - VDI_HDR_LEN - 1);
	cr_assert_eq(code_of(raw, sizeof(raw)), IMG_E_CORRUPT);
}

Test(vdi_header, versions_and_types)
{
	struct vdi_header hdr = sample_header(1);

	hdr.minor = 99;
	expect(hdr, IMG_OK);
	hdr.major = 2;
	expect(hdr, IMG_E_UNSUPPORTED);
	hdr = sample_header(1);
	hdr.type = VDI_TYPE_FIXED;
	expect(hdr, IMG_OK);
	hdr.type = 0;
	expect(hdr, IMG_E_UNSUPPORTED);
	hdr.type = 5;
	expect(hdr, IMG_E_UNSUPPORTED);
	hdr.type = VDI_TYPE_UNDO;
	expect(hdr, IMG_E_CORRUPT);
	hdr.parent.raw[3] = 1;
	expect(hdr, IMG_OK);
}

Test(vdi_header, blocks)
{
	struct vdi_header hdr = sample_header(4);

	hdr.block_size = VDI_BLOCK_SIZE_MAX;
	expect(hdr, IMG_OK);
	hdr.block_size = VDI_BLOCK_SIZE_MAX << 1;
	expect(hdr, IMG_E_CORRUPT);
	hdr.block_size = 3 * 512;
	expect(hdr, IMG_E_CORRUPT);
	hdr.block_size = 256;
	expect(hdr, IMG_E_CORRUPT);
	hdr.block_size = 0;
	expect(hdr, IMG_E_CORRUPT);
	hdr = sample_header(4);
	hdr.block_extra = 3;
	expect(hdr, IMG_E_CORRUPT);
	hdr = sample_header(4);
	hdr.size++;
	expect(hdr, IMG_E_CORRUPT);
	hdr.n_blocks++;
	expect(hdr, IMG_OK);
	hdr.data_off = UINT32_MAX;
	hdr.n_blocks = VDI_BLOCKS_MAX - 1000;
	expect(hdr, IMG_OK);
	hdr.n_blocks = VDI_BLOCKS_MAX + 1;
	expect(hdr, IMG_E_RANGE);
}

Test(vdi_header, places)
{
	struct vdi_header hdr = sample_header(128);

	hdr.map_off = VDI_HDR_END;
	hdr.data_off = VDI_HDR_END + 512;
	expect(hdr, IMG_OK);
	hdr.data_off--;
	expect(hdr, IMG_E_CORRUPT);
	hdr.data_off++;
	hdr.map_off--;
	expect(hdr, IMG_E_CORRUPT);
	hdr.map_off = UINT32_MAX;
	expect(hdr, IMG_E_CORRUPT);
}

Test(vdi_header, an_old_map_that_does_not_fit_is_refused)
{
	struct vdi_header hdr = sample_header(1);
	uint8_t raw[VDI_DECODE_LEN] = { 0 };

	vdi_header_encode(&hdr, raw);
	img_put_le16(raw + VDI_PRE_VERSION + 2, 0);
	img_put_le32(raw + VDI_V0_TYPE, VDI_TYPE_DYNAMIC);
	img_put_le64(raw + VDI_V0_SIZE, 4096);
	img_put_le32(raw + VDI_V0_BLOCK_SIZE, 4096);
	img_put_le32(raw + VDI_V0_BLOCKS, 1);
	cr_assert_eq(code_of(raw, sizeof(raw)), IMG_OK);
	img_put_le32(raw + VDI_V0_BLOCKS, VDI_BLOCKS_MAX);
	cr_assert_eq(code_of(raw, sizeof(raw)), IMG_E_CORRUPT);
}
