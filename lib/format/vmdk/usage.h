/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which sectors of a file are in use, and whether for tables or for grains; a window of the file. */
#ifndef VMDK_USAGE_H
#define VMDK_USAGE_H

#include "libimg.h"

/* Both places count in sectors. */
struct vmdk_usage {
	uint64_t from, to;		/* of the file; what lies elsewhere is not marked */
	uint64_t *tables, *grains;	/* a bit for each sector; owned */
};

/* A window of so many sectors, in no more than `memory` bytes; it may be moved afterwards. */
bool vmdk_usage_init(struct vmdk_usage *used, uint64_t sectors, uint64_t memory,
		     struct img_err *err) IMG_MUST_CHECK;
void vmdk_usage_clear(struct vmdk_usage *used);
/* The window behind the last one, empty; false: there is none up to `sectors`. */
bool vmdk_usage_next(struct vmdk_usage *used, uint64_t sectors);

/* What was there before [host, host + len) was marked, in bytes of the file. */
enum vmdk_used { VMDK_USED_NOT, VMDK_USED_GRAIN, VMDK_USED_TABLE };
enum vmdk_used vmdk_usage_table(struct vmdk_usage *used, uint64_t host, uint64_t len);
enum vmdk_used vmdk_usage_grain(struct vmdk_usage *used, uint64_t host, uint64_t len);
/* Only asks. */
enum vmdk_used vmdk_usage_of(const struct vmdk_usage *used, uint64_t host, uint64_t len);

#endif
