/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys from passphrases against the vectors of RFC 6070, RFC 7914 and the authors of Argon2. */
#include <time.h>
#include "base/parallel.h"
#include "cipher/kdf.h"
#include "hex.h"

static const struct {
	struct img_kdf kdf;
	const char *passphrase, *salt, *key;
} vectors[] = {
	{ { "pbkdf2", "sha1", 1 }, "password", "salt",
	  "0c60c80f961f0e71f3a9b524af6012062fe037a6" },
	{ { "pbkdf2", "sha1", 2 }, "password", "salt",
	  "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957" },
	{ { "pbkdf2", "sha1", 4096 }, "password", "salt",
	  "4b007901b765489abead49d926f721d065a429c1" },
	{ { "pbkdf2", "sha1", 4096 }, "passwordPASSWORDpassword",
	  "saltSALTsaltSALTsaltSALTsaltSALTsalt",
	  "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038" },
	{ { "pbkdf2", "sha256", 1 }, "passwd", "salt",
	  "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
	  "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783" },
	{ { "argon2id", NULL, 2, 65536, 1 }, "password", "somesalt",
	  "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7" },
	{ { "argon2id", NULL, 2, 256, 2 }, "password", "somesalt",
	  "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037" },
	{ { "argon2i", NULL, 2, 256, 1 }, "password", "somesalt",
	  "89e9029f4637b295beb027056a7336c414fadd43f6b208645281cb214a56452f" },
	{ { "argon2i", NULL, 2, 256, 2 }, "password", "somesalt",
	  "4ff5ce2769a1d7f4c8a491df09d41a9fbe90e5eb02155a13e4c01e20cd4eab61" },
};

Test(kdf, published_vectors)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		struct img_kdf kdf = vectors[i].kdf;
		struct img_err err = { 0 };
		uint8_t key[64];

		kdf.salt = (const uint8_t *)vectors[i].salt;
		kdf.salt_len = strlen(vectors[i].salt);
		cr_assert(img_kdf_derive(&kdf, vectors[i].passphrase, strlen(vectors[i].passphrase),
					 key, strlen(vectors[i].key) / 2, &err), "%s", err.text);
		expect_hex(key, vectors[i].key, vectors[i].key);
	}
}

static const struct {
	struct img_kdf kdf;
	enum img_code code;
} refused[] = {
	{ { "scrypt", NULL, 1 }, IMG_E_UNSUPPORTED },
	{ { "pbkdf2", "sha257", 1 }, IMG_E_UNSUPPORTED },
	{ { "pbkdf2", "sha1", 0 }, IMG_E_RANGE },
	{ { "pbkdf2", "sha1", UINT32_C(1) << 31 }, IMG_E_RANGE },
	{ { "argon2i", NULL, 4, IMG_KDF_MEMORY_MAX + 1, 1 }, IMG_E_RANGE },
	{ { "argon2i", NULL, 4, 64, IMG_KDF_PARALLEL_MAX + 1 }, IMG_E_RANGE },
	{ { "argon2i", NULL, 4, 0, 1 }, IMG_E_UNSUPPORTED },
	{ { "argon2id", NULL, 4, 64, 0 }, IMG_E_UNSUPPORTED },
};

Test(kdf, what_is_refused)
{
	static const uint8_t salt[16];

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct img_kdf kdf = refused[i].kdf;
		struct img_err err = { 0 };
		uint8_t key[32];

		kdf.salt = salt;
		kdf.salt_len = sizeof(salt);
		cr_assert_not(img_kdf_derive(&kdf, "abc", 3, key, sizeof(key), &err), "%zu", i);
		cr_assert_eq(err.code, refused[i].code, "%zu: %s", i, err.text);
	}
}

Test(kdf, an_empty_passphrase_is_one)
{
	struct img_kdf kdf = { "pbkdf2", "sha256", 1, .salt = (const uint8_t *)"s", .salt_len = 1 };
	struct img_err err = { 0 };
	uint8_t key[32];

	cr_assert(img_kdf_derive(&kdf, "", 0, key, sizeof(key), &err), "%s", err.text);
}

Test(kdf, measures_at_least_what_is_safe)
{
	struct img_kdf slow = { "pbkdf2", "sha256" }, hungry = { "argon2id", NULL, 0, 512, 1 };
	struct img_err err = { 0 };

	cr_assert(img_kdf_measure(&slow, 1, 64, &err), "%s", err.text);
	cr_assert_geq(slow.iterations, 1000);
	cr_assert(img_kdf_measure(&hungry, 1, 64, &err), "%s", err.text);
	cr_assert_geq(hungry.iterations, 4);
	cr_assert_leq(hungry.memory_kib, 512);
	cr_assert_geq(hungry.memory_kib, 32);
}

Test(kdf, takes_more_work_for_more_time)
{
	struct img_kdf little = { "pbkdf2", "sha256" }, much = little;
	struct img_err err = { 0 };

	cr_assert(img_kdf_measure(&little, 20, 32, &err), "%s", err.text);
	cr_assert(img_kdf_measure(&much, 200, 32, &err), "%s", err.text);
	cr_assert_gt(much.iterations, 3 * (uint64_t)little.iterations);
}

/* However busy the machine is, half of the time is work: so much as all threads could have done. */
Test(kdf, work_of_argon2_is_that_of_its_threads)
{
	const unsigned threads = 2, ms = 200, processors = img_thread_count(0, threads);
	static const uint8_t salt[16];
	struct img_kdf kdf = {
		"argon2id", NULL, 0, 1 << 20, threads, .salt = salt, .salt_len = sizeof(salt),
	};
	struct img_err err = { 0 };
	uint8_t key[32];
	clock_t start;

	cr_assert(img_kdf_measure(&kdf, ms, sizeof(key), &err), "%s", err.text);
	start = clock();
	cr_assert(img_kdf_derive(&kdf, "one", 3, key, sizeof(key), &err), "%s", err.text);
	cr_assert_geq((clock() - start) * 1000 / CLOCKS_PER_SEC, ms * processors / 2);
}
