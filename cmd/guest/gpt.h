/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The GUID partition table as a structure at both ends of a disk: which of its two copies can be
 * relied on, and moving the second one.  What the partitions are libfdisk says.  It cannot move the
 * table of a disk that gets shorter, because it takes one that reaches beyond the disk for damaged,
 * and it makes the protective MBR anew, without the boot flag that some firmware wants.
 */
#ifndef CMD_GUEST_GPT_H
#define CMD_GUEST_GPT_H

#include "guest/sketch.h"

/* One of the two copies; all of it is zero where there is none.  Sectors. */
struct gpt_header {
	bool whole;		/* the header is as it was written, and at its place */
	bool good;		/* and so are the entries that belong to it */
	uint64_t here, other;	/* the places of this copy and of the other one */
	uint64_t first_usable, last_usable;
	uint64_t entries_at;
	uint32_t n_entries, entry_len;
};

struct gpt {
	unsigned sector;	/* bytes */
	bool found;		/* a copy is good */
	bool claimed;		/* something says that there is a table, good or not */
	bool hybrid;		/* the MBR has partitions of its own */
	struct gpt_header primary, backup;
};

/* Looks for a table in sectors of that many bytes.  Damage is an answer and no error. */
bool gpt_look(struct sketch *sk, unsigned sector, struct gpt *out, struct img_err *err)
	IMG_MUST_CHECK;
/* Bytes of the disk that the table speaks of. */
uint64_t gpt_disk_size(const struct gpt *gpt);
/* Bytes up to the first sector that a partition may have, including that. */
uint64_t gpt_head_len(const struct gpt *gpt);
/* Bytes that the second copy takes at the end of a disk. */
uint64_t gpt_tail_len(const struct gpt *gpt);
/*
 * Gives the sketch that many bytes, which are whole sectors, and makes both copies from the good one
 * for a disk of that size; no partition may reach into the tail.  A second copy that would be left
 * in the middle goes.
 */
bool gpt_move(struct sketch *sk, const struct gpt *gpt, uint64_t size, struct img_err *err)
	IMG_MUST_CHECK;

#endif
