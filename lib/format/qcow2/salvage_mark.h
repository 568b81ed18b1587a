/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the guest's own bytes say of their place on the disk: file systems spread numbered copies of
 * their superblock, and partition tables lie at the start of the disk.  Pure: bytes in, numbers out.
 */
#ifndef QCOW2_SALVAGE_MARK_H
#define QCOW2_SALVAGE_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	QCOW2_MARK_ID		= 16,
	/* As much of a cluster as can be of use: an XFS superblock and one sector of 4 KiB behind it. */
	QCOW2_MARK_HEAD		= 4096 + 512,
	QCOW2_MARK_MBR_PARTS	= 4,
	QCOW2_MARK_GPT_ENTRY	= 48,	/* bytes of an entry that matter */
	QCOW2_EXT_AT		= 1024,	/* of the first superblock of ext, in the file system */
	QCOW2_EXT_BYTES		= 1024,
	QCOW2_EXT_BLOCK_MAX	= 65536,
	QCOW2_EXT_DESCRIPTOR	= 64,	/* of a group, at most */
};

/* A file system and a place in it. */
struct qcow2_mark {
	uint8_t id[QCOW2_MARK_ID];	/* its UUID */
	uint64_t size;			/* its bytes */
	uint64_t at;			/* of raw[0], from its start */
};

/* raw[0, len): the start of a cluster.  False: no superblock of ext2, ext3, ext4 or XFS is in it. */
bool qcow2_mark_read(const uint8_t *raw, size_t len, struct qcow2_mark *out);

/* Bytes of the guest's disk, or of a file system. */
struct qcow2_part {
	uint64_t start, len;
};

/* An ext2, ext3 or ext4, by one of its superblocks. */
struct qcow2_ext {
	uint64_t block;			/* bytes of a block */
	uint64_t blocks, per_group, first;	/* first: number of the block that starts group 0 */
	uint64_t group;			/* that of the superblock */
	uint64_t n_groups;
	uint64_t descriptors;		/* where those of groups lie; 0: in no one place */
	uint32_t descriptor_len;
};

/* raw[0, QCOW2_EXT_BYTES); false: it is no superblock. */
bool qcow2_mark_ext(const uint8_t *raw, struct qcow2_ext *out);

/* A group of blocks; bytes of the file system. */
struct qcow2_ext_group {
	uint64_t start, len;
	uint64_t used;			/* bytes that are not free */
	uint64_t bitmap;		/* where it says which, a bit a block; 0: the first ones */
};

/* What descriptor[0, ext->descriptor_len) says of group i < n_groups; false: nothing. */
bool qcow2_mark_ext_group(const struct qcow2_ext *ext, uint64_t i, const uint8_t *descriptor,
			  struct qcow2_ext_group *out);

/* Where a header of a GPT lies itself, and its entries. */
struct qcow2_gpt {
	uint64_t own;			/* guest offset; 512 of the primary one, the last 512 of the disk */
	uint64_t entries;		/* guest offset */
	uint32_t n, entry_len;
};

/* raw[0, len): whether it may be the start of a disk with an MBR; its *n partitions, to parts. */
bool qcow2_mark_mbr(const uint8_t *raw, size_t len, struct qcow2_part parts[QCOW2_MARK_MBR_PARTS],
		    size_t *n);
/* One sector; false: it is no GPT header with the right checksum. */
bool qcow2_mark_gpt(const uint8_t *header, struct qcow2_gpt *out);
/* An entry of QCOW2_MARK_GPT_ENTRY bytes; false: it is empty, or makes no sense. */
bool qcow2_mark_gpt_entry(const uint8_t *raw, struct qcow2_part *out);

#endif
