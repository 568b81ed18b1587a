/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A cipher of libcrypto by the functions of its provider, as provider-cipher(7) has them.
 * EVP_CipherInit_ex() asks for the length of the IV by its name whenever one is set: with sectors of 512
 * bytes that is two fifths of the time.
 */
#ifndef IMG_CIPHER_PROVIDED_H
#define IMG_CIPHER_PROVIDED_H

#include <openssl/core_dispatch.h>
#include "cipher/libcrypto.h"

struct img_provided {
	const struct img_libcrypto *crypto;	/* borrowed */
	EVP_CIPHER *kind;		/* owned; keeps the provider */
	OSSL_FUNC_cipher_newctx_fn *ctx_new;
	OSSL_FUNC_cipher_freectx_fn *ctx_free;
	OSSL_FUNC_cipher_dupctx_fn *ctx_copy;
	OSSL_FUNC_cipher_encrypt_init_fn *encrypt_init;
	OSSL_FUNC_cipher_decrypt_init_fn *decrypt_init;
	OSSL_FUNC_cipher_set_ctx_params_fn *set_params;
	OSSL_FUNC_cipher_update_fn *update;
};

/*
 * name: as libcrypto has it, like "AES-256-XTS".  IMG_E_UNSUPPORTED: it has none.  *out is all zero on
 * failure; lc stays the caller's and outlives it.
 */
bool img_provided_find(const struct img_libcrypto *lc, const char *name, struct img_provided *out,
		       struct img_err *err) IMG_MUST_CHECK;
/* What has no padding, with its key; owned by the caller, who frees it by ctx_free.  NULL on failure. */
void *img_provided_key(const struct img_provided *cipher, const uint8_t *key, size_t key_len,
		       bool encrypts, struct img_err *err);
/* *cipher may be all zero. */
void img_provided_clear(struct img_provided *cipher);

#endif
