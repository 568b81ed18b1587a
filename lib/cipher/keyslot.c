/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filling, opening and wiping key slots; see keyslot.h.  Every buffer here is a secret. */
#include "cipher/keyslot.h"

#include <assert.h>
#include "base/err.h"
#include "base/num.h"
#include "base/random.h"
#include "base/secret.h"
#include "cipher/af.h"
#include "cipher/cipher.h"
#include "cipher/libcrypto.h"
#include "store/store.h"

enum { SECTOR = 512 };

uint64_t img_keyslot_bytes(uint32_t key_len, uint32_t stripes)
{
	const uint64_t bytes = img_round_up((uint64_t)key_len * stripes, SECTOR);

	return bytes <= IMG_KEYSLOT_MATERIAL_MAX ? bytes : 0;
}

/* Room for the material. */
static struct img_secret *new_material(const struct img_keyslot *slot, struct img_err *err)
{
	const uint64_t len = img_keyslot_bytes(slot->key_len, slot->stripes);

	if (!len || slot->key_len > IMG_KEY_MAX || slot->area_key_len > IMG_KEY_MAX) {
		img_fail(err, IMG_E_RANGE, _("a key of %u bytes in %u stripes is too long"),
			 slot->key_len, slot->stripes);
		return NULL;
	}
	return img_secret_zeros((size_t)len, err);
}

/* The cipher of the material, with the key that passphrase gives. */
static struct img_cipher *open_area(const struct img_keyslot *slot,
				    const struct img_secret *passphrase, struct img_err *err)
{
	const struct img_cipher_spec spec = { slot->cipher, slot->mode, SECTOR, 0 };
	IMG_AUTO_SECRET struct img_secret *key = img_secret_zeros(slot->area_key_len, err);

	if (!key || !img_kdf_derive(&slot->kdf, img_secret_view(passphrase),
				    img_secret_len(passphrase), img_secret_bytes(key),
				    slot->area_key_len, err))
		return NULL;
	return img_cipher_open(&spec, img_secret_view(key), slot->area_key_len, err);
}

bool img_keyslot_open(struct img_store *st, const struct img_keyslot *slot,
		      const struct img_secret *passphrase, uint8_t *key, struct img_err *err)
{
	IMG_AUTO_SECRET struct img_secret *material = new_material(slot, err);
	struct img_cipher *area;
	uint8_t *bytes;
	size_t len;
	bool done;

	if (!material)
		return false;
	bytes = img_secret_bytes(material);
	len = img_secret_len(material);
	if (!img_store_read(st, slot->material_at, bytes, len, err))
		return false;
	area = open_area(slot, passphrase, err);
	done = area && img_cipher_decrypt(area, 0, bytes, bytes, len, err) &&
	       img_af_merge(slot->af_hash, bytes, slot->key_len, slot->stripes, key, err);
	img_cipher_close(area);
	return done;
}

bool img_keyslot_fill(struct img_store *st, const struct img_keyslot *slot,
		      const struct img_secret *passphrase, const uint8_t *key, struct img_err *err)
{
	IMG_AUTO_SECRET struct img_secret *material = new_material(slot, err);
	struct img_cipher *area;
	uint8_t *bytes;
	size_t len;
	bool done;

	if (!material)
		return false;
	bytes = img_secret_bytes(material);
	len = img_secret_len(material);
	if (!img_af_split(slot->af_hash, key, slot->key_len, slot->stripes, bytes, err))
		return false;
	area = open_area(slot, passphrase, err);
	done = area && img_cipher_encrypt(area, 0, bytes, bytes, len, err) &&
	       img_store_write(st, slot->material_at, bytes, len, err);
	img_cipher_close(area);
	return done;
}

bool img_keyslot_wipe(struct img_store *st, const struct img_keyslot *slot, struct img_err *err)
{
	IMG_AUTO_SECRET struct img_secret *noise = new_material(slot, err);

	return noise && img_random(img_secret_bytes(noise), img_secret_len(noise), err) &&
	       img_store_write(st, slot->material_at, img_secret_view(noise), img_secret_len(noise),
			       err) &&
	       img_store_sync(st, err);
}

bool img_key_digest_test(const struct img_key_digest *d, const uint8_t *key, size_t key_len,
			 bool *matches, struct img_err *err)
{
	IMG_AUTO_LIBCRYPTO struct img_libcrypto lc = { 0 };
	uint8_t digest[IMG_KEY_MAX];

	assert(d->len > 0 && d->len <= sizeof(digest));
	if (!img_libcrypto_load(&lc, err) ||
	    !img_kdf_derive(&d->kdf, key, key_len, digest, d->len, err))
		return false;
	*matches = lc.differ(digest, d->digest, d->len) == 0;
	return true;
}
