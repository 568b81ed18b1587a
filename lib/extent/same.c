/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The comparison of data, exact to the byte. */
#include "extent/extent.h"

#include <assert.h>
#include <string.h>

/* Bytes given to one memcmp(): enough to make its start cheap, few enough to look at again. */
#define BLOCK 4096

static uint64_t load(const unsigned char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* Whether one of the eight bytes is zero. */
static bool has_zero_byte(uint64_t word)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);

	return (word - ones) & ~word & (ones << 7);
}

static size_t equal_run(const unsigned char *a, const unsigned char *b, size_t len)
{
	size_t i = 0;

	while (len - i >= BLOCK && memcmp(a + i, b + i, BLOCK) == 0)
		i += BLOCK;
	while (len - i >= sizeof(uint64_t) && load(a + i) == load(b + i))
		i += sizeof(uint64_t);
	while (i < len && a[i] == b[i])
		i++;
	return i;
}

static size_t different_run(const unsigned char *a, const unsigned char *b, size_t len)
{
	size_t i = 0;

	while (len - i >= sizeof(uint64_t) && !has_zero_byte(load(a + i) ^ load(b + i)))
		i += sizeof(uint64_t);
	while (i < len && a[i] != b[i])
		i++;
	return i;
}

size_t img_same_run(const void *a, const void *b, size_t len, bool *same)
{
	assert(len > 0);
	*same = *(const unsigned char *)a == *(const unsigned char *)b;
	return *same ? equal_run(a, b, len) : different_run(a, b, len);
}
