/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the two halves of the reader of XFS know of each other. */
#ifndef CMD_GUEST_FREE_XFS_H
#define CMD_GUEST_FREE_XFS_H

#include "guest/free_readers.h"

struct xfs {
	struct free_place *place;
	uint32_t block, sector;		/* bytes */
	uint64_t n_blocks;
	uint32_t ag_blocks, n_ags;	/* the last group may be shorter */
	unsigned ag_bits;		/* of a block's number, that count inside of its group */
	uint64_t log;			/* number of its first block; 0: it is elsewhere */
	uint32_t log_blocks;
	bool checked;			/* version 5: all metadata say what they are, and have a checksum */
	uint8_t uuid[16];		/* that these metadata carry */
};

/* Whether the last thing in the log is that the file system was unmounted.  False: place knows why. */
bool xfs_was_unmounted(const struct xfs *fs);

#endif
