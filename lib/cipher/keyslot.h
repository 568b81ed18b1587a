/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A key slot of either version of LUKS: the key of the volume, split, and enciphered with a key that a
 * passphrase gives.  And the digest by which a key is known to be right.
 */
#ifndef IMG_CIPHER_KEYSLOT_H
#define IMG_CIPHER_KEYSLOT_H

#include "cipher/kdf.h"

struct img_secret;
struct img_store;

enum {
	IMG_KEY_MAX		= 512,		/* bytes; the longest known has 64 */
	IMG_KEYSLOT_STRIPES	= 4000,		/* LUKS1 §"Constants" */
	IMG_KEYSLOT_MATERIAL_MAX = 4 << 20,	/* bytes; ours */
};

/* Texts and salt are borrowed. */
struct img_keyslot {
	struct img_kdf kdf;		/* from the passphrase to the key of the material */
	const char *cipher, *mode;	/* of the material */
	uint32_t area_key_len;		/* bytes of its key, at most IMG_KEY_MAX */
	const char *af_hash;
	uint32_t stripes;
	uint32_t key_len;		/* bytes of the key of the volume, at most IMG_KEY_MAX */
	uint64_t material_at;		/* bytes in the store */
};

/* Bytes of the material, in whole sectors of 512; at most IMG_KEYSLOT_MATERIAL_MAX, else 0. */
uint64_t img_keyslot_bytes(uint32_t key_len, uint32_t stripes);
/*
 * What passphrase makes of the slot: key[0, slot->key_len), which may or may not be a key.  Errors:
 * those of reading, IMG_E_UNSUPPORTED, IMG_E_RANGE, IMG_E_CORRUPT, IMG_E_NOMEM.
 */
bool img_keyslot_open(struct img_store *st, const struct img_keyslot *slot,
		      const struct img_secret *passphrase, uint8_t *key, struct img_err *err)
	IMG_MUST_CHECK;
/* The inverse: writes the material.  Not synced. */
bool img_keyslot_fill(struct img_store *st, const struct img_keyslot *slot,
		      const struct img_secret *passphrase, const uint8_t *key, struct img_err *err)
	IMG_MUST_CHECK;
/* Overwrites the material with random bytes, and syncs. */
bool img_keyslot_wipe(struct img_store *st, const struct img_keyslot *slot, struct img_err *err)
	IMG_MUST_CHECK;

/* PBKDF2 of a key; borrowed. */
struct img_key_digest {
	struct img_kdf kdf;
	const uint8_t *digest;
	size_t len;			/* at most IMG_KEY_MAX */
};

/* *matches: whether key[0, key_len) is the one.  In constant time. */
bool img_key_digest_test(const struct img_key_digest *d, const uint8_t *key, size_t key_len,
			 bool *matches, struct img_err *err) IMG_MUST_CHECK;

#endif
