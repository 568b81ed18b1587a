/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a passphrase to a key, slowly: PBKDF2 of libcrypto, Argon2 of libargon2. */
#ifndef IMG_CIPHER_KDF_H
#define IMG_CIPHER_KDF_H

#include "libimg.h"

/* Names as LUKS2 has them; borrowed. */
struct img_kdf {
	const char *name;		/* "pbkdf2", "argon2i", "argon2id" */
	const char *hash;		/* of pbkdf2 */
	uint32_t iterations;		/* of pbkdf2; passes of Argon2 */
	uint32_t memory_kib, parallel;	/* of Argon2 */
	const uint8_t *salt;
	size_t salt_len;
};

/* Limits for numbers that come from a file: beyond them nobody could wait, or have the memory. */
enum {
	IMG_KDF_MEMORY_MAX	= 4 << 20,	/* KiB; what cryptsetup allows, too */
	IMG_KDF_PARALLEL_MAX	= 4,
};

/*
 * Fills key[0, len).  IMG_E_UNSUPPORTED: no such hash, or a library that is not there; IMG_E_RANGE:
 * beyond the limits; IMG_E_NOMEM.
 */
bool img_kdf_derive(const struct img_kdf *kdf, const void *secret, size_t secret_len, uint8_t *key,
		    size_t len, struct img_err *err) IMG_MUST_CHECK;
/*
 * Finds out how much work takes `ms` milliseconds here, to derive len bytes, and sets iterations; for
 * Argon2 memory_kib, too, which is what is allowed at most.
 */
bool img_kdf_measure(struct img_kdf *kdf, unsigned ms, size_t len, struct img_err *err)
	IMG_MUST_CHECK;

#endif
