/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One cipher with its key over the sectors of a disk.  What the sectors mean, and where the key
 * comes from, is the business of others.
 */
#ifndef IMG_CIPHER_CIPHER_H
#define IMG_CIPHER_CIPHER_H

#include "libimg.h"

/* Names as LUKS has them; borrowed. */
struct img_cipher_spec {
	const char *cipher;		/* "aes", "camellia" ... */
	const char *mode;		/* "xts-plain64", "cbc-essiv:sha256", "cbc-plain" ... */
	uint32_t sector;		/* bytes that share an IV: 512, 1024, 2048 or 4096 */
	uint64_t iv_first;		/* IV of the first sector; as a rule 0 */
};

struct img_cipher;

/*
 * key[0, key_len) is not needed afterwards.  IMG_E_UNSUPPORTED names what is not there: cipher,
 * mode, generator of IVs, length of the key, or libcrypto itself.
 */
struct img_cipher *img_cipher_open(const struct img_cipher_spec *spec, const uint8_t *key,
				   size_t key_len, struct img_err *err);
/*
 * at and len are bytes, and multiples of the sector; IVs count by 512 bytes from `at` whatever the
 * sector is.  in may be out.  Any number of threads.  IMG_E_NOMEM.
 */
bool img_cipher_encrypt(struct img_cipher *c, uint64_t at, const void *in, void *out, size_t len,
			struct img_err *err) IMG_MUST_CHECK;
bool img_cipher_decrypt(struct img_cipher *c, uint64_t at, const void *in, void *out, size_t len,
			struct img_err *err) IMG_MUST_CHECK;
/*
 * Where enciphered bytes go: put() gets those of in[done, done + len), which are in cache and gone when it
 * returns.
 */
struct img_cipher_sink {
	bool (*put)(const void *ctx, size_t done, const void *bytes, size_t len,
		    struct img_err *err);
	const void *ctx;
};

/* As img_cipher_encrypt(), piece by piece; in stays as it is. */
bool img_cipher_encrypt_to(struct img_cipher *c, uint64_t at, const void *in, size_t len,
			   const struct img_cipher_sink *sink, struct img_err *err) IMG_MUST_CHECK;
/* Wipes the key.  Accepts NULL. */
void img_cipher_close(struct img_cipher *c);

#endif
