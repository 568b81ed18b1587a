/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From QEMU's names to those of a LUKS header, and what is refused. */
#include <criterion/criterion.h>
#include "format/luks_options.h"

static const struct img_option table[] = {
	IMG_LUKS_OPTIONS("encrypt."),
	{ NULL },
};

static bool make(const char *options, struct img_luks_wish *wish, struct img_err *err)
{
	static struct img_settings *set;

	img_settings_free(set);
	set = img_settings_parse(table, options, err);
	cr_assert(set, "%s", err->text);
	return img_luks_wish_make(set, "encrypt.", wish, err);
}

static const struct {
	const char *options, *cipher, *mode, *hash;
	uint32_t key_len;
	unsigned iter_ms;
} good[] = {
	{ NULL, "aes", "xts-plain64", "sha256", 64, 2000 },
	{ "encrypt.cipher-alg=aes-128", "aes", "xts-plain64", "sha256", 32, 2000 },
	{ "encrypt.cipher-mode=cbc,encrypt.ivgen-alg=essiv", "aes", "cbc-essiv:sha256", "sha256", 32,
	  2000 },
	{ "encrypt.cipher-mode=cbc,encrypt.ivgen-alg=essiv,encrypt.ivgen-hash-alg=sha1", "aes",
	  "cbc-essiv:sha1", "sha256", 32, 2000 },
	{ "encrypt.cipher-mode=cbc,encrypt.ivgen-alg=plain,encrypt.iter-time=10", "aes", "cbc-plain",
	  "sha256", 32, 10 },
	{ "encrypt.cipher-alg=cast5-128,encrypt.cipher-mode=ecb,encrypt.hash-alg=sha512", "cast5",
	  "ecb-plain64", "sha512", 16, 2000 },
};

Test(luks_options, names_in_a_header)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct img_luks_wish wish;
		struct img_err err = { 0 };

		cr_assert(make(good[i].options, &wish, &err), "%s: %s", good[i].options, err.text);
		cr_assert_str_eq(wish.what.cipher, good[i].cipher);
		cr_assert_str_eq(wish.what.mode, good[i].mode);
		cr_assert_str_eq(wish.what.hash, good[i].hash);
		cr_assert_eq(wish.what.key_len, good[i].key_len);
		cr_assert_eq(wish.what.iter_ms, good[i].iter_ms);
	}
}

Test(luks_options, without_luks_none_is_given)
{
	struct img_err err = { 0 };
	struct img_settings *set = img_settings_parse(table, NULL, &err);

	cr_assert(set && img_luks_wish_none(set, "encrypt.", &err), "%s", err.text);
	img_settings_free(set);
	set = img_settings_parse(table, "encrypt.iter-time=5", &err);
	cr_assert(set);
	cr_assert_not(img_luks_wish_none(set, "encrypt.", &err));
	cr_assert_eq(err.code, IMG_E_ARGUMENT);
	img_settings_free(set);
}

static const char *const bad[] = {
	"encrypt.cipher-alg=aes",
	"encrypt.cipher-alg=-256",
	"encrypt.cipher-alg=aes-",
	"encrypt.cipher-alg=aes-0",
	"encrypt.cipher-alg=aes-12",
	"encrypt.cipher-alg=aes-256x",
	"encrypt.cipher-alg=aes-99999999999999999999",
	"encrypt.cipher-alg=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-256",
	"encrypt.ivgen-hash-alg=sha256",
	("encrypt.ivgen-alg=essiv,"
	 "encrypt.ivgen-hash-alg=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	"encrypt.iter-time=0",
	"encrypt.iter-time=4294967296",
};

Test(luks_options, what_is_refused)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct img_luks_wish wish;
		struct img_err err = { 0 };

		cr_assert_not(make(bad[i], &wish, &err), "%s", bad[i]);
		cr_assert_eq(err.code, IMG_E_ARGUMENT, "%s: %s", bad[i], err.text);
	}
}
