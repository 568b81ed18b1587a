/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is split comes back, and not without each of its stripes. */
#include "cipher/af.h"
#include "hex.h"

enum { KEY = 40, STRIPES = 7 };	/* no multiple of any hash */

static void split_key(uint8_t key[KEY], uint8_t split[KEY * STRIPES], const char *hash)
{
	struct img_err err = { 0 };

	for (int i = 0; i < KEY; i++)
		key[i] = (uint8_t)(i * 3);
	cr_assert(img_af_split(hash, key, KEY, STRIPES, split, &err), "%s", err.text);
}

Test(af, the_key_comes_back)
{
	static const char *const hashes[] = { "sha1", "sha256", "sha512", "ripemd160" };

	for (size_t i = 0; i < sizeof(hashes) / sizeof(*hashes); i++) {
		uint8_t key[KEY], split[KEY * STRIPES], merged[KEY];
		struct img_err err = { 0 };

		split_key(key, split, hashes[i]);
		cr_assert(img_af_merge(hashes[i], split, KEY, STRIPES, merged, &err), "%s", err.text);
		cr_assert_arr_eq(merged, key, KEY, "%s", hashes[i]);
	}
}

Test(af, each_byte_is_needed)
{
	uint8_t key[KEY], split[KEY * STRIPES], merged[KEY];
	struct img_err err = { 0 };

	split_key(key, split, "sha256");
	for (size_t i = 0; i < sizeof(split); i++) {
		split[i] ^= 1;
		cr_assert(img_af_merge("sha256", split, KEY, STRIPES, merged, &err), "%s", err.text);
		cr_assert_arr_neq(merged, key, KEY, "%zu", i);
		split[i] ^= 1;
	}
}

/* By hand: one stripe is the key itself; the second is the key and the hash of 0 and the first. */
Test(af, two_stripes_by_hand)
{
	uint8_t split[128] = { 0 }, key[64];
	struct img_err err = { 0 };

	cr_assert(img_af_merge("sha256", split, 32, 1, key, &err));
	cr_assert_arr_eq(key, split, 32);
	cr_assert(img_af_merge("sha256", split, 32, 2, key, &err));
	/* SHA-256 of 36 zero bytes */
	expect_hex(key, "6db65fd59fd356f6729140571b5bcd6bb3b83492a16e1bf0a3884442fc3c8a0e",
		   "36 zeros");
	/* Longer keys are hashed in pieces, each behind its number. */
	cr_assert(img_af_merge("sha256", split, 64, 2, key, &err));
	expect_hex(key, "6db65fd59fd356f6729140571b5bcd6bb3b83492a16e1bf0a3884442fc3c8a0e"
		   "c2de8abf5c6306f427fc4de808c7177456c1c0a9f0254d4bae120a88d45b4003", "two pieces");
}

Test(af, a_hash_that_does_not_exist)
{
	uint8_t split[64] = { 0 }, key[32];
	struct img_err err = { 0 };

	cr_assert_not(img_af_merge("sha257", split, 32, 2, key, &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED);
	cr_assert_not(img_af_split("sha257", key, 32, 2, split, &err));
}
