/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long requests took: a histogram of fixed size, however many there are.  Its buckets are
 * 1/64 of a power of two wide, so that a percentile is at most 1.6 % too high.
 */
#ifndef CMD_IMGBENCH_LATENCY_H
#define CMD_IMGBENCH_LATENCY_H

#include <stdint.h>

enum {
	LATENCY_STEP_BITS = 6,		/* buckets to a power of two */
	LATENCY_TOP_BIT = 41,		/* longer than 2^42 ns (73 minutes) is counted as that */
	LATENCY_BUCKETS = (LATENCY_TOP_BIT - LATENCY_STEP_BITS + 2) << LATENCY_STEP_BITS,
};

/* All zero is an empty one. */
struct latency {
	uint64_t n, sum, min, max;	/* nanoseconds */
	uint64_t buckets[LATENCY_BUCKETS];
};

void latency_add(struct latency *l, uint64_t nanoseconds);
/* Adds all of from to l. */
void latency_merge(struct latency *l, const struct latency *from);
/* What so many per mille (0 to 1000) took at most; 0 when nothing was counted. */
uint64_t latency_quantile(const struct latency *l, unsigned per_mille);

#endif
