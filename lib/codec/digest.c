/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hashes through libcrypto, which is loaded when one is asked for: linked in, it would cost every
 * command a third of its start-up time.
 */
#include <openssl/evp.h>

#include "base/lazy.h"
#include "base/mem.h"
#include "base/num.h"
#include "codec/codec.h"

#define ZEROS_BYTES 32768

/* The functions of libcrypto that are used, with the types that its header gives them. */
struct libcrypto {
	__typeof__(EVP_MD_fetch) *md_fetch;
	__typeof__(EVP_MD_free) *md_free;
	__typeof__(EVP_MD_CTX_new) *ctx_new;
	__typeof__(EVP_MD_CTX_free) *ctx_free;
	__typeof__(EVP_DigestInit_ex) *init;
	__typeof__(EVP_DigestUpdate) *update;
	__typeof__(EVP_DigestFinal_ex) *final;
};

struct img_digest {
	struct libcrypto crypto;
	void *library;
	EVP_MD *md;
	EVP_MD_CTX *cx;
};

static bool load(struct img_digest *dg, struct img_err *err)
{
	const struct img_lazy_symbol symbols[] = {
		{ "EVP_MD_fetch", &dg->crypto.md_fetch },
		{ "EVP_MD_free", &dg->crypto.md_free },
		{ "EVP_MD_CTX_new", &dg->crypto.ctx_new },
		{ "EVP_MD_CTX_free", &dg->crypto.ctx_free },
		{ "EVP_DigestInit_ex", &dg->crypto.init },
		{ "EVP_DigestUpdate", &dg->crypto.update },
		{ "EVP_DigestFinal_ex", &dg->crypto.final },
		{ NULL, NULL },
	};

	dg->library = img_lazy_load(LIBCRYPTO_SONAME, symbols, err);
	return dg->library;
}

static bool start(struct img_digest *dg, const char *name, struct img_err *err)
{
	dg->md = dg->crypto.md_fetch(NULL, name, NULL);
	if (!dg->md)
		return img_fail(err, IMG_E_UNSUPPORTED, _("there is no hash named \"%s\""), name);
	dg->cx = dg->crypto.ctx_new();
	if (!dg->cx || !dg->crypto.init(dg->cx, dg->md, NULL))
		return img_fail(err, IMG_E_NOMEM, _("no memory for the hash \"%s\""), name);
	return true;
}

struct img_digest *img_digest_open(const char *name, struct img_err *err)
{
	struct img_digest *dg = img_calloc(1, sizeof(*dg), err);

	if (dg && load(dg, err) && start(dg, name, err))
		return dg;
	img_digest_close(dg);
	return NULL;
}

bool img_digest_add(struct img_digest *dg, const void *buf, size_t len, struct img_err *err)
{
	if (!dg->crypto.update(dg->cx, buf, len))
		return img_fail(err, IMG_E_UNSUPPORTED, _("libcrypto cannot continue the hash"));
	return true;
}

bool img_digest_add_zeros(struct img_digest *dg, uint64_t len, struct img_err *err)
{
	/* Small enough to stay in the first-level cache: no memory traffic, however much it is. */
	static const uint8_t zeros[ZEROS_BYTES];

	while (len) {
		const size_t step = (size_t)img_min_u64(len, sizeof(zeros));

		if (!img_digest_add(dg, zeros, step, err))
			return false;
		len -= step;
	}
	return true;
}

bool img_digest_finish(struct img_digest *dg, char hex[129], struct img_err *err)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned len;

	_Static_assert(EVP_MAX_MD_SIZE <= 64, "the text has room for 64 bytes");
	if (!dg->crypto.final(dg->cx, sum, &len))
		return img_fail(err, IMG_E_UNSUPPORTED, _("libcrypto cannot finish the hash"));
	for (unsigned i = 0; i < len; i++) {
		hex[2 * i] = digits[sum[i] >> 4];
		hex[2 * i + 1] = digits[sum[i] & 15];
	}
	hex[2 * len] = '\0';
	return true;
}

void img_digest_close(struct img_digest *dg)
{
	if (!dg)
		return;
	if (dg->library) {
		dg->crypto.ctx_free(dg->cx);
		dg->crypto.md_free(dg->md);
		img_lazy_unload(dg->library);
	}
	free(dg);
}
