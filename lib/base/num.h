/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arithmetic on sizes and offsets that cannot wrap around unnoticed. */
#ifndef IMG_BASE_NUM_H
#define IMG_BASE_NUM_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* false on overflow; *out is then untouched. */
static inline bool img_add_u64(uint64_t a, uint64_t b, uint64_t *out)
{
	uint64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return false;
	*out = sum;
	return true;
}

static inline bool img_mul_u64(uint64_t a, uint64_t b, uint64_t *out)
{
	uint64_t product;

	if (__builtin_mul_overflow(a, b, &product))
		return false;
	*out = product;
	return true;
}

static inline bool img_to_size(uint64_t value, size_t *out)
{
	if (value > SIZE_MAX)
		return false;
	*out = (size_t)value;
	return true;
}

static inline bool img_is_pow2(uint64_t n)
{
	return n && !(n & (n - 1));
}

static inline uint64_t img_min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t img_max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* unit is a power of two; the caller has made sure that n + unit does not wrap. */
static inline uint64_t img_round_down(uint64_t n, uint64_t unit)
{
	assert(img_is_pow2(unit));
	return n & ~(unit - 1);
}

static inline uint64_t img_round_up(uint64_t n, uint64_t unit)
{
	assert(img_is_pow2(unit) && n <= UINT64_MAX - (unit - 1));
	return (n + unit - 1) & ~(unit - 1);
}

/* Any unit > 0. */
static inline uint64_t img_div_up(uint64_t n, uint64_t unit)
{
	assert(unit > 0);
	return n / unit + (n % unit != 0);
}

#endif
