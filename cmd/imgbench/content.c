/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See content.h.  A sector starts with noise (splitmix64, by Steele, Lea and Flood), as much as the
 * percentage says, and ends in one byte repeated: what a real compressor makes of it is near to
 * what it made of the data that were recorded.
 */
#include <assert.h>
#include <string.h>
#include "imgbench/content.h"

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)
#define REPEATED 0x5a

static inline uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* Bytes of noise in a sector: whole words, and at least the one that makes it unique. */
static size_t noise_bytes(unsigned percent)
{
	const size_t bytes = REQUEST_SECTOR * (percent < 100 ? percent : 100) / 100;

	return bytes < sizeof(uint64_t) ? sizeof(uint64_t) : bytes & ~(sizeof(uint64_t) - 1);
}

static void fill_data(uint64_t key, uint64_t at, size_t len, size_t noise, uint8_t *buf)
{
	for (size_t sector = 0; sector < len; sector += REQUEST_SECTOR) {
		uint64_t x = key ^ mix(at + sector);

		for (size_t i = 0; i < noise; i += sizeof(x)) {
			const uint64_t word = mix(x += GOLDEN);

			memcpy(buf + sector + i, &word, sizeof(word));
		}
		memset(buf + sector + noise, REPEATED, REQUEST_SECTOR - noise);
	}
}

static bool block_is_zero(const uint32_t *runs, uint32_t block)
{
	uint64_t end = 0;
	bool zero = false;

	if (!runs)
		return false;
	for (end = *runs; end <= block; end += *runs) {
		zero = !zero;
		runs++;
	}
	return zero;
}

void content_fill(uint64_t seed, uint32_t number, const struct request *r, uint64_t at,
		  uint32_t len, uint8_t *buf)
{
	const size_t noise = noise_bytes(r->percent);
	const uint64_t key = mix(mix(seed) + number);

	assert(at >= r->at && at + len <= r->at + r->len && !(len % REQUEST_SECTOR));
	for (uint32_t done = 0, piece; done < len; done += piece) {
		const uint64_t inside = at + done - r->at;
		const uint32_t block = (uint32_t)(inside / REQUEST_BLOCK);

		piece = REQUEST_BLOCK - (uint32_t)(inside % REQUEST_BLOCK);
		if (piece > len - done)
			piece = len - done;
		if (block_is_zero(r->runs, block))
			memset(buf + done, 0, piece);
		else
			fill_data(key, at + done, piece, noise, buf + done);
	}
}
