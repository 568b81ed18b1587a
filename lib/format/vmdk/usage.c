/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two bitmaps over a window of a file; how long the file is does not decide how much memory. */
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/layout.h"
#include "format/vmdk/usage.h"

enum { WORD_BITS = 64, WORDS_MIN = 1024 };

static size_t words(const struct vmdk_usage *used)
{
	return img_div_up(used->to - used->from, WORD_BITS);
}

bool vmdk_usage_init(struct vmdk_usage *used, uint64_t sectors, uint64_t memory,
		     struct img_err *err)
{
	const uint64_t most = img_max_u64(memory / 2 / sizeof(uint64_t), WORDS_MIN);
	const uint64_t n = img_min_u64(img_div_up(sectors, WORD_BITS) + 1, most);

	*used = (struct vmdk_usage){ .to = n * WORD_BITS };
	used->tables = img_calloc(n, sizeof(uint64_t), err);
	used->grains = used->tables ? img_calloc(n, sizeof(uint64_t), err) : NULL;
	if (used->grains)
		return true;
	vmdk_usage_clear(used);
	return false;
}

void vmdk_usage_clear(struct vmdk_usage *used)
{
	free(used->tables);
	free(used->grains);
	*used = (struct vmdk_usage){ 0 };
}

bool vmdk_usage_next(struct vmdk_usage *used, uint64_t sectors)
{
	const uint64_t n = used->to - used->from;

	if (used->to >= sectors)
		return false;
	used->from += n;
	used->to += n;
	memset(used->tables, 0, words(used) * sizeof(uint64_t));
	memset(used->grains, 0, words(used) * sizeof(uint64_t));
	return true;
}

/* ---- Ranges of bits ------------------------------------------------------------------------------ */

/* The part of a range that is in the window, as bits; false: none is. */
static bool bits_of(const struct vmdk_usage *used, uint64_t host, uint64_t len, uint64_t *first,
		    uint64_t *end)
{
	const uint64_t start = img_max_u64(host / VMDK_SECTOR, used->from);
	const uint64_t limit = img_min_u64(img_div_up(host + len, VMDK_SECTOR), used->to);

	if (start >= limit)
		return false;
	*first = start - used->from;
	*end = limit - used->from;
	return true;
}

/* The bits of the word that `bit` is in, from that one up to `end`. */
static uint64_t mask_of(uint64_t bit, uint64_t end)
{
	const uint64_t n = img_min_u64(end - bit, WORD_BITS - bit % WORD_BITS);
	const uint64_t ones = n == WORD_BITS ? UINT64_MAX : (UINT64_C(1) << n) - 1;

	return ones << bit % WORD_BITS;
}

static bool any(const uint64_t *map, uint64_t first, uint64_t end)
{
	for (uint64_t bit = first; bit < end; bit = img_round_down(bit, WORD_BITS) + WORD_BITS)
		if (map[bit / WORD_BITS] & mask_of(bit, end))
			return true;
	return false;
}

static void set(uint64_t *map, uint64_t first, uint64_t end)
{
	for (uint64_t bit = first; bit < end; bit = img_round_down(bit, WORD_BITS) + WORD_BITS)
		map[bit / WORD_BITS] |= mask_of(bit, end);
}

enum vmdk_used vmdk_usage_of(const struct vmdk_usage *used, uint64_t host, uint64_t len)
{
	uint64_t first, end;

	if (!bits_of(used, host, len, &first, &end))
		return VMDK_USED_NOT;
	if (any(used->tables, first, end))
		return VMDK_USED_TABLE;
	return any(used->grains, first, end) ? VMDK_USED_GRAIN : VMDK_USED_NOT;
}

static enum vmdk_used mark(struct vmdk_usage *used, uint64_t *map, uint64_t host, uint64_t len)
{
	const enum vmdk_used before = vmdk_usage_of(used, host, len);
	uint64_t first, end;

	if (bits_of(used, host, len, &first, &end))
		set(map, first, end);
	return before;
}

enum vmdk_used vmdk_usage_table(struct vmdk_usage *used, uint64_t host, uint64_t len)
{
	return mark(used, used->tables, host, len);
}

enum vmdk_used vmdk_usage_grain(struct vmdk_usage *used, uint64_t host, uint64_t len)
{
	return mark(used, used->grains, host, len);
}
