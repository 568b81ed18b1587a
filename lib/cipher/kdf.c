/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deriving keys; see kdf.h.  How much work it is to be kdf_measure.c finds out. */
#include "cipher/kdf.h"

#include <argon2.h>
#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include "base/err.h"
#include "base/lazy.h"
#include "cipher/libcrypto.h"

struct derivation {
	const struct img_kdf *kdf;
	const void *secret;
	size_t secret_len;
	uint8_t *key;
	size_t len;
};

/* ---- PBKDF2 -------------------------------------------------------------------------------------- */

static bool run_pbkdf2(const struct img_libcrypto *lc, const struct derivation *d, EVP_MD *md)
{
	const struct img_kdf *kdf = d->kdf;

	return lc->pbkdf2(d->secret, (int)d->secret_len, kdf->salt, (int)kdf->salt_len,
			  (int)kdf->iterations, md, (int)d->len, d->key);
}

static bool derive_pbkdf2(const struct derivation *d, struct img_err *err)
{
	IMG_AUTO_LIBCRYPTO struct img_libcrypto lc = { 0 };
	EVP_MD *md;
	bool done;

	if (!img_libcrypto_load(&lc, err))
		return false;
	md = lc.md_fetch(NULL, d->kdf->hash, NULL);
	if (!md)
		return img_fail(err, IMG_E_UNSUPPORTED, _("there is no hash named \"%s\""),
				d->kdf->hash);
	done = run_pbkdf2(&lc, d, md);
	lc.md_free(md);
	return done ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("libcrypto derives no key with \"%s\""),
			d->kdf->hash);
}

/* ---- Argon2 -------------------------------------------------------------------------------------- */

struct libargon2 {
	__typeof__(argon2_hash) *hash;
	__typeof__(argon2_error_message) *message;
};

static bool run_argon2(const struct libargon2 *lib, const struct derivation *d, argon2_type type,
		       struct img_err *err)
{
	const struct img_kdf *kdf = d->kdf;
	const int why = lib->hash(kdf->iterations, kdf->memory_kib, kdf->parallel, d->secret,
				  d->secret_len, kdf->salt, kdf->salt_len, d->key, d->len, NULL, 0,
				  type, ARGON2_VERSION_13);

	if (why == ARGON2_OK)
		return true;
	return img_fail(err, why == ARGON2_MEMORY_ALLOCATION_ERROR ? IMG_E_NOMEM : IMG_E_UNSUPPORTED,
			_("%s with %" PRIu32 " KiB of memory: %s"), kdf->name, kdf->memory_kib,
			lib->message(why));
}

static bool derive_argon2(const struct derivation *d, argon2_type type, struct img_err *err)
{
	const struct img_kdf *kdf = d->kdf;
	struct libargon2 lib;
	const struct img_lazy_symbol symbols[] = {
		{ "argon2_hash", &lib.hash },
		{ "argon2_error_message", &lib.message },
		{ NULL, NULL },
	};
	void *library;
	bool done;

	if (kdf->memory_kib > IMG_KDF_MEMORY_MAX || kdf->parallel > IMG_KDF_PARALLEL_MAX)
		return img_fail(err, IMG_E_RANGE,
				_("%s with %" PRIu32 " KiB of memory and %" PRIu32
				  " threads is more than is allowed here"), kdf->name,
				kdf->memory_kib, kdf->parallel);
	library = img_lazy_load(LIBARGON2_SONAME, symbols, err);
	if (!library)
		return false;
	done = run_argon2(&lib, d, type, err);
	img_lazy_unload(library);
	return done;
}

/* ---- Any ----------------------------------------------------------------------------------------- */

bool img_kdf_derive(const struct img_kdf *kdf, const void *secret, size_t secret_len, uint8_t *key,
		    size_t len, struct img_err *err)
{
	const struct derivation d = { kdf, secret, secret_len, key, len };

	assert(len <= INT_MAX && kdf->salt_len <= INT_MAX);
	if (!kdf->iterations || kdf->iterations > INT_MAX || secret_len > INT_MAX)
		return img_fail(err, IMG_E_RANGE,
				_("%" PRIu32 " iterations for a passphrase of %zu bytes"),
				kdf->iterations, secret_len);
	if (!strcmp(kdf->name, "pbkdf2"))
		return derive_pbkdf2(&d, err);
	if (!strcmp(kdf->name, "argon2i"))
		return derive_argon2(&d, Argon2_i, err);
	if (!strcmp(kdf->name, "argon2id"))
		return derive_argon2(&d, Argon2_id, err);
	return img_fail(err, IMG_E_UNSUPPORTED, _("keys are derived by \"%s\", which is not known here"),
			kdf->name);
}
