/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ciphers by what their provider has: found under any of their names, with keys that fit. */
#include "cipher/provided.h"
#include "hex.h"

#define KEY "2b7e151628aed2a6abf7158809cf4f3c"	/* SP 800-38A F.1.1 */

static void load(struct img_libcrypto *lc)
{
	struct img_err err = { 0 };

	cr_assert(img_libcrypto_load(lc, &err), "%s", err.text);
}

Test(provided, any_name)
{
	static const char *const names[] = { "AES-128-ECB", "aes-128-ecb", "2.16.840.1.101.3.4.1.1" };
	struct img_libcrypto lc;
	struct img_err err = { 0 };

	load(&lc);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct img_provided cipher;
		uint8_t key[16], buf[16];
		void *cx, *other;
		size_t n;

		cr_assert(img_provided_find(&lc, names[i], &cipher, &err), "%s", err.text);
		cx = img_provided_key(&cipher, key, from_hex(KEY, key), true, &err);
		cr_assert(cx, "%s", err.text);
		other = cipher.ctx_copy(cx);
		cipher.ctx_free(cx);
		from_hex("6bc1bee22e409f96e93d7e117393172a", buf);
		cr_assert(cipher.update(other, buf, &n, sizeof(buf), buf, sizeof(buf)));
		expect_hex(buf, "3ad77bb40d7a3660a89ecaf32466ef97", names[i]);
		cipher.ctx_free(other);
		img_provided_clear(&cipher);
	}
	img_libcrypto_unload(&lc);
}

Test(provided, refusals)
{
	struct img_libcrypto lc;
	struct img_provided cipher;
	struct img_err err = { 0 };
	uint8_t key[16];

	load(&lc);
	cr_assert_not(img_provided_find(&lc, "AES-333-XTS", &cipher, &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED);
	cr_assert_str_eq(err.text, "libcrypto has no cipher AES-333-XTS");
	cr_assert_null(cipher.kind);
	err = (struct img_err){ 0 };
	cr_assert(img_provided_find(&lc, "AES-256-XTS", &cipher, &err), "%s", err.text);
	cr_assert_null(img_provided_key(&cipher, key, from_hex(KEY, key), true, &err));
	cr_assert_str_eq(err.text, "libcrypto does not take the key for AES-256-XTS");
	img_provided_clear(&cipher);
	img_libcrypto_unload(&lc);
}
