/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What superblocks say of the size of their file system.  libblkid tells that from version 2.39 on,
 * and without what the file system itself needs; the whole of it is wanted here.
 */
#include <string.h>
#include "guest/bytes.h"
#include "guest/superblock.h"

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? 0 : product;
}

/* count units of 1 << bits bytes; no file system has units larger than that. */
static uint64_t units(uint64_t count, uint32_t bits)
{
	return bits <= 25 ? times(count, UINT64_C(1) << bits) : 0;
}

static uint64_t size_of_ext(const uint8_t *head)
{
	const uint8_t *sb = head + 1024;
	const bool wide = get_le32(sb + 0x60) & 0x80;
	const uint64_t high = wide ? get_le32(sb + 0x150) : 0;
	const uint32_t bits = get_le32(sb + 0x18);

	return bits <= 6 ? units(high << 32 | get_le32(sb + 4), bits + 10) : 0;
}

static uint64_t size_of_xfs(const uint8_t *head)
{
	return times(get_be64(head + 8), get_be32(head + 4));
}

/* Of this device, if there are several. */
static uint64_t size_of_btrfs(const uint8_t *head)
{
	return get_le64(head + (64 << 10) + 0xc9 + 8);
}

/* One sector more than it says: the copy of the boot sector. */
static uint64_t size_of_ntfs(const uint8_t *head)
{
	return times(get_le64(head + 0x28) + 1, get_le16(head + 11));
}

static uint64_t size_of_fat(const uint8_t *head)
{
	const uint16_t few = get_le16(head + 19);

	return times(few ? few : get_le32(head + 32), get_le16(head + 11));
}

static uint64_t size_of_exfat(const uint8_t *head)
{
	return units(get_le64(head + 72), head[108]);
}

/* Its magic number ends the first page, so it tells how large a page is. */
static uint64_t size_of_swap(const uint8_t *head)
{
	for (size_t page = 4096; page <= 65536; page *= 2) {
		const uint8_t *magic = head + page - 10;
		const bool little = get_le32(head + 1024) == 1;

		if (!memcmp(magic, "SWAPSPACE2", 10))
			return times((uint64_t)(little ? get_le32(head + 1028)
						       : get_be32(head + 1028)) + 1, page);
	}
	return 0;
}

/* The label is in one of the first four sectors, and says where the header is. */
static uint64_t size_of_lvm(const uint8_t *head)
{
	for (size_t at = 0; at < 4 * 512; at += 512) {
		const uint32_t offset = get_le32(head + at + 20);

		if (!memcmp(head + at, "LABELONE", 8) && offset <= 512 - 40)
			return get_le64(head + at + offset + 32);
	}
	return 0;
}

static uint64_t size_of_f2fs(const uint8_t *head)
{
	return units(get_le64(head + 1024 + 36), get_le32(head + 1024 + 16));
}

static uint64_t size_of_nilfs2(const uint8_t *head)
{
	return get_le64(head + 1024 + 32);
}

static uint64_t size_of_reiserfs(const uint8_t *head)
{
	return times(get_le32(head + (64 << 10)), get_le16(head + (64 << 10) + 44));
}

static uint64_t size_of_iso9660(const uint8_t *head)
{
	return times(get_le32(head + (32 << 10) + 80), get_le16(head + (32 << 10) + 128));
}

static uint64_t size_of_squashfs(const uint8_t *head)
{
	return get_le64(head + 40);
}

static uint64_t size_of_erofs(const uint8_t *head)
{
	return units(get_le32(head + 1024 + 36), head[1024 + 12]);
}

static const struct {
	const char *type;
	uint64_t (*size)(const uint8_t *head);
} kinds[] = {
	{ "ext2", size_of_ext }, { "ext3", size_of_ext }, { "ext4", size_of_ext },
	{ "ext4dev", size_of_ext }, { "xfs", size_of_xfs }, { "btrfs", size_of_btrfs },
	{ "ntfs", size_of_ntfs }, { "vfat", size_of_fat }, { "exfat", size_of_exfat },
	{ "swap", size_of_swap }, { "LVM2_member", size_of_lvm }, { "f2fs", size_of_f2fs },
	{ "nilfs2", size_of_nilfs2 }, { "reiserfs", size_of_reiserfs },
	{ "iso9660", size_of_iso9660 }, { "squashfs", size_of_squashfs },
	{ "erofs", size_of_erofs },
};

uint64_t superblock_size(const char *type, const uint8_t head[SUPERBLOCK_HEAD])
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].type, type))
			return kinds[i].size(head);
	return 0;
}
