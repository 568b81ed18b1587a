/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header of LUKS version 1, in a file of its own or inside an image: where its fields lie, what
 * they say, and whether they can be right.  No key is touched, and nothing is deciphered.
 */
#ifndef IMG_CIPHER_LUKS1_LAYOUT_H
#define IMG_CIPHER_LUKS1_LAYOUT_H

#include "libimg.h"

/* LUKS1 §"PHDR layout"; numbers are big endian. */
enum {
	IMG_LUKS1_MAGIC		= 0,	/* "LUKS", 0xba, 0xbe */
	IMG_LUKS1_VERSION	= 6,
	IMG_LUKS1_CIPHER	= 8,
	IMG_LUKS1_MODE		= 40,
	IMG_LUKS1_HASH		= 72,
	IMG_LUKS1_PAYLOAD	= 104,	/* sectors */
	IMG_LUKS1_KEY_BYTES	= 108,
	IMG_LUKS1_DIGEST	= 112,
	IMG_LUKS1_DIGEST_SALT	= 132,
	IMG_LUKS1_DIGEST_ROUNDS	= 164,
	IMG_LUKS1_UUID		= 168,
	IMG_LUKS1_SLOTS		= 208,
	IMG_LUKS1_BYTES		= 592,

	IMG_LUKS1_NAME_BYTES	= 32,	/* of cipher, mode and hash; a NUL behind the text */
	IMG_LUKS1_DIGEST_BYTES	= 20,
	IMG_LUKS1_SALT_BYTES	= 32,	/* of the digest and of each slot */
	IMG_LUKS1_UUID_BYTES	= 40,
	IMG_LUKS1_SECTOR	= 512,
};

/* LUKS1 §"key slot layout" */
enum {
	IMG_LUKS1_SLOT_STATE	= 0,
	IMG_LUKS1_SLOT_ROUNDS	= 4,
	IMG_LUKS1_SLOT_SALT	= 8,
	IMG_LUKS1_SLOT_MATERIAL	= 40,	/* sectors, from the start of the header */
	IMG_LUKS1_SLOT_STRIPES	= 44,
	IMG_LUKS1_SLOT_BYTES	= 48,

	IMG_LUKS1_N_SLOTS	= 8,
};

#define IMG_LUKS1_ACTIVE	UINT32_C(0x00ac71f3)
#define IMG_LUKS1_INACTIVE	UINT32_C(0x0000dead)
#define IMG_LUKS1_STRIPES	4000u	/* LUKS1 §"Constants"; no program writes another number */
#define IMG_LUKS1_KEY_MAX	512u	/* ours, in bytes; the longest known key has 64 */

struct img_luks1_slot {
	uint32_t state;			/* IMG_LUKS1_ACTIVE, IMG_LUKS1_INACTIVE, or damaged */
	uint32_t rounds;		/* of the hash, from the passphrase to the key */
	uint8_t salt[IMG_LUKS1_SALT_BYTES];
	uint64_t material_at;		/* bytes from the start of the header */
	uint32_t stripes;
};

struct img_luks1 {
	/* Printable ASCII. */
	char cipher[IMG_LUKS1_NAME_BYTES], mode[IMG_LUKS1_NAME_BYTES], hash[IMG_LUKS1_NAME_BYTES];
	/* Bytes from the start of the header, or of the file with the data; 0: they have their own. */
	uint64_t payload_at;
	uint32_t key_len;		/* bytes, 1 to IMG_LUKS1_KEY_MAX */
	uint8_t digest[IMG_LUKS1_DIGEST_BYTES], digest_salt[IMG_LUKS1_SALT_BYTES];
	uint32_t digest_rounds;
	bool uuid_is_text;
	char uuid[IMG_LUKS1_UUID_BYTES];	/* a text only if uuid_is_text */
	struct img_luks1_slot slots[IMG_LUKS1_N_SLOTS];
};

/*
 * Decodes raw[0, len) and validates what no key slot can do without; the slots and the UUID are
 * taken as they are.  Errors: IMG_E_INCOMPLETE, IMG_E_NOT_THIS_FORMAT (magic), IMG_E_UNSUPPORTED
 * (another version), IMG_E_CORRUPT.
 */
bool img_luks1_decode(const uint8_t *raw, size_t len, struct img_luks1 *out, struct img_err *err)
	IMG_MUST_CHECK;
/* The inverse.  payload_at and material_at: whole sectors. */
void img_luks1_encode(const struct img_luks1 *hdr, uint8_t raw[IMG_LUKS1_BYTES]);
/* That the header stands in front of its data, or around them.  IMG_E_CORRUPT. */
bool img_luks1_holds_data(const struct img_luks1 *hdr, struct img_err *err) IMG_MUST_CHECK;
/*
 * Whether slot i can be right in a header that takes area_len bytes with all its key material.
 * LUKS1 §"key slot layout".  IMG_E_CORRUPT says why not.
 */
bool img_luks1_slot_validate(const struct img_luks1 *hdr, unsigned i, uint64_t area_len,
			     struct img_err *err) IMG_MUST_CHECK;
/* Whether the key material of two slots shares bytes.  Both are valid. */
bool img_luks1_slots_overlap(const struct img_luks1 *hdr, unsigned one, unsigned other);

#endif
