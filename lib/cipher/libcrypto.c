/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loading libcrypto; see libcrypto.h. */
#include "cipher/libcrypto.h"

#include "base/lazy.h"

bool img_libcrypto_load(struct img_libcrypto *lc, struct img_err *err)
{
	const struct img_lazy_symbol symbols[] = {
		{ "EVP_CIPHER_fetch", &lc->cipher_fetch },
		{ "EVP_CIPHER_free", &lc->cipher_free },
		{ "EVP_CIPHER_get_key_length", &lc->key_length },
		{ "EVP_CIPHER_get0_name", &lc->cipher_name },
		{ "EVP_CIPHER_is_a", &lc->cipher_is_a },
		{ "EVP_CIPHER_get0_provider", &lc->cipher_provider },
		{ "OSSL_PROVIDER_get0_provider_ctx", &lc->provider_context },
		{ "OSSL_PROVIDER_query_operation", &lc->query },
		{ "OSSL_PROVIDER_unquery_operation", &lc->unquery },
		{ "EVP_MD_fetch", &lc->md_fetch },
		{ "EVP_MD_free", &lc->md_free },
		{ "PKCS5_PBKDF2_HMAC", &lc->pbkdf2 },
		{ "EVP_EncodeBlock", &lc->base64_encode },
		{ "EVP_DecodeBlock", &lc->base64_decode },
		{ "CRYPTO_memcmp", &lc->differ },
		{ NULL, NULL },
	};

	lc->library = img_lazy_load(LIBCRYPTO_SONAME, symbols, err);
	return lc->library;
}

void img_libcrypto_unload(struct img_libcrypto *lc)
{
	img_lazy_unload(lc->library);
	lc->library = NULL;
}
