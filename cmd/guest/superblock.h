/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a disk or a partition holds, and how much room that takes. */
#ifndef CMD_GUEST_SUPERBLOCK_H
#define CMD_GUEST_SUPERBLOCK_H

#include "libimg.h"

struct superblock {
	char type[32];		/* as libblkid calls it ("ext4"); empty: nothing that it knows */
	uint64_t size;		/* bytes that it says it takes; 0: it does not say */
};

/* Of what starts at the guest byte `at` and has len bytes at most. */
bool superblock_find(struct img *im, uint64_t at, uint64_t len, struct superblock *out,
		     struct img_err *err) IMG_MUST_CHECK;

/* Bytes at the start of a file system that superblock_size() wants to see. */
#define SUPERBLOCK_HEAD ((size_t)68 << 10)

/* What a file system of that type says of its size; 0: it does not, or nobody here knows how. */
uint64_t superblock_size(const char *type, const uint8_t head[SUPERBLOCK_HEAD]);

#endif
