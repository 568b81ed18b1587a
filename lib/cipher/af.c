/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Splitting and merging; see af.h. */
#include "cipher/af.h"

#include <assert.h>
#include <string.h>
#include "base/bytes.h"
#include "base/num.h"
#include "base/random.h"

/* buf[0, len) becomes the hashes of its pieces, each with its number in front. */
static bool diffuse(struct img_hash *hash, uint8_t *buf, size_t len, struct img_err *err)
{
	const size_t size = img_hash_size(hash);
	uint8_t sum[IMG_HASH_MAX], number[4];

	for (size_t at = 0; at < len; at += size) {
		const size_t step = (size_t)img_min_u64(size, len - at);

		img_put_be32(number, (uint32_t)(at / size));
		if (!img_hash_add(hash, number, sizeof(number), err) ||
		    !img_hash_add(hash, buf + at, step, err) || !img_hash_finish(hash, sum, err))
			return false;
		memcpy(buf + at, sum, step);
	}
	explicit_bzero(sum, sizeof(sum));
	return true;
}

static void add(uint8_t *sum, const uint8_t *other, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum[i] ^= other[i];
}

/* All stripes but the last, diffused into sum[0, key_len). */
static bool gather(const char *hash_name, const uint8_t *split, size_t key_len, uint32_t stripes,
		   uint8_t *sum, struct img_err *err)
{
	struct img_hash *hash = img_hash_open(hash_name, err);
	bool done = hash;

	memset(sum, 0, key_len);
	for (uint32_t i = 0; done && i + 1 < stripes; i++) {
		add(sum, split + (size_t)i * key_len, key_len);
		done = diffuse(hash, sum, key_len, err);
	}
	img_hash_close(hash);
	return done;
}

bool img_af_merge(const char *hash, const uint8_t *split, size_t key_len, uint32_t stripes,
		  uint8_t *key, struct img_err *err)
{
	assert(stripes > 0);
	if (!gather(hash, split, key_len, stripes, key, err))
		return false;
	add(key, split + (size_t)(stripes - 1) * key_len, key_len);
	return true;
}

bool img_af_split(const char *hash, const uint8_t *key, size_t key_len, uint32_t stripes,
		  uint8_t *split, struct img_err *err)
{
	uint8_t *last = split + (size_t)(stripes - 1) * key_len;

	assert(stripes > 0);
	if (!img_random(split, (size_t)(stripes - 1) * key_len, err) ||
	    !gather(hash, split, key_len, stripes, last, err))
		return false;
	add(last, key, key_len);
	return true;
}
