/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The partitions of a table, as libfdisk sees them. */
#ifndef CMD_GUEST_PARTITIONS_H
#define CMD_GUEST_PARTITIONS_H

#include "guest/sketch.h"
#include "guest/superblock.h"

struct partition {
	unsigned number;	/* as users count, from 1 */
	uint64_t start, len;	/* bytes of the disk */
	bool container;		/* the extended partition of an MBR, in which others lie */
	bool inside;		/* lies in that */
	struct superblock content;
};

/*
 * kind: "dos" or "gpt"; sector: bytes.  *out is owned by the caller, and NULL when there are none.
 * IMG_E_CORRUPT: libfdisk sees no such table.
 */
bool partitions_read(struct sketch *sk, const char *kind, unsigned sector, struct partition **out,
		     size_t *n, struct img_err *err) IMG_MUST_CHECK;
/* Gives the partitions, which are in the table, the lengths that they have here. */
bool partitions_set_len(struct sketch *sk, const char *kind, unsigned sector,
			const struct partition *parts, size_t n, struct img_err *err)
	IMG_MUST_CHECK;

#endif
