/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the names that LUKS and dm-crypt use to what libcrypto calls a cipher, and to its IVs. */
#ifndef IMG_CIPHER_CHOICE_H
#define IMG_CIPHER_CHOICE_H

#include "libimg.h"

enum { IMG_IV_BYTES = 16 };	/* one block of each cipher that is known */

enum img_iv_kind {
	IMG_IV_NONE,		/* as 0, and the mode has no use for it */
	IMG_IV_NULL,		/* all zeros */
	IMG_IV_PLAIN,		/* sector, 32 bits, little endian */
	IMG_IV_PLAIN64,		/* sector, 64 bits, little endian */
	IMG_IV_PLAIN64BE,	/* sector, 64 bits, big endian, at the end */
	IMG_IV_ESSIV,		/* plain64, enciphered with a hash of the key */
};

struct img_cipher_choice {
	char name[32];		/* "AES-256-XTS" */
	enum img_iv_kind iv;
	const char *iv_hash;	/* ESSIV: part of the mode */
	const char *iv_cipher;	/* ESSIV: "AES" */
};

/* IMG_E_UNSUPPORTED: the name of what is not known; out->iv_hash is borrowed from mode. */
bool img_cipher_choose(const char *cipher, const char *mode, size_t key_len,
		       struct img_cipher_choice *out, struct img_err *err) IMG_MUST_CHECK;
/* The IV of a sector as its number says it; that of ESSIV is to be enciphered still. */
void img_iv_fill(enum img_iv_kind kind, uint64_t sector, uint8_t iv[IMG_IV_BYTES]);

#endif
