/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See latency.h. */
#include <assert.h>
#include "imgbench/latency.h"

#define STEPS (UINT64_C(1) << LATENCY_STEP_BITS)
#define LONGEST ((UINT64_C(2) << LATENCY_TOP_BIT) - 1)

/* Below 2 * STEPS each value has a bucket of its own; from there on it is the leading bits. */
static unsigned bucket_of(uint64_t ns)
{
	unsigned shift = 0;

	if (ns > LONGEST)
		ns = LONGEST;
	if (ns >= 2 * STEPS)
		shift = 63 - (unsigned)__builtin_clzll(ns) - LATENCY_STEP_BITS;
	return (shift << LATENCY_STEP_BITS) + (unsigned)(ns >> shift);
}

/* The highest value in a bucket. */
static uint64_t bucket_top(unsigned bucket)
{
	const unsigned power = bucket >> LATENCY_STEP_BITS;
	const unsigned shift = power ? power - 1 : 0;
	const uint64_t lead = bucket - ((uint64_t)shift << LATENCY_STEP_BITS);

	return ((lead + 1) << shift) - 1;
}

void latency_add(struct latency *l, uint64_t nanoseconds)
{
	const unsigned bucket = bucket_of(nanoseconds);

	assert(bucket < LATENCY_BUCKETS);
	if (!l->n || nanoseconds < l->min)
		l->min = nanoseconds;
	if (nanoseconds > l->max)
		l->max = nanoseconds;
	l->n++;
	l->sum += nanoseconds;
	l->buckets[bucket]++;
}

void latency_merge(struct latency *l, const struct latency *from)
{
	if (!from->n)
		return;
	if (!l->n || from->min < l->min)
		l->min = from->min;
	if (from->max > l->max)
		l->max = from->max;
	l->n += from->n;
	l->sum += from->sum;
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
		l->buckets[i] += from->buckets[i];
}

/* The rank-th shortest, counted from 1. */
static uint64_t value_at(const struct latency *l, uint64_t rank)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		seen += l->buckets[i];
		if (seen >= rank)
			return bucket_top(i);
	}
	return l->max;
}

uint64_t latency_quantile(const struct latency *l, unsigned per_mille)
{
	const uint64_t rank = (uint64_t)(((unsigned __int128)l->n * per_mille + 999) / 1000);
	uint64_t value;

	if (!l->n)
		return 0;
	if (!rank)
		return l->min;
	value = value_at(l, rank);
	if (value < l->min)
		return l->min;
	return value > l->max || rank == l->n ? l->max : value;
}
