/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions of libcrypto for ciphers and keys, loaded when the first is needed. */
#ifndef IMG_CIPHER_LIBCRYPTO_H
#define IMG_CIPHER_LIBCRYPTO_H

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include "libimg.h"

/* With the types that its header gives them. */
struct img_libcrypto {
	void *library;
	__typeof__(EVP_CIPHER_fetch) *cipher_fetch;
	__typeof__(EVP_CIPHER_free) *cipher_free;
	__typeof__(EVP_CIPHER_get_key_length) *key_length;
	__typeof__(EVP_CIPHER_get0_name) *cipher_name;
	__typeof__(EVP_CIPHER_is_a) *cipher_is_a;
	__typeof__(EVP_CIPHER_get0_provider) *cipher_provider;
	__typeof__(OSSL_PROVIDER_get0_provider_ctx) *provider_context;
	__typeof__(OSSL_PROVIDER_query_operation) *query;
	__typeof__(OSSL_PROVIDER_unquery_operation) *unquery;
	__typeof__(EVP_MD_fetch) *md_fetch;
	__typeof__(EVP_MD_free) *md_free;
	__typeof__(PKCS5_PBKDF2_HMAC) *pbkdf2;
	__typeof__(EVP_EncodeBlock) *base64_encode;
	__typeof__(EVP_DecodeBlock) *base64_decode;
	__typeof__(CRYPTO_memcmp) *differ;	/* in constant time */
};

/* IMG_E_UNSUPPORTED names what is missing. */
bool img_libcrypto_load(struct img_libcrypto *lc, struct img_err *err) IMG_MUST_CHECK;
/* *lc may be all zero. */
void img_libcrypto_unload(struct img_libcrypto *lc);

#define IMG_AUTO_LIBCRYPTO __attribute__((cleanup(img_libcrypto_unload)))

#endif
