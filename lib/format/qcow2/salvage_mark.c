/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See salvage_mark.h.  Whatever does not fit in all that is known of it is no mark. */
#include "format/qcow2/salvage_mark.h"

#include <libdeflate.h>
#include <string.h>

#include "base/bytes.h"
#include "base/num.h"
#include "extent/extent.h"

enum {
	SECTOR		= 512,

	EXT_BLOCKS	= 0x4,
	EXT_FIRST	= 0x14,
	EXT_LOG_BLOCK	= 0x18,
	EXT_PER_GROUP	= 0x20,
	EXT_MAGIC	= 0x38,
	EXT_GROUP	= 0x5a,
	EXT_INCOMPAT	= 0x60,
	EXT_RO_COMPAT	= 0x64,
	EXT_UUID	= 0x68,
	EXT_DESC_LEN	= 0xfe,
	EXT_BLOCKS_HIGH	= 0x150,
	EXT_IS		= 0xef53,
	EXT_META_BG	= 0x10,		/* descriptors are spread */
	EXT_64BIT	= 0x80,
	EXT_BIGALLOC	= 0x200,	/* of RO_COMPAT: clusters are counted, not blocks */
	EXT_NARROW	= 32,		/* bytes of a descriptor without EXT_64BIT */
	EXT_LOG_MAX	= 6,		/* blocks of 64 KiB */
	EXT_GROUP_MAX	= 1 << 26,	/* blocks */
	EXT_GROUPS_MAX	= 1 << 16,	/* behind these the number of the group wraps */

	DESC_BITMAP	= 0x0,
	DESC_FREE	= 0xc,
	DESC_FLAGS	= 0x12,
	DESC_BITMAP_HIGH	= 0x20,
	DESC_FREE_HIGH	= 0x2c,
	DESC_NO_BITMAP	= 2,		/* of the flags: only what starts the group is in use */

	XFS_BLOCK	= 4,
	XFS_BLOCKS	= 8,
	XFS_UUID	= 32,
	XFS_AG_BLOCKS	= 84,
	XFS_AG_COUNT	= 88,
	XFS_SECTOR	= 102,
	AGF_VERSION	= 4,
	AGF_NUMBER	= 8,
	AGF_BYTES	= 12,

	MBR_PARTS	= 446,
	MBR_PART	= 16,
	MBR_TYPE	= 4,
	MBR_START	= 8,
	MBR_COUNT	= 12,

	GPT_LEN		= 12,
	GPT_CRC		= 16,
	GPT_OWN		= 24,
	GPT_ENTRIES	= 72,
	GPT_N		= 80,
	GPT_ENTRY_LEN	= 84,
	GPT_MIN		= 92,
	GPT_N_MAX	= 1024,
	GPT_FIRST	= 32,
	GPT_LAST	= 40,
};

#define SECTORS_MAX (UINT64_MAX / SECTOR)

/* ---- ext2, ext3, ext4 ------------------------------------------------------------------------ */

static void ext_decode(const uint8_t *raw, struct qcow2_ext *out)
{
	const bool wide = img_get_le32(raw + EXT_INCOMPAT) & EXT_64BIT;
	const uint32_t log = img_get_le32(raw + EXT_LOG_BLOCK);

	*out = (struct qcow2_ext){
		.block = log <= EXT_LOG_MAX ? UINT64_C(1024) << log : 0,
		.blocks = img_get_le32(raw + EXT_BLOCKS) |
			  (wide ? (uint64_t)img_get_le32(raw + EXT_BLOCKS_HIGH) << 32 : 0),
		.per_group = img_get_le32(raw + EXT_PER_GROUP),
		.first = img_get_le32(raw + EXT_FIRST),
		.group = img_get_le16(raw + EXT_GROUP),
		.descriptor_len = wide ? img_get_le16(raw + EXT_DESC_LEN) : EXT_NARROW,
	};
}

/* After this nothing of it can wrap. */
static bool ext_makes_sense(const struct qcow2_ext *x)
{
	return x->block && x->first == (x->block == 1024) && x->per_group &&
	       x->per_group % 8 == 0 && x->per_group <= EXT_GROUP_MAX &&
	       x->blocks / x->per_group < EXT_GROUPS_MAX &&
	       x->group * x->per_group + x->first < x->blocks;
}

bool qcow2_mark_ext(const uint8_t *raw, struct qcow2_ext *out)
{
	if (img_get_le16(raw + EXT_MAGIC) != EXT_IS)
		return false;
	ext_decode(raw, out);
	if (!ext_makes_sense(out) || img_is_zero(raw + EXT_UUID, QCOW2_MARK_ID))
		return false;
	const bool together = !(img_get_le32(raw + EXT_INCOMPAT) & EXT_META_BG) &&
			      !(img_get_le32(raw + EXT_RO_COMPAT) & EXT_BIGALLOC) &&
			      (out->descriptor_len == EXT_NARROW ||
			       out->descriptor_len == QCOW2_EXT_DESCRIPTOR);

	out->n_groups = img_div_up(out->blocks - out->first, out->per_group);
	out->descriptors = together ? (out->first + 1) * out->block : 0;
	return true;
}

static uint64_t group_start(const struct qcow2_ext *ext, uint64_t i)
{
	return (ext->first + i * ext->per_group) * ext->block;
}

bool qcow2_mark_ext_group(const struct qcow2_ext *ext, uint64_t i, const uint8_t *descriptor,
			  struct qcow2_ext_group *out)
{
	const bool wide = ext->descriptor_len == QCOW2_EXT_DESCRIPTOR;
	uint64_t bitmap = img_get_le32(descriptor + DESC_BITMAP);
	uint64_t n_free = img_get_le16(descriptor + DESC_FREE);

	if (wide) {
		bitmap |= (uint64_t)img_get_le32(descriptor + DESC_BITMAP_HIGH) << 32;
		n_free |= (uint64_t)img_get_le16(descriptor + DESC_FREE_HIGH) << 16;
	}
	out->start = group_start(ext, i);
	out->len = img_min_u64(ext->per_group * ext->block, ext->blocks * ext->block - out->start);
	if (!bitmap || bitmap >= ext->blocks || n_free * ext->block > out->len)
		return false;
	out->used = out->len - n_free * ext->block;
	out->bitmap = img_get_le16(descriptor + DESC_FLAGS) & DESC_NO_BITMAP ?
		      0 : bitmap * ext->block;
	return true;
}

static bool ext_read(const uint8_t *raw, size_t len, size_t from, struct qcow2_mark *out)
{
	struct qcow2_ext x;

	if (len < from + QCOW2_EXT_BYTES || !qcow2_mark_ext(raw + from, &x))
		return false;
	const uint64_t at = x.group ? group_start(&x, x.group) : QCOW2_EXT_AT;

	*out = (struct qcow2_mark){ .at = at - from, .size = x.blocks * x.block };
	memcpy(out->id, raw + from + EXT_UUID, QCOW2_MARK_ID);
	return true;
}

/* ---- XFS: each allocation group starts with a superblock and the header of its free space ------- */

static bool xfs_read(const uint8_t *raw, size_t len, struct qcow2_mark *out)
{
	if (len < SECTOR || memcmp(raw, "XFSB", 4))
		return false;
	const uint64_t block = img_get_be32(raw + XFS_BLOCK), blocks = img_get_be64(raw + XFS_BLOCKS);
	const uint64_t ag_blocks = img_get_be32(raw + XFS_AG_BLOCKS);
	const size_t sector = img_get_be16(raw + XFS_SECTOR);
	const uint8_t *agf = raw + sector;

	if (!img_is_pow2(block) || block < SECTOR || block > 65536 || !ag_blocks || sector < SECTOR ||
	    blocks > INT64_MAX / block || len < sector + AGF_BYTES || memcmp(agf, "XAGF", 4) ||
	    img_get_be32(agf + AGF_VERSION) != 1)
		return false;
	const uint32_t number = img_get_be32(agf + AGF_NUMBER);

	if (number >= img_get_be32(raw + XFS_AG_COUNT) || number * ag_blocks >= blocks ||
	    img_is_zero(raw + XFS_UUID, QCOW2_MARK_ID))
		return false;
	*out = (struct qcow2_mark){ .at = number * ag_blocks * block, .size = blocks * block };
	memcpy(out->id, raw + XFS_UUID, QCOW2_MARK_ID);
	return true;
}

/* With blocks of 1 KiB copies of ext lie a block behind the start of their group, like the first. */
bool qcow2_mark_read(const uint8_t *raw, size_t len, struct qcow2_mark *out)
{
	return ext_read(raw, len, 0, out) || ext_read(raw, len, QCOW2_EXT_AT, out) ||
	       xfs_read(raw, len, out);
}

/* ---- Partition tables ------------------------------------------------------------------------ */

bool qcow2_mark_mbr(const uint8_t *raw, size_t len, struct qcow2_part parts[QCOW2_MARK_MBR_PARTS],
		    size_t *n)
{
	*n = 0;
	if (len < SECTOR || raw[510] != 0x55 || raw[511] != 0xaa)
		return false;
	for (size_t i = 0; i < QCOW2_MARK_MBR_PARTS; i++) {
		const uint8_t *part = raw + MBR_PARTS + i * MBR_PART;
		const struct qcow2_part one = {
			.start = (uint64_t)img_get_le32(part + MBR_START) * SECTOR,
			.len = (uint64_t)img_get_le32(part + MBR_COUNT) * SECTOR,
		};

		if (part[0] & 0x7f)
			return false;
		if (!part[MBR_TYPE])
			continue;
		if (!one.start || !one.len)
			return false;
		parts[(*n)++] = one;
	}
	return *n > 0;
}

/* The checksum is made with itself as zeros. */
static bool gpt_is_whole(const uint8_t *header, size_t len)
{
	uint8_t copy[SECTOR];

	memcpy(copy, header, len);
	memset(copy + GPT_CRC, 0, 4);
	return libdeflate_crc32(0, copy, len) == img_get_le32(header + GPT_CRC);
}

bool qcow2_mark_gpt(const uint8_t *header, struct qcow2_gpt *out)
{
	if (memcmp(header, "EFI PART", 8))
		return false;
	const uint32_t len = img_get_le32(header + GPT_LEN);
	const uint64_t own = img_get_le64(header + GPT_OWN);
	const uint64_t entries = img_get_le64(header + GPT_ENTRIES);

	if (len < GPT_MIN || len > SECTOR || !gpt_is_whole(header, len) || !own ||
	    own > SECTORS_MAX || entries > SECTORS_MAX)
		return false;
	*out = (struct qcow2_gpt){
		.own = own * SECTOR,
		.entries = entries * SECTOR,
		.n = img_get_le32(header + GPT_N),
		.entry_len = img_get_le32(header + GPT_ENTRY_LEN),
	};
	return out->n <= GPT_N_MAX && img_is_pow2(out->entry_len) && out->entry_len >= 128 &&
	       out->entry_len <= 4096;
}

bool qcow2_mark_gpt_entry(const uint8_t *raw, struct qcow2_part *out)
{
	const uint64_t first = img_get_le64(raw + GPT_FIRST), last = img_get_le64(raw + GPT_LAST);

	if (img_is_zero(raw, 16) || !first || last < first || last >= SECTORS_MAX)
		return false;
	*out = (struct qcow2_part){ .start = first * SECTOR, .len = (last - first + 1) * SECTOR };
	return true;
}
