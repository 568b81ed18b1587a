/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables of the ciphers, modes and IVs that are known here; whether libcrypto has them it says itself. */
#include "cipher/choice.h"

#include <string.h>
#include "base/bytes.h"
#include "base/err.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const struct {
	const char *luks, *libcrypto;
} ciphers[] = {
	{ "aes", "AES" }, { "camellia", "CAMELLIA" }, { "aria", "ARIA" },
};

static const struct {
	const char *luks, *libcrypto;
	unsigned keys;		/* so many make the one that is given */
} modes[] = {
	{ "xts", "XTS", 2 }, { "cbc", "CBC", 1 }, { "ctr", "CTR", 1 }, { "ecb", "ECB", 1 },
};

static const struct {
	const char *luks;
	enum img_iv_kind kind;
} ivs[] = {
	{ "plain64", IMG_IV_PLAIN64 }, { "plain", IMG_IV_PLAIN }, { "null", IMG_IV_NULL },
	{ "plain64be", IMG_IV_PLAIN64BE },
};

static bool choose_iv(const char *mode, const char *iv, struct img_cipher_choice *out,
		      struct img_err *err)
{
	static const char essiv[] = "essiv:";
	const size_t len = sizeof(essiv) - 1;

	if (!strncmp(iv, essiv, len) && iv[len]) {
		out->iv = IMG_IV_ESSIV;
		out->iv_hash = iv + len;
		return true;
	}
	for (size_t i = 0; i < COUNT(ivs); i++) {
		if (strcmp(iv, ivs[i].luks) == 0) {
			out->iv = ivs[i].kind;
			return true;
		}
	}
	return img_fail(err, IMG_E_UNSUPPORTED, _("the IVs of cipher mode \"%s\" are not known here"),
			mode);
}

static const char *cipher_named(const char *luks)
{
	for (size_t i = 0; i < COUNT(ciphers); i++) {
		if (strcmp(luks, ciphers[i].luks) == 0)
			return ciphers[i].libcrypto;
	}
	return NULL;
}

/* The index of the mode whose name is text[0, len), or COUNT(modes). */
static size_t find_mode(const char *text, size_t len)
{
	size_t i = 0;

	while (i < COUNT(modes) &&
	       (strlen(modes[i].luks) != len || strncmp(text, modes[i].luks, len) != 0))
		i++;
	return i;
}

bool img_cipher_choose(const char *cipher, const char *mode, size_t key_len,
		       struct img_cipher_choice *out, struct img_err *err)
{
	const size_t chain = strcspn(mode, "-");
	const char *block = cipher_named(cipher);
	const size_t i = find_mode(mode, chain);
	struct img_cipher_choice choice = { .iv_cipher = block };

	if (!block)
		return img_fail(err, IMG_E_UNSUPPORTED, _("cipher \"%s\" is not known here"), cipher);
	if (i == COUNT(modes))
		return img_fail(err, IMG_E_UNSUPPORTED, _("cipher mode \"%s\" is not known here"), mode);
	if (key_len % modes[i].keys || key_len > 2 * 32)
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s-%s has no key of %zu bytes"), cipher, mode,
				key_len);
	if (strcmp(modes[i].luks, "ecb") != 0 || mode[chain]) {
		if (!choose_iv(mode, mode + chain + (mode[chain] == '-'), &choice, err))
			return false;
	}
	snprintf(choice.name, sizeof(choice.name), "%s-%zu-%s", block, key_len * 8 / modes[i].keys,
		 modes[i].libcrypto);
	*out = choice;
	return true;
}

void img_iv_fill(enum img_iv_kind kind, uint64_t sector, uint8_t iv[IMG_IV_BYTES])
{
	memset(iv, 0, IMG_IV_BYTES);
	switch (kind) {
	case IMG_IV_NONE:
	case IMG_IV_NULL:
		break;
	case IMG_IV_PLAIN:
		img_put_le32(iv, (uint32_t)sector);
		break;
	case IMG_IV_PLAIN64:
	case IMG_IV_ESSIV:
		img_put_le64(iv, sector);
		break;
	case IMG_IV_PLAIN64BE:
		img_put_be64(iv + 8, sector);
		break;
	}
}
