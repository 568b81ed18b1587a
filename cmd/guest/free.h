/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of a disk the file systems on it do not use. */
#ifndef CMD_GUEST_FREE_H
#define CMD_GUEST_FREE_H

#include "libimg.h"

/* A partition, or a disk without any, that holds something. */
struct free_volume {
	unsigned number;	/* of the partition as users count, from 1; 0: the whole disk */
	uint64_t start, len;	/* bytes of the disk */
	char type[32];		/* as libblkid calls it ("ext4") */
	uint64_t free;		/* bytes that it does not use */
	const char *why;	/* nothing of it counts as free: a phrase to translate; NULL: judged */
	bool forced;		/* judged although it is not certain */
};

struct free_space {
	struct img_span *spans;		/* rising, none touches the next */
	size_t n, cap;
	struct free_volume *volumes;	/* in the order of the disk */
	size_t n_volumes;
	uint64_t bytes;			/* of all spans */
};

/*
 * Asks the partition table and the file systems on the disk of im, which is not a stream.  A file
 * system that was not unmounted, has a journal to replay, contradicts itself or is of an unknown
 * kind uses all of its space; force: the first two do not matter.  Damage is an answer and no error.
 * Free with free_space_clear(), also after a failure.
 */
bool free_space_find(struct img *im, bool force, struct free_space *out, struct img_err *err)
	IMG_MUST_CHECK;
void free_space_clear(struct free_space *space);

#endif
