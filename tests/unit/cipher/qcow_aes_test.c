/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The old encryption of qcow against sectors that the openssl command enciphered. */
#include "cipher/qcow_aes.h"
#include "hex.h"

enum { SECTOR = 512 };

static struct img_secret *secret_of(const char *text)
{
	struct img_secret *secret = img_secret_new(strlen(text), NULL);

	cr_assert(secret);
	memcpy(img_secret_bytes(secret), text, strlen(text));
	img_secret_set_len(secret, strlen(text));
	return secret;
}

static struct img_cipher *cipher_of(const char *text)
{
	struct img_secret *secret = secret_of(text);
	struct img_err err = { 0 };
	struct img_cipher *c = img_qcow_aes_open(secret, &err);

	cr_assert(c, "%s", err.text);
	img_secret_free(secret);
	return c;
}

/* openssl enc -aes-128-cbc -nopad, key "secret" and zeros, the sector's number in front of the IV. */
static const struct {
	uint64_t sector;
	const char *head, *tail;
} vectors[] = {
	{ 0, "1c2d1c7ce7635c66870704e650c4f850", "f76c3cb815896cc91f7c8c3d4e23fc42" },
	{ 1, "c95cd182c49968d80efa2d70b0b2950b", "71cb4a466438a30316e1416848e40135" },
	{ UINT64_C(0x123456789), "8c971b46a0c8430d96ad0207536b1c48",
	  "97cffbd2e7b890dcc737b5a9af0cebc4" },
};

Test(qcow_aes, sectors_are_those_of_openssl)
{
	struct img_cipher *c = cipher_of("secret");

	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		uint8_t buf[SECTOR];
		struct img_err err = { 0 };

		for (size_t k = 0; k < SECTOR; k++)
			buf[k] = (uint8_t)(k * 7 + vectors[i].sector);
		cr_assert(img_cipher_encrypt(c, vectors[i].sector * SECTOR, buf, buf, SECTOR, &err));
		expect_hex(buf, vectors[i].head, "head");
		expect_hex(buf + SECTOR - 16, vectors[i].tail, "tail");
	}
	img_cipher_close(c);
}

Test(qcow_aes, sixteen_bytes_of_a_passphrase_count)
{
	struct img_cipher *a = cipher_of("0123456789abcdef");
	struct img_cipher *b = cipher_of("0123456789abcdefghi");
	uint8_t one[SECTOR] = { 0 }, other[SECTOR] = { 0 };

	cr_assert(img_cipher_encrypt(a, 0, one, one, SECTOR, NULL));
	cr_assert(img_cipher_encrypt(b, 0, other, other, SECTOR, NULL));
	cr_assert_arr_eq(one, other, SECTOR);
	img_cipher_close(a);
	img_cipher_close(b);
}

Test(qcow_aes, without_a_key_there_is_no_cipher)
{
	const struct img_keys none = { 0 };
	struct img_err err = { 0 };

	cr_assert_null(img_qcow_aes_unlock(NULL, &err));
	cr_assert_eq(err.code, IMG_E_KEY);
	err = (struct img_err){ 0 };
	cr_assert_null(img_qcow_aes_unlock(&none, &err));
	cr_assert_eq(err.code, IMG_E_KEY);
}
