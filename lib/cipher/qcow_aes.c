/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See qcow_aes.h. */
#include "cipher/qcow_aes.h"

#include <string.h>
#include "base/num.h"

enum { KEY_BYTES = 16 };

struct img_cipher *img_qcow_aes_open(const struct img_secret *passphrase, struct img_err *err)
{
	const struct img_cipher_spec spec = {
		.cipher = "aes", .mode = "cbc-plain64", .sector = 512,
	};
	uint8_t key[KEY_BYTES] = { 0 };
	struct img_cipher *cipher;

	memcpy(key, img_secret_view(passphrase),
	       img_min_u64(sizeof(key), img_secret_len(passphrase)));
	cipher = img_cipher_open(&spec, key, sizeof(key), err);
	explicit_bzero(key, sizeof(key));
	return cipher;
}

struct img_cipher *img_qcow_aes_unlock(const struct img_keys *keys, struct img_err *err)
{
	if (keys && keys->n)
		return img_qcow_aes_open(keys->v[0], err);
	img_fail(err, IMG_E_KEY, _("it is encrypted, and no key was given"));
	return NULL;
}
