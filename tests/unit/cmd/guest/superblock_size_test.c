/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes out of superblocks: fields as their specifications have them, and numbers that are hostile. */
#include <criterion/criterion.h>
#include <string.h>
#include "guest/superblock.h"

static uint8_t head[SUPERBLOCK_HEAD];

/* n bytes, the lowest first. */
static void put(size_t at, uint64_t value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		head[at + i] = (uint8_t)(value >> 8 * i);
}

static void put_big(size_t at, uint64_t value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		head[at + i] = (uint8_t)(value >> 8 * (n - 1 - i));
}

/* Of what was put, which is gone afterwards. */
static void expect(const char *type, uint64_t want)
{
	const uint64_t found = superblock_size(type, head);

	cr_assert_eq(found, want, "%s: %lu", type, (unsigned long)found);
	memset(head, 0, sizeof(head));
}

Test(superblock_size, ext_counts_blocks_in_64_bits_where_it_says_so)
{
	put(1024 + 4, 1000, 4);
	put(1024 + 0x18, 2, 4);
	put(1024 + 0x150, 1, 4);
	expect("ext4", 1000 * 4096);
	put(1024 + 4, 1000, 4);
	put(1024 + 0x18, 2, 4);
	put(1024 + 0x60, 0x80, 4);
	put(1024 + 0x150, 1, 4);
	expect("ext4", ((UINT64_C(1) << 32) + 1000) * 4096);
	put(1024 + 4, 1000, 4);
	put(1024 + 0x18, 7, 4);
	expect("ext2", 0);
}

Test(superblock_size, others_have_it_in_their_own_units)
{
	put_big(4, 4096, 4);
	put_big(8, 77, 8);
	expect("xfs", 77 * 4096);
	put(65536 + 0xc9 + 8, 123456, 8);
	expect("btrfs", 123456);
	put(11, 512, 2);
	put(0x28, 999, 8);
	expect("ntfs", 1000 * 512);
	put(11, 512, 2);
	put(19, 2880, 2);
	expect("vfat", 2880 * 512);
	put(11, 512, 2);
	put(32, 100000, 4);
	expect("vfat", 100000 * 512);
	put(72, 5000, 8);
	put(108, 9, 1);
	expect("exfat", 5000 * 512);
	put(1024 + 36, 30, 8);
	put(1024 + 16, 12, 4);
	expect("f2fs", 30 * 4096);
	put(1024 + 32, 4711, 8);
	expect("nilfs2", 4711);
	put(65536, 20, 4);
	put(65536 + 44, 4096, 2);
	expect("reiserfs", 20 * 4096);
	put(32768 + 80, 300, 4);
	put(32768 + 128, 2048, 2);
	expect("iso9660", 300 * 2048);
	put(40, 8000, 8);
	expect("squashfs", 8000);
	put(1024 + 36, 12, 4);
	put(1024 + 12, 12, 1);
	expect("erofs", 12 * 4096);
}

/* Pages of 64 KiB, of a machine with the other order of bytes. */
Test(superblock_size, swap_tells_the_size_of_a_page_by_its_magic)
{
	memcpy(head + 4096 - 10, "SWAPSPACE2", 10);
	put(1024, 1, 4);
	put(1028, 99, 4);
	expect("swap", 100 * 4096);
	memcpy(head + 65536 - 10, "SWAPSPACE2", 10);
	put_big(1024, 1, 4);
	put_big(1028, 9, 4);
	expect("swap", 10 * 65536);
	expect("swap", 0);
}

Test(superblock_size, lvm_is_where_its_label_says)
{
	memcpy(head + 512, "LABELONE", 8);
	put(512 + 20, 32, 4);
	put(512 + 32 + 32, 4 << 20, 8);
	expect("LVM2_member", 4 << 20);
	memcpy(head + 1536, "LABELONE", 8);
	put(1536 + 20, 473, 4);
	expect("LVM2_member", 0);
}

Test(superblock_size, what_cannot_be_is_not_known)
{
	memset(head, 0xff, sizeof(head));
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(superblock_size((const char *[]){ "xfs", "ntfs", "exfat", "erofs" }[i],
					     head), 0);
	expect("crypto_LUKS", 0);
	expect("", 0);
}
