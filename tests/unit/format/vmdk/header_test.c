/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers of the three kinds from bytes, with each number out of its range once. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/bytes.h"
#include "format/vmdk/header.h"
#include "format/vmdk/layout.h"

static uint8_t raw[VMDK_HEAD_BYTES];

static void hosted(void)
{
	memset(raw, 0, sizeof(raw));
	memcpy(raw, VMDK_MAGIC, 4);
	img_put_le32(raw + VMDK_HDR_VERSION, 1);
	img_put_le32(raw + VMDK_HDR_FLAGS, VMDK_FLAG_LINE_ENDS | VMDK_FLAG_REDUNDANT);
	img_put_le64(raw + VMDK_HDR_CAPACITY, 100000);
	img_put_le64(raw + VMDK_HDR_GRAIN, 128);
	img_put_le64(raw + VMDK_HDR_DESC_AT, 1);
	img_put_le64(raw + VMDK_HDR_DESC_LEN, 20);
	img_put_le32(raw + VMDK_HDR_GT_ENTRIES, 512);
	img_put_le64(raw + VMDK_HDR_RGD_AT, 21);
	img_put_le64(raw + VMDK_HDR_GD_AT, 26);
	memcpy(raw + VMDK_HDR_LINE_ENDS, "\n \r\n", 4);
}

static void cowd(void)
{
	memset(raw, 0, sizeof(raw));
	memcpy(raw, VMDK_COWD_MAGIC, 4);
	img_put_le32(raw + VMDK_COWD_VERSION, 1);
	img_put_le32(raw + VMDK_COWD_CAPACITY, 10000);
	img_put_le32(raw + VMDK_COWD_GRAIN, 1);
	img_put_le32(raw + VMDK_COWD_GD_AT, 4);
	img_put_le32(raw + VMDK_COWD_GD_LEN, 3);
}

static void sesparse(void)
{
	memset(raw, 0, sizeof(raw));
	img_put_le64(raw + VMDK_SE_MAGIC, VMDK_SE_MAGIC_VALUE);
	img_put_le64(raw + VMDK_SE_VERSION, VMDK_SE_VERSION_VALUE);
	img_put_le64(raw + VMDK_SE_CAPACITY, 40000);
	img_put_le64(raw + VMDK_SE_GRAIN, 8);
	img_put_le64(raw + VMDK_SE_GT_LEN, 64);
	img_put_le64(raw + VMDK_SE_VOLATILE_AT, 1);
	img_put_le64(raw + VMDK_SE_GD_AT, 8);
	img_put_le64(raw + VMDK_SE_GD_LEN, 1);
	img_put_le64(raw + VMDK_SE_GTS_AT, 16);
	img_put_le64(raw + VMDK_SE_GRAINS_AT, 160);
}

static bool decode(struct vmdk_header *hdr, struct img_err *err)
{
	*err = (struct img_err){ 0 };
	return vmdk_header_decode(raw, sizeof(raw), hdr, err);
}

Test(header, hosted)
{
	struct vmdk_header hdr;
	struct img_err err;

	hosted();
	cr_assert(decode(&hdr, &err), "%s", err.text);
	cr_assert(hdr.kind == VMDK_KIND_HOSTED && hdr.capacity == 100000 * 512);
	cr_assert(hdr.grain == 65536 && hdr.gt_entries == 512 && hdr.entry_len == 4);
	cr_assert(hdr.n_gd == 2 && hdr.gd_at == 26 * 512 && hdr.rgd_at == 21 * 512);
	cr_assert(hdr.desc_at == 512 && hdr.desc_len == 20 * 512);
	cr_assert(!hdr.compressed && !hdr.markers && !hdr.unclean && !hdr.gd_at_end);
	img_put_le64(raw + VMDK_HDR_GD_AT, VMDK_GD_AT_END);
	img_put_le32(raw + VMDK_HDR_FLAGS, VMDK_FLAG_MARKERS);
	cr_assert(decode(&hdr, &err) && hdr.gd_at_end && hdr.markers && !hdr.rgd_at);
}

Test(header, hosted_is_encoded_as_it_was)
{
	uint8_t again[VMDK_HDR_LEN];
	struct vmdk_header hdr;
	struct img_err err;

	hosted();
	raw[VMDK_HDR_UNCLEAN] = 1;
	cr_assert(decode(&hdr, &err), "%s", err.text);
	hdr.overhead = 128 * 512;
	img_put_le64(raw + VMDK_HDR_OVERHEAD, 128);
	vmdk_header_encode(&hdr, again);
	cr_assert_arr_eq(again, raw, sizeof(raw));
	img_put_le64(raw + VMDK_HDR_GD_AT, VMDK_GD_AT_END);
	img_put_le16(raw + VMDK_HDR_COMPRESSION, VMDK_COMPRESSION_DEFLATE);
	cr_assert(decode(&hdr, &err), "%s", err.text);
	hdr.overhead = 128 * 512;
	vmdk_header_encode(&hdr, again);
	cr_assert_arr_eq(again, raw, sizeof(raw));
}

Test(header, cowd)
{
	struct vmdk_header hdr;
	struct img_err err;

	cowd();
	cr_assert(decode(&hdr, &err), "%s", err.text);
	cr_assert(hdr.kind == VMDK_KIND_COWD && hdr.capacity == 10000 * 512 && hdr.grain == 512);
	cr_assert(hdr.n_gd == 3 && hdr.gt_entries == 4096 && hdr.gd_at == 2048);
}

Test(header, sesparse)
{
	struct vmdk_header hdr;
	struct img_err err;

	sesparse();
	cr_assert(decode(&hdr, &err), "%s", err.text);
	cr_assert(hdr.kind == VMDK_KIND_SESPARSE && hdr.grain == 4096 && hdr.gt_entries == 4096);
	cr_assert(hdr.n_gd == 2 && hdr.entry_len == 8 && hdr.grains_at == 160 * 512);
}

static const struct {
	void (*make)(void);
	size_t at, len;
	uint64_t value;
	enum img_code code;
} refused[] = {
	{ hosted, VMDK_HDR_MAGIC, 4, 0, IMG_E_NOT_THIS_FORMAT },
	{ hosted, VMDK_HDR_VERSION, 4, 0, IMG_E_UNSUPPORTED },
	{ hosted, VMDK_HDR_VERSION, 4, 4, IMG_E_UNSUPPORTED },
	{ hosted, VMDK_HDR_COMPRESSION, 2, 2, IMG_E_UNSUPPORTED },
	{ hosted, VMDK_HDR_LINE_ENDS, 4, 0, IMG_E_CORRUPT },
	{ hosted, VMDK_HDR_CAPACITY, 8, UINT64_C(1) << 55, IMG_E_CORRUPT },
	{ hosted, VMDK_HDR_CAPACITY, 8, UINT64_C(1) << 50, IMG_E_RANGE },
	{ hosted, VMDK_HDR_GRAIN, 8, 0, IMG_E_CORRUPT },
	{ hosted, VMDK_HDR_GRAIN, 8, 3, IMG_E_CORRUPT },
	{ hosted, VMDK_HDR_GRAIN, 8, UINT64_C(1) << 22, IMG_E_CORRUPT },
	{ hosted, VMDK_HDR_GRAIN, 8, UINT64_C(1) << 63, IMG_E_CORRUPT },
	{ hosted, VMDK_HDR_DESC_AT, 8, UINT64_MAX, IMG_E_CORRUPT },
	{ hosted, VMDK_HDR_GT_ENTRIES, 4, 0, IMG_E_CORRUPT },
	{ hosted, VMDK_HDR_GT_ENTRIES, 4, 513, IMG_E_CORRUPT },
	{ hosted, VMDK_HDR_RGD_AT, 8, UINT64_MAX, IMG_E_CORRUPT },
	{ hosted, VMDK_HDR_GD_AT, 8, UINT64_MAX - 1, IMG_E_CORRUPT },
	{ cowd, VMDK_COWD_VERSION, 4, 2, IMG_E_UNSUPPORTED },
	{ cowd, VMDK_COWD_GRAIN, 4, 0, IMG_E_CORRUPT },
	{ cowd, VMDK_COWD_GD_LEN, 4, 2, IMG_E_CORRUPT },
	{ sesparse, VMDK_SE_VERSION, 8, 1, IMG_E_UNSUPPORTED },
	{ sesparse, VMDK_SE_FLAGS, 8, 1, IMG_E_UNSUPPORTED },
	{ sesparse, VMDK_SE_GT_LEN, 8, 0, IMG_E_CORRUPT },
	{ sesparse, VMDK_SE_GT_LEN, 8, 4097, IMG_E_CORRUPT },
	{ sesparse, VMDK_SE_GD_LEN, 8, 0, IMG_E_CORRUPT },
	{ sesparse, VMDK_SE_GRAINS_AT, 8, UINT64_MAX, IMG_E_CORRUPT },
};

Test(header, refuses)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		uint8_t value[8];
		struct vmdk_header hdr;
		struct img_err err;

		refused[i].make();
		img_put_le64(value, refused[i].value);
		memcpy(raw + refused[i].at, value, refused[i].len);
		cr_assert_not(decode(&hdr, &err), "%zu", i);
		cr_assert_eq(err.code, refused[i].code, "%zu: %s", i, err.text);
	}
}

Test(header, is_not_read_beyond_its_end)
{
	struct vmdk_header hdr;
	struct img_err err = { 0 };

	hosted();
	cr_assert_not(vmdk_header_decode(raw, sizeof(raw) - 1, &hdr, &err));
	cr_assert_eq(err.code, IMG_E_INCOMPLETE);
	cr_assert_not(vmdk_header_decode(raw, 3, &hdr, &err));
	cr_assert_eq(err.code, IMG_E_NOT_THIS_FORMAT);
}

Test(header, a_journal_must_be_empty)
{
	struct img_err err = { 0 };

	memset(raw, 0, sizeof(raw));
	cr_assert(!vmdk_volatile_check(raw, &err) && err.code == IMG_E_CORRUPT);
	img_put_le64(raw, VMDK_SE_VOL_MAGIC_VALUE);
	cr_assert(vmdk_volatile_check(raw, &err));
	img_put_le64(raw + VMDK_SE_VOL_REPLAY, 1);
	cr_assert(!vmdk_volatile_check(raw, &err) && err.code == IMG_E_UNSUPPORTED);
}
