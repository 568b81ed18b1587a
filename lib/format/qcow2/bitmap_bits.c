/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bitmap in memory: which bits belong to which guest bytes. */
#include <string.h>
#include "base/num.h"
#include "format/qcow2/bitmap.h"

static uint64_t granules(const struct qcow2_bitmap *bm, uint64_t size)
{
	return img_div_up(size, UINT64_C(1) << bm->granularity_bits);
}

uint64_t qcow2_bitmap_bytes(const struct qcow2_bitmap *bm, uint64_t size)
{
	return img_div_up(granules(bm, size), 8);
}

/* Several threads may set bits of one byte; nobody clears any meanwhile. */
static bool set_in_byte(uint8_t *byte, uint8_t mask)
{
	if ((__atomic_load_n(byte, __ATOMIC_RELAXED) & mask) == mask)
		return false;
	__atomic_fetch_or(byte, mask, __ATOMIC_RELAXED);
	return true;
}

bool qcow2_bitmap_set(struct qcow2_bitmap *bm, uint64_t at, uint64_t len)
{
	const uint64_t first = at >> bm->granularity_bits;
	const uint64_t last = (at + len - 1) >> bm->granularity_bits;
	const uint8_t head = (uint8_t)(0xff << first % 8), tail = (uint8_t)(0xff >> (7 - last % 8));

	if (first / 8 == last / 8)
		return set_in_byte(&bm->bits[first / 8], head & tail);
	bool fresh = set_in_byte(&bm->bits[first / 8], head);
	for (uint64_t i = first / 8 + 1; i < last / 8; i++)
		fresh |= set_in_byte(&bm->bits[i], 0xff);
	return set_in_byte(&bm->bits[last / 8], tail) || fresh;
}

void qcow2_bitmap_trim(const struct qcow2_bitmap *bm, uint64_t size, size_t len)
{
	const uint64_t n = granules(bm, size);

	if (n / 8 >= len)
		return;
	bm->bits[n / 8] &= (uint8_t)((1u << n % 8) - 1);
	memset(bm->bits + n / 8 + 1, 0, len - n / 8 - 1);
}

static bool is_set(const struct qcow2_bitmap *bm, uint64_t granule)
{
	return bm->bits[granule / 8] >> granule % 8 & 1;
}

/* The first granule in [from, n) whose bit is value; n: there is none. */
static uint64_t find(const struct qcow2_bitmap *bm, uint64_t from, uint64_t n, bool value)
{
	const uint8_t dull = value ? 0 : 0xff;

	while (from < n && is_set(bm, from) != value) {
		from++;
		while (from % 8 == 0 && from < n && bm->bits[from / 8] == dull)
			from += 8;
	}
	return img_min_u64(from, n);
}

void qcow2_bitmap_next(const struct qcow2_bitmap *bm, uint64_t size, uint64_t at, uint64_t *start,
		       uint64_t *len)
{
	const uint64_t n = granules(bm, size);
	const uint64_t first = find(bm, at >> bm->granularity_bits, n, true);
	const uint64_t end = find(bm, first, n, false);

	*start = img_max_u64(at, first << bm->granularity_bits);
	*len = first < n ? img_min_u64(size, end << bm->granularity_bits) - *start : 0;
}

uint64_t qcow2_bitmap_count(const struct qcow2_bitmap *bm, uint64_t size)
{
	const uint64_t n = granules(bm, size);
	uint64_t set = 0;

	for (uint64_t i = 0; i < img_div_up(n, 8); i++)
		set += (unsigned)__builtin_popcount(bm->bits[i]);
	set <<= bm->granularity_bits;
	/* The last granule may reach beyond the disk. */
	return n && is_set(bm, n - 1) ? set - ((n << bm->granularity_bits) - size) : set;
}

enum qcow2_bitmap_piece qcow2_bitmap_look(const struct qcow2_bitmap *bm, uint64_t size,
					  uint64_t from, uint64_t len)
{
	const uint64_t end = img_min_u64(granules(bm, size), (from + len) * 8);

	if (from * 8 >= end || find(bm, from * 8, end, true) == end)
		return QCOW2_BITMAP_ZEROS;
	return find(bm, from * 8, end, false) == end ? QCOW2_BITMAP_ONES : QCOW2_BITMAP_MIXED;
}
