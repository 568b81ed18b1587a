/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What superblocks and partition tables say of their place, and what is none. */
#include "format/qcow2/salvage_mark.h"

#include <criterion/criterion.h>
#include <zlib.h>
#include "base/bytes.h"

enum { MIB = 1 << 20, XFS_AG = 1024 };

static uint8_t raw[QCOW2_MARK_HEAD];

/* A file system of 100 groups of 8192 blocks. */
static void put_ext(size_t at, unsigned log_block, unsigned group)
{
	memset(raw, 0, sizeof(raw));
	img_put_le32(raw + at + 0x4, 100 * 8192);
	img_put_le32(raw + at + 0x14, !log_block);
	img_put_le32(raw + at + 0x18, log_block);
	img_put_le32(raw + at + 0x20, 8192);
	img_put_le16(raw + at + 0x38, 0xef53);
	img_put_le16(raw + at + 0x5a, (uint16_t)group);
	raw[at + 0x68] = 7;
}

static void put_xfs(uint16_t sector, uint32_t number)
{
	memset(raw, 0, sizeof(raw));
	memcpy(raw, "XFSB", 4);
	img_put_be32(raw + 4, 4096);
	img_put_be64(raw + 8, 4 * XFS_AG);
	raw[32] = 9;
	img_put_be32(raw + 84, XFS_AG);
	img_put_be32(raw + 88, 4);
	img_put_be16(raw + 102, sector);
	memcpy(raw + sector, "XAGF", 4);
	img_put_be32(raw + sector + 4, 1);
	img_put_be32(raw + sector + 8, number);
}

static void expect_at(uint64_t at, uint64_t size, uint8_t id)
{
	struct qcow2_mark mark;

	cr_assert(qcow2_mark_read(raw, sizeof(raw), &mark));
	cr_expect_eq(mark.at, at);
	cr_expect_eq(mark.size, size);
	cr_expect_eq(mark.id[0], id);
}

static void expect_none(void)
{
	struct qcow2_mark mark;

	cr_expect_not(qcow2_mark_read(raw, sizeof(raw), &mark));
}

Test(qcow2_mark, ext)
{
	put_ext(1024, 2, 0);
	expect_at(0, UINT64_C(100) * 8192 * 4096, 7);
	put_ext(0, 2, 3);
	expect_at(UINT64_C(3) * 8192 * 4096, UINT64_C(100) * 8192 * 4096, 7);
	/* With small blocks the copy lies a block behind the start of its group. */
	put_ext(1024, 0, 5);
	expect_at(UINT64_C(5) * 8192 * 1024, UINT64_C(100) * 8192 * 1024, 7);
}

Test(qcow2_mark, ext_of_64_bits)
{
	put_ext(0, 2, 3);
	img_put_le32(raw + 0x20, 32768);
	img_put_le32(raw + 0x150, 1);
	expect_at(UINT64_C(3) * 32768 * 4096, UINT64_C(100) * 8192 * 4096, 7);
	img_put_le32(raw + 0x60, 0x80);
	cr_expect_eq(img_get_le32(raw + 0x60), 0x80);
	/* More groups than the number of one can tell. */
	expect_none();
	img_put_le32(raw + 0x20, 1 << 20);
	expect_at(UINT64_C(3) * (1 << 20) * 4096, ((UINT64_C(1) << 32) + 100 * 8192) * 4096, 7);
}

Test(qcow2_mark, no_ext)
{
	static const struct { size_t at; uint32_t value; } wrong[] = {
		{ 0x4, 3 * 8192 },	/* the group is not in it */
		{ 0x14, 1 },		/* blocks of 4 KiB start at 0 */
		{ 0x18, 7 },
		{ 0x20, 0 },
		{ 0x20, 8191 },
		{ 0x20, UINT32_MAX - 7 },
		{ 0x38, 0 },
		{ 0x68, 0 },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		put_ext(0, 2, 3);
		img_put_le32(raw + wrong[i].at, wrong[i].value);
		expect_none();
	}
}

Test(qcow2_mark, xfs)
{
	put_xfs(512, 3);
	expect_at(UINT64_C(3) * XFS_AG * 4096, UINT64_C(4) * XFS_AG * 4096, 9);
	put_xfs(4096, 0);
	expect_at(0, UINT64_C(4) * XFS_AG * 4096, 9);
}

Test(qcow2_mark, no_xfs)
{
	put_xfs(512, 4);
	expect_none();
	put_xfs(512, 1);
	img_put_be16(raw + 102, 0);
	expect_none();
	put_xfs(512, 1);
	img_put_be16(raw + 102, UINT16_MAX);
	expect_none();
	put_xfs(512, 1);
	img_put_be64(raw + 8, UINT64_MAX);
	expect_none();
	put_xfs(512, 1);
	raw[512] = 0;
	expect_none();
}

static void put_mbr(void)
{
	memset(raw, 0, sizeof(raw));
	raw[446] = 0x80;
	raw[446 + 4] = 0x83;
	img_put_le32(raw + 446 + 8, MIB / 512);
	img_put_le32(raw + 446 + 12, 8);
	raw[510] = 0x55;
	raw[511] = 0xaa;
}

Test(qcow2_mark, mbr)
{
	struct qcow2_part parts[QCOW2_MARK_MBR_PARTS];
	size_t n;

	put_mbr();
	cr_assert(qcow2_mark_mbr(raw, sizeof(raw), parts, &n));
	cr_expect(n == 1 && parts[0].start == MIB && parts[0].len == 4096);
	raw[446 + 16] = 1;
	cr_expect_not(qcow2_mark_mbr(raw, sizeof(raw), parts, &n), "code, not partitions");
	put_mbr();
	raw[446 + 4] = 0;
	cr_expect_not(qcow2_mark_mbr(raw, sizeof(raw), parts, &n), "no partition");
	put_mbr();
	cr_expect_not(qcow2_mark_mbr(raw, 511, parts, &n), "too short");
}

static void put_gpt(void)
{
	memset(raw, 0, sizeof(raw));
	memcpy(raw, "EFI PART", 8);
	img_put_le32(raw + 12, 92);
	img_put_le64(raw + 24, 1);
	img_put_le64(raw + 72, 2);
	img_put_le32(raw + 80, 128);
	img_put_le32(raw + 84, 128);
	img_put_le32(raw + 16, (uint32_t)crc32(0, raw, 92));
}

Test(qcow2_mark, gpt)
{
	struct qcow2_gpt gpt;

	put_gpt();
	cr_assert(qcow2_mark_gpt(raw, &gpt));
	cr_expect(gpt.own == 512 && gpt.entries == 1024 && gpt.n == 128 && gpt.entry_len == 128);
	raw[80]++;
	cr_expect_not(qcow2_mark_gpt(raw, &gpt), "the checksum is wrong");
	put_gpt();
	img_put_le32(raw + 12, UINT32_MAX);
	cr_expect_not(qcow2_mark_gpt(raw, &gpt), "too long");
}

Test(qcow2_mark, gpt_entry)
{
	struct qcow2_part part;

	memset(raw, 0, sizeof(raw));
	img_put_le64(raw + 32, 2048);
	img_put_le64(raw + 40, 4095);
	cr_expect_not(qcow2_mark_gpt_entry(raw, &part), "of no type");
	raw[0] = 1;
	cr_assert(qcow2_mark_gpt_entry(raw, &part));
	cr_expect(part.start == MIB && part.len == MIB);
	img_put_le64(raw + 40, UINT64_MAX);
	cr_expect_not(qcow2_mark_gpt_entry(raw, &part), "of no disk");
}

Test(qcow2_mark, ext_group)
{
	uint8_t descriptor[QCOW2_EXT_DESCRIPTOR] = { 0 };
	struct qcow2_ext_group group;
	struct qcow2_ext ext;

	put_ext(0, 2, 0);
	img_put_le32(raw + 0x4, 99 * 8192 + 100);
	cr_assert(qcow2_mark_ext(raw, &ext));
	cr_expect(ext.n_groups == 100 && ext.descriptors == 4096 && ext.descriptor_len == 32);
	cr_expect_not(qcow2_mark_ext_group(&ext, 0, descriptor, &group), "it has no bitmap");
	img_put_le32(descriptor, 5);
	img_put_le16(descriptor + 0xc, 60);
	cr_assert(qcow2_mark_ext_group(&ext, 99, descriptor, &group));
	cr_expect_eq(group.start, UINT64_C(99) * 8192 * 4096);
	cr_expect_eq(group.len, 100 * 4096, "the last group is shorter");
	cr_expect_eq(group.used, 40 * 4096);
	cr_expect_eq(group.bitmap, 5 * 4096);
	img_put_le16(descriptor + 0x12, 2);
	cr_assert(qcow2_mark_ext_group(&ext, 99, descriptor, &group));
	cr_expect_eq(group.bitmap, 0, "it was not written");
	img_put_le16(descriptor + 0xc, 101);
	cr_expect_not(qcow2_mark_ext_group(&ext, 99, descriptor, &group), "more than there are");
	/* Descriptors in other places are not looked for. */
	img_put_le32(raw + 0x60, 0x10);
	cr_expect(qcow2_mark_ext(raw, &ext) && !ext.descriptors);
}
