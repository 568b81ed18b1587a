/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hash of a stream as text, zeros that nobody has in memory included. */
#include "base/mem.h"
#include "base/num.h"
#include "codec/codec.h"

#define ZEROS_BYTES 32768

struct img_digest {
	struct img_hash *hash;
};

struct img_digest *img_digest_open(const char *name, struct img_err *err)
{
	struct img_digest *dg = img_calloc(1, sizeof(*dg), err);

	if (dg)
		dg->hash = img_hash_open(name, err);
	if (dg && dg->hash)
		return dg;
	img_digest_close(dg);
	return NULL;
}

bool img_digest_add(struct img_digest *dg, const void *buf, size_t len, struct img_err *err)
{
	return img_hash_add(dg->hash, buf, len, err);
}

bool img_digest_add_zeros(struct img_digest *dg, uint64_t len, struct img_err *err)
{
	/* Small enough to stay in the first-level cache: no memory traffic, however much it is. */
	static const uint8_t zeros[ZEROS_BYTES];

	while (len) {
		const size_t step = (size_t)img_min_u64(len, sizeof(zeros));

		if (!img_digest_add(dg, zeros, step, err))
			return false;
		len -= step;
	}
	return true;
}

bool img_digest_finish(struct img_digest *dg, char hex[129], struct img_err *err)
{
	static const char digits[] = "0123456789abcdef";
	const size_t len = img_hash_size(dg->hash);
	uint8_t sum[IMG_HASH_MAX];

	_Static_assert(IMG_HASH_MAX <= 64, "the text has room for 64 bytes");
	if (!img_hash_finish(dg->hash, sum, err))
		return false;
	for (size_t i = 0; i < len; i++) {
		hex[2 * i] = digits[sum[i] >> 4];
		hex[2 * i + 1] = digits[sum[i] & 15];
	}
	hex[2 * len] = '\0';
	return true;
}

void img_digest_close(struct img_digest *dg)
{
	if (!dg)
		return;
	img_hash_close(dg->hash);
	free(dg);
}
