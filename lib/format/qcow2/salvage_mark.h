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
};

/* A file system and a place in it. */
struct qcow2_mark {
	uint8_t id[QCOW2_MARK_ID];	/* its UUID */
	uint64_t size;			/* its bytes */
	uint64_t at;			/* of raw[0], from its start */
};

/* raw[0, len): the start of a cluster.  False: no superblock of ext2, ext3, ext4 or XFS is in it. */
bool qcow2_mark_read(const uint8_t *raw, size_t len, struct qcow2_mark *out);

/* Guest bytes. */
struct qcow2_part {
	uint64_t start, len;
};

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
