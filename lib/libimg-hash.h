/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libimg: hashes of bytes, by libcrypto.  A part of libimg.h. */
#ifndef LIBIMG_HASH_H
#define LIBIMG_HASH_H

#include "libimg.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

enum { IMG_HASH_MAX = 64 };	/* bytes of the longest */

/* One running hash; one thread. */
struct img_hash;
/* "sha256", "sha512", "sha1", "blake2b-512" ...: what libcrypto knows.  IMG_E_UNSUPPORTED. */
struct img_hash *img_hash_open(const char *name, struct img_err *err);
/* Bytes of its result. */
size_t img_hash_size(const struct img_hash *h);
bool img_hash_add(struct img_hash *h, const void *buf, size_t len, struct img_err *err)
	IMG_MUST_CHECK;
/* Fills sum[0, img_hash_size()), and starts anew. */
bool img_hash_finish(struct img_hash *h, uint8_t sum[IMG_HASH_MAX], struct img_err *err)
	IMG_MUST_CHECK;
/* Accepts NULL. */
void img_hash_close(struct img_hash *h);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
