/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest does to its disk: random requests, most of them near each other. */
#ifndef TESTS_DISK_WORKLOAD_H
#define TESTS_DISK_WORKLOAD_H

#include "disk/guest.h"
#include "disk/random.h"
#include "libimg.h"

/* No request is longer. */
#define REQUEST_MAX (2 * 1024 * 1024 + 64 * 1024)

struct workload {
	struct random random;
	uint64_t size;
	uint32_t grain;
	uint64_t hot_at, hot_len;	/* where most requests go */
	unsigned flush_percent, reopen_percent;
	uint32_t seq;
	uint8_t *buf;			/* REQUEST_MAX */
};

/*
 * For a disk of size bytes whose image allocates grain bytes together, or so.  How often it flushes
 * is a part of what the seed decides.
 */
void workload_init(struct workload *load, uint64_t size, uint32_t grain, uint64_t seed);
void workload_free(struct workload *load);
struct request workload_next(struct workload *load);
/* Does req, which is not REQUEST_REOPEN, to im. */
bool workload_do(struct workload *load, struct img *im, const struct request *req,
		 struct img_err *err);

#endif
