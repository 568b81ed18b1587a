/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random numbers that are the same on every machine (xorshift64*). */
#ifndef TESTS_DISK_RANDOM_H
#define TESTS_DISK_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;		/* never 0 */
};

static inline struct random random_from(uint64_t seed)
{
	return (struct random){ (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1 };
}

static inline uint64_t random_bits(struct random *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return r->state * UINT64_C(0x2545f4914f6cdd1d);
}

/* 0 to limit - 1; limit is far below 2^32. */
static inline uint64_t random_below(struct random *r, uint64_t limit)
{
	return (random_bits(r) >> 32) * limit >> 32;
}

/* True in so many of 100 cases. */
static inline bool random_chance(struct random *r, unsigned percent)
{
	return random_below(r, 100) < percent;
}

#endif
