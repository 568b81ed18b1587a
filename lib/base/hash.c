/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hashes through libcrypto, which is loaded when one is asked for: linked in, it would cost every
 * command a third of its start-up time.
 */
#include "libimg.h"

#include <openssl/evp.h>
#include "base/lazy.h"
#include "base/mem.h"

/* The functions of libcrypto that are used, with the types that its header gives them. */
struct libcrypto {
	__typeof__(EVP_MD_fetch) *md_fetch;
	__typeof__(EVP_MD_free) *md_free;
	__typeof__(EVP_MD_get_size) *md_size;
	__typeof__(EVP_MD_CTX_new) *ctx_new;
	__typeof__(EVP_MD_CTX_free) *ctx_free;
	__typeof__(EVP_DigestInit_ex) *init;
	__typeof__(EVP_DigestUpdate) *update;
	__typeof__(EVP_DigestFinal_ex) *final;
};

struct img_hash {
	struct libcrypto crypto;
	void *library;
	EVP_MD *md;
	EVP_MD_CTX *cx;
};

static bool load(struct img_hash *h, struct img_err *err)
{
	const struct img_lazy_symbol symbols[] = {
		{ "EVP_MD_fetch", &h->crypto.md_fetch },
		{ "EVP_MD_free", &h->crypto.md_free },
		{ "EVP_MD_get_size", &h->crypto.md_size },
		{ "EVP_MD_CTX_new", &h->crypto.ctx_new },
		{ "EVP_MD_CTX_free", &h->crypto.ctx_free },
		{ "EVP_DigestInit_ex", &h->crypto.init },
		{ "EVP_DigestUpdate", &h->crypto.update },
		{ "EVP_DigestFinal_ex", &h->crypto.final },
		{ NULL, NULL },
	};

	h->library = img_lazy_load(LIBCRYPTO_SONAME, symbols, err);
	return h->library;
}

static bool start(struct img_hash *h, const char *name, struct img_err *err)
{
	h->md = h->crypto.md_fetch(NULL, name, NULL);
	if (!h->md || h->crypto.md_size(h->md) <= 0)
		return img_fail(err, IMG_E_UNSUPPORTED, _("there is no hash named \"%s\""), name);
	h->cx = h->crypto.ctx_new();
	if (!h->cx || !h->crypto.init(h->cx, h->md, NULL))
		return img_fail(err, IMG_E_NOMEM, _("no memory for the hash \"%s\""), name);
	return true;
}

struct img_hash *img_hash_open(const char *name, struct img_err *err)
{
	struct img_hash *h = img_calloc(1, sizeof(*h), err);

	if (h && load(h, err) && start(h, name, err))
		return h;
	img_hash_close(h);
	return NULL;
}

size_t img_hash_size(const struct img_hash *h)
{
	return (size_t)h->crypto.md_size(h->md);
}

bool img_hash_add(struct img_hash *h, const void *buf, size_t len, struct img_err *err)
{
	if (!h->crypto.update(h->cx, buf, len))
		return img_fail(err, IMG_E_UNSUPPORTED, _("libcrypto cannot continue the hash"));
	return true;
}

bool img_hash_finish(struct img_hash *h, uint8_t sum[IMG_HASH_MAX], struct img_err *err)
{
	_Static_assert(EVP_MAX_MD_SIZE <= IMG_HASH_MAX, "there is room for any");
	if (!h->crypto.final(h->cx, sum, NULL) || !h->crypto.init(h->cx, h->md, NULL))
		return img_fail(err, IMG_E_UNSUPPORTED, _("libcrypto cannot finish the hash"));
	return true;
}

void img_hash_close(struct img_hash *h)
{
	if (!h)
		return;
	if (h->library) {
		h->crypto.ctx_free(h->cx);
		h->crypto.md_free(h->md);
		img_lazy_unload(h->library);
	}
	free(h);
}
