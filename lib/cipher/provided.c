/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding what the provider of a cipher has; see provided.h. */
#include "cipher/provided.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <string.h>
#include "base/err.h"

/* ---- Finding ------------------------------------------------------------------------------------- */

/* names: "AES-256-XTS:1.3.111.2.1619.0.1.2". */
static bool is_called(const struct img_provided *cipher, const char *names)
{
	char name[64];

	for (size_t len; *names; names += len + (names[len] == ':')) {
		len = strcspn(names, ":");
		if (len >= sizeof(name))
			continue;
		memcpy(name, names, len);
		name[len] = '\0';
		if (cipher->crypto->cipher_is_a(cipher->kind, name))
			return true;
	}
	return false;
}

static void take(struct img_provided *cipher, const OSSL_DISPATCH *has)
{
	switch (has->function_id) {
	case OSSL_FUNC_CIPHER_NEWCTX:
		cipher->ctx_new = OSSL_FUNC_cipher_newctx(has);
		break;
	case OSSL_FUNC_CIPHER_FREECTX:
		cipher->ctx_free = OSSL_FUNC_cipher_freectx(has);
		break;
	case OSSL_FUNC_CIPHER_DUPCTX:
		cipher->ctx_copy = OSSL_FUNC_cipher_dupctx(has);
		break;
	case OSSL_FUNC_CIPHER_ENCRYPT_INIT:
		cipher->encrypt_init = OSSL_FUNC_cipher_encrypt_init(has);
		break;
	case OSSL_FUNC_CIPHER_DECRYPT_INIT:
		cipher->decrypt_init = OSSL_FUNC_cipher_decrypt_init(has);
		break;
	case OSSL_FUNC_CIPHER_SET_CTX_PARAMS:
		cipher->set_params = OSSL_FUNC_cipher_set_ctx_params(has);
		break;
	case OSSL_FUNC_CIPHER_UPDATE:
		cipher->update = OSSL_FUNC_cipher_update(has);
		break;
	default:
		break;
	}
}

static bool find_functions(struct img_provided *cipher)
{
	const struct img_libcrypto *lc = cipher->crypto;
	const OSSL_PROVIDER *provider = lc->cipher_provider(cipher->kind);
	int no_cache;
	const OSSL_ALGORITHM *all = lc->query(provider, OSSL_OP_CIPHER, &no_cache);
	const OSSL_ALGORITHM *one = all;

	while (one && one->algorithm_names && !is_called(cipher, one->algorithm_names))
		one++;
	if (one && one->algorithm_names)
		for (const OSSL_DISPATCH *has = one->implementation; has->function_id; has++)
			take(cipher, has);
	if (all)
		lc->unquery(provider, OSSL_OP_CIPHER, all);
	return cipher->ctx_new && cipher->ctx_free && cipher->ctx_copy && cipher->encrypt_init &&
	       cipher->decrypt_init && cipher->set_params && cipher->update;
}

bool img_provided_find(const struct img_libcrypto *lc, const char *name, struct img_provided *out,
		       struct img_err *err)
{
	*out = (struct img_provided){ .crypto = lc, .kind = lc->cipher_fetch(NULL, name, NULL) };
	if (out->kind && find_functions(out))
		return true;
	img_provided_clear(out);
	return img_fail(err, IMG_E_UNSUPPORTED, _("libcrypto has no cipher %s"), name);
}

void img_provided_clear(struct img_provided *cipher)
{
	if (cipher->crypto)
		cipher->crypto->cipher_free(cipher->kind);
	*cipher = (struct img_provided){ 0 };
}

/* ---- Keys ---------------------------------------------------------------------------------------- */

/* Sectors are whole blocks. */
static bool take_padding_off(const struct img_provided *cipher, void *cx)
{
	unsigned off = 0;
	const OSSL_PARAM params[] = {
		OSSL_PARAM_uint(OSSL_CIPHER_PARAM_PADDING, &off), OSSL_PARAM_END,
	};

	return cipher->set_params(cx, params);
}

void *img_provided_key(const struct img_provided *cipher, const uint8_t *key, size_t key_len,
		       bool encrypts, struct img_err *err)
{
	const struct img_libcrypto *lc = cipher->crypto;
	void *cx = cipher->ctx_new(lc->provider_context(lc->cipher_provider(cipher->kind)));

	if (cx && (encrypts ? cipher->encrypt_init : cipher->decrypt_init)(cx, key, key_len, NULL, 0,
									   NULL) &&
	    take_padding_off(cipher, cx))
		return cx;
	if (cx)
		cipher->ctx_free(cx);
	img_fail(err, IMG_E_UNSUPPORTED, _("libcrypto does not take the key for %s"),
		 lc->cipher_name(cipher->kind));
	return NULL;
}
