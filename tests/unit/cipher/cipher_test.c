/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sectors against the vectors of IEEE 1619 and NIST SP 800-38A, and what is refused. */
#include <pthread.h>
#include "cipher/choice.h"
#include "cipher/cipher.h"
#include "hex.h"

#define E "27182818284590452353602874713526"
#define E_LONG E "62497757247093699959574966967627"
#define PI "31415926535897932384626433832795"
#define PI_LONG "3141592653589793238462643383279502884197169399375105820974944592"
#define NIST "2b7e151628aed2a6abf7158809cf4f3c"

enum { SECTOR = 512 };

static struct img_cipher *open_with(const char *mode, uint32_t sector, const char *key_hex)
{
	const struct img_cipher_spec spec = { "aes", mode, sector, 0 };
	struct img_err err = { 0 };
	uint8_t key[64];
	struct img_cipher *c = img_cipher_open(&spec, key, from_hex(key_hex, key), &err);

	cr_assert(c, "%s", err.text);
	return c;
}

static void count_up(uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)i;
}

/* ---- Published vectors --------------------------------------------------------------------------- */

static const struct {
	const char *what, *mode, *key;
	uint64_t sector;
	const char *head, *tail;	/* of the sector 00 01 02 ... ff 00 01 ... ff */
} vectors[] = {
	{ "IEEE 1619 vector 4", "xts-plain64", E PI, 0,
	  "27a7479befa1d476489f308cd4cfa6e2a96e4bbe3208ff25287dd3819616e89c",
	  "eb4a427d1923ce3ff262735779a418f20a282df920147beabe421ee5319d0568" },
	{ "IEEE 1619 vector 10", "xts-plain64", E_LONG PI_LONG, 0xff,
	  "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b"
	  "5d31e276f8fe4a8d66b317f9ac683f44680a86ac35adfc3345befecb4bb188fd", "" },
	{ "IEEE 1619 vector 10, IVs of 32 bits", "xts-plain", E_LONG PI_LONG,
	  UINT64_C(0x1000000ff), "1c3b3a102f770386e4836c99e370cf9b", "" },
};

Test(cipher, published_vectors)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		struct img_cipher *c = open_with(vectors[i].mode, SECTOR, vectors[i].key);
		const char *tail = vectors[i].tail;
		uint8_t plain[SECTOR], buf[SECTOR];
		struct img_err err = { 0 };

		count_up(plain, SECTOR);
		cr_assert(img_cipher_encrypt(c, vectors[i].sector * SECTOR, plain, buf, SECTOR, &err));
		expect_hex(buf, vectors[i].head, vectors[i].what);
		expect_hex(buf + SECTOR - strlen(tail) / 2, tail, vectors[i].what);
		cr_assert(img_cipher_decrypt(c, vectors[i].sector * SECTOR, buf, buf, SECTOR, &err));
		cr_assert_arr_eq(buf, plain, SECTOR, "%s", vectors[i].what);
		img_cipher_close(c);
	}
}

/* SP 800-38A F.1.1; with an IV of zeros the first block of CBC is the same. */
Test(cipher, single_blocks)
{
	static const char *const modes[] = { "ecb", "cbc-null", "cbc-plain64", "cbc-plain64be" };

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		struct img_cipher *c = open_with(modes[i], SECTOR, NIST);
		struct img_err err = { 0 };
		uint8_t buf[SECTOR] = { 0 };

		from_hex("6bc1bee22e409f96e93d7e117393172a", buf);
		cr_assert(img_cipher_encrypt(c, 0, buf, buf, SECTOR, &err), "%s", err.text);
		expect_hex(buf, "3ad77bb40d7a3660a89ecaf32466ef97", modes[i]);
		cr_assert(img_cipher_decrypt(c, 0, buf, buf, SECTOR, &err), "%s", err.text);
		expect_hex(buf, "6bc1bee22e409f96e93d7e117393172a", modes[i]);
		img_cipher_close(c);
	}
}

/* ---- IVs ----------------------------------------------------------------------------------------- */

Test(cipher, numbers_of_sectors)
{
	static const struct {
		enum img_iv_kind kind;
		const char *iv;
	} kinds[] = {
		{ IMG_IV_NULL, "00000000000000000000000000000000" },
		{ IMG_IV_PLAIN, "44332211000000000000000000000000" },
		{ IMG_IV_PLAIN64, "44332211887766550000000000000000" },
		{ IMG_IV_PLAIN64BE, "00000000000000005566778811223344" },
	};
	uint8_t iv[IMG_IV_BYTES];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		img_iv_fill(kinds[i].kind, UINT64_C(0x5566778811223344), iv);
		expect_hex(iv, kinds[i].iv, kinds[i].iv);
	}
}

/* Long sectors have an IV for all of it, which counts by 512 bytes; the first may have any number. */
Test(cipher, long_sectors)
{
	const struct img_cipher_spec moved = { "aes", "xts-plain64", SECTOR, 8 };
	struct img_cipher *c = open_with("xts-plain64", 4096, E PI);
	struct img_err err = { 0 };
	uint8_t key[32], one[8192] = { 0 }, other[512] = { 0 };
	struct img_cipher *s = img_cipher_open(&moved, key, from_hex(E PI, key), &err);

	cr_assert(img_cipher_encrypt(c, 0, one, one, sizeof(one), &err), "%s", err.text);
	cr_assert(img_cipher_encrypt(s, 0, other, other, sizeof(other), &err), "%s", err.text);
	cr_assert_arr_eq(one + 4096, other, sizeof(other));
	cr_assert_arr_neq(one + 4096 + 512, other, sizeof(other));
	img_cipher_close(c);
	img_cipher_close(s);
}

/* ---- Pieces -------------------------------------------------------------------------------------- */

struct taken {
	uint8_t bytes[(512 << 10) + SECTOR];
	size_t len;
};

static bool take(const void *ctx, size_t done, const void *bytes, size_t len, struct img_err *err)
{
	struct taken *taken = *(struct taken *const *)ctx;

	(void)err;
	cr_assert_eq(done, taken->len);
	memcpy(taken->bytes + done, bytes, len);
	taken->len += len;
	return done < sizeof(taken->bytes) - SECTOR;
}

/* More than fits a piece comes in its order, as in one; and a failure to take some is one of all. */
Test(cipher, pieces_are_handed_on)
{
	static uint8_t plain[sizeof(((struct taken *)0)->bytes)], whole[sizeof(plain)];
	static struct taken taken;
	struct taken *const to = &taken;
	const struct img_cipher_sink sink = { .put = take, .ctx = &to };
	struct img_cipher *c = open_with("xts-plain64", SECTOR, E PI);
	struct img_err err = { 0 };
	const size_t len = sizeof(plain) - SECTOR;

	count_up(plain, sizeof(plain));
	cr_assert(img_cipher_encrypt(c, SECTOR, plain, whole, sizeof(plain), &err), "%s", err.text);
	cr_assert(img_cipher_encrypt_to(c, SECTOR, plain, len, &sink, &err), "%s", err.text);
	cr_assert_eq(taken.len, len);
	cr_assert_arr_eq(taken.bytes, whole, len);
	taken.len = 0;
	cr_assert_not(img_cipher_encrypt_to(c, SECTOR, plain, sizeof(plain), &sink, &err));
	img_cipher_close(c);
}

/* ---- Threads ------------------------------------------------------------------------------------- */

static void *encrypt_often(void *cipher)
{
	struct img_err err = { 0 };
	uint8_t buf[4 * SECTOR];

	for (int i = 0; i < 200; i++) {
		count_up(buf, sizeof(buf));
		cr_assert(img_cipher_encrypt(cipher, 0, buf, buf, sizeof(buf), &err));
		expect_hex(buf, vectors[0].head, "beside others");
	}
	return NULL;
}

Test(cipher, threads_do_not_disturb_each_other)
{
	struct img_cipher *c = open_with("xts-plain64", SECTOR, E PI);
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, encrypt_often, c), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	img_cipher_close(c);
}

/* ---- What is refused ----------------------------------------------------------------------------- */

static const struct {
	const char *cipher, *mode;
	size_t key_len;
	const char *named;
} refused[] = {
	{ "serpent", "xts-plain64", 32, "serpent" },
	{ "aes", "lrw-benbi", 32, "lrw-benbi" },
	{ "aes", "xts-benbi", 32, "xts-benbi" },
	{ "aes", "xts", 32, "xts" },
	{ "aes", "xt-plain64", 32, "xt-plain64" },
	{ "aes", "cbc-essiv:", 32, "cbc-essiv:" },
	{ "aes", "cbc-essiv:sha257", 32, "sha257" },
	{ "aes", "cbc-essiv:sha1", 32, "160" },
	{ "aes", "xts-plain64", 48, "AES-192-XTS" },
	{ "aes", "xts-plain64", 33, "33 bytes" },
	{ "aes", "cbc-plain64", 15, "AES-120-CBC" },
	{ "aes", "cbc-plain64", 0, "AES-0-CBC" },
	{ "aes", "cbc-plain64", 66, "66 bytes" },
};

Test(cipher, names_what_is_not_there)
{
	static const uint8_t key[128] = { 1 };

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		const struct img_cipher_spec spec = { refused[i].cipher, refused[i].mode, SECTOR, 0 };
		struct img_err err = { 0 };

		cr_assert_null(img_cipher_open(&spec, key, refused[i].key_len, &err));
		cr_assert_eq(err.code, IMG_E_UNSUPPORTED, "%zu", i);
		cr_assert(strstr(err.text, refused[i].named), "%s", err.text);
	}
	img_cipher_close(NULL);
}
