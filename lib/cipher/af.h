/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The anti-forensic splitter of LUKS: a key is blown up to many stripes, all of which are needed to
 * have it back, so that wiping any of them destroys it.  LUKS1 §"Anti-forensic splitter".
 */
#ifndef IMG_CIPHER_AF_H
#define IMG_CIPHER_AF_H

#include "libimg.h"

/* hash: as libcrypto names it; stripes > 0; stripes * key_len bytes are written to split. */
bool img_af_split(const char *hash, const uint8_t *key, size_t key_len, uint32_t stripes,
		  uint8_t *split, struct img_err *err) IMG_MUST_CHECK;
/* The inverse: stripes * key_len bytes are read from split.  IMG_E_UNSUPPORTED: no such hash. */
bool img_af_merge(const char *hash, const uint8_t *split, size_t key_len, uint32_t stripes,
		  uint8_t *key, struct img_err *err) IMG_MUST_CHECK;

#endif
