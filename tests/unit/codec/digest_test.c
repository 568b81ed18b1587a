/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Known sums, and zeros that were never in memory. */
#include <criterion/criterion.h>

#include "codec/codec.h"

static void check(const char *name, const char *text, const char *sum)
{
	struct img_err err = { 0 };
	struct img_digest *dg = img_digest_open(name, &err);
	char hex[129];

	cr_assert(dg, "%s", err.text);
	cr_assert(img_digest_add(dg, text, strlen(text), &err));
	cr_assert(img_digest_finish(dg, hex, &err));
	cr_assert_str_eq(hex, sum);
	img_digest_close(dg);
}

Test(digest, knows_the_published_sums)
{
	check("sha256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check("sha1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
	check("md5", "", "d41d8cd98f00b204e9800998ecf8427e");
	check("sha512", "abc",
	      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

Test(digest, counts_zeros_as_if_they_were_there)
{
	static const uint8_t zeros[100001];
	struct img_err err = { 0 };
	struct img_digest *a = img_digest_open("sha256", &err);
	struct img_digest *b = img_digest_open("sha256", &err);
	char hex_a[129], hex_b[129];

	cr_assert(img_digest_add(a, "x", 1, &err));
	cr_assert(img_digest_add(a, zeros, sizeof(zeros), &err));
	cr_assert(img_digest_add(b, "x", 1, &err));
	cr_assert(img_digest_add_zeros(b, 0, &err));
	cr_assert(img_digest_add_zeros(b, sizeof(zeros), &err));
	cr_assert(img_digest_finish(a, hex_a, &err));
	cr_assert(img_digest_finish(b, hex_b, &err));
	cr_assert_str_eq(hex_a, hex_b);
	img_digest_close(a);
	img_digest_close(b);
}

Test(digest, names_a_hash_that_does_not_exist)
{
	struct img_err err = { 0 };

	cr_assert_null(img_digest_open("sha257", &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED);
	cr_assert(strstr(err.text, "sha257"));
	img_digest_close(NULL);
}
