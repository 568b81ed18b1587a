/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decoding and validating a LUKS1 header; see luks1_layout.h. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include "base/bytes.h"
#include "base/err.h"
#include "cipher/luks1_layout.h"

static const uint8_t magic[] = { 'L', 'U', 'K', 'S', 0xba, 0xbe };

/* ---- Texts --------------------------------------------------------------------------------------- */

/* Whether the field holds printable ASCII, at least `least` bytes of it, and a NUL behind. */
static bool is_text(const uint8_t *field, size_t len, size_t least)
{
	size_t n = 0;

	while (n < len && field[n] > ' ' && field[n] < 0x7f)
		n++;
	return n >= least && n < len && !field[n];
}

static bool validate_names(const uint8_t *raw, struct img_err *err)
{
	if (!is_text(raw + IMG_LUKS1_CIPHER, IMG_LUKS1_NAME_BYTES, 1))
		return img_fail(err, IMG_E_CORRUPT, _("the name of the cipher is no text"));
	if (!is_text(raw + IMG_LUKS1_MODE, IMG_LUKS1_NAME_BYTES, 1))
		return img_fail(err, IMG_E_CORRUPT, _("the cipher's mode is no text"));
	if (!is_text(raw + IMG_LUKS1_HASH, IMG_LUKS1_NAME_BYTES, 1))
		return img_fail(err, IMG_E_CORRUPT, _("the name of the hash is no text"));
	return true;
}

/* ---- Header -------------------------------------------------------------------------------------- */

static bool validate_kind(const uint8_t *raw, size_t len, struct img_err *err)
{
	if (len < IMG_LUKS1_BYTES)
		return img_fail(err, IMG_E_INCOMPLETE,
				_("%zu bytes are too few for a LUKS header, which has %d"), len,
				IMG_LUKS1_BYTES);
	if (memcmp(raw + IMG_LUKS1_MAGIC, magic, sizeof(magic)) != 0)
		return img_fail(err, IMG_E_NOT_THIS_FORMAT, _("it does not start as a LUKS header"));
	if (img_get_be16(raw + IMG_LUKS1_VERSION) != 1)
		return img_fail(err, IMG_E_UNSUPPORTED, _("LUKS version %u is not known here"),
				img_get_be16(raw + IMG_LUKS1_VERSION));
	return true;
}

static bool validate_key(const uint8_t *raw, const struct img_luks1 *hdr, struct img_err *err)
{
	static const uint8_t zeros[IMG_LUKS1_DIGEST_BYTES];

	if (hdr->key_len < 1 || hdr->key_len > IMG_LUKS1_KEY_MAX)
		return img_fail(err, IMG_E_CORRUPT, _("a key of %" PRIu32 " bytes"), hdr->key_len);
	if (!img_get_be32(raw + IMG_LUKS1_DIGEST_ROUNDS))
		return img_fail(err, IMG_E_CORRUPT, _("the digest of the key has no iterations"));
	/* No key has this digest: it was wiped. */
	if (memcmp(raw + IMG_LUKS1_DIGEST, zeros, sizeof(zeros)) == 0)
		return img_fail(err, IMG_E_CORRUPT, _("the digest of the key is missing"));
	return !hdr->payload_at || img_luks1_holds_data(hdr, err);
}

bool img_luks1_holds_data(const struct img_luks1 *hdr, struct img_err *err)
{
	if (hdr->payload_at < IMG_LUKS1_BYTES)
		return img_fail(err, IMG_E_CORRUPT,
				_("the encrypted data start at 0x%" PRIx64 ", inside the header"),
				hdr->payload_at);
	return true;
}

static void decode_slot(const uint8_t *raw, struct img_luks1_slot *out)
{
	out->state = img_get_be32(raw + IMG_LUKS1_SLOT_STATE);
	out->rounds = img_get_be32(raw + IMG_LUKS1_SLOT_ROUNDS);
	memcpy(out->salt, raw + IMG_LUKS1_SLOT_SALT, sizeof(out->salt));
	out->material_at = (uint64_t)img_get_be32(raw + IMG_LUKS1_SLOT_MATERIAL) * IMG_LUKS1_SECTOR;
	out->stripes = img_get_be32(raw + IMG_LUKS1_SLOT_STRIPES);
}

static void decode_texts(const uint8_t *raw, struct img_luks1 *out)
{
	memcpy(out->cipher, raw + IMG_LUKS1_CIPHER, sizeof(out->cipher));
	memcpy(out->mode, raw + IMG_LUKS1_MODE, sizeof(out->mode));
	memcpy(out->hash, raw + IMG_LUKS1_HASH, sizeof(out->hash));
	out->uuid_is_text = is_text(raw + IMG_LUKS1_UUID, IMG_LUKS1_UUID_BYTES, 0);
	memcpy(out->uuid, raw + IMG_LUKS1_UUID, sizeof(out->uuid));
}

static void decode_digest(const uint8_t *raw, struct img_luks1 *out)
{
	memcpy(out->digest, raw + IMG_LUKS1_DIGEST, sizeof(out->digest));
	memcpy(out->digest_salt, raw + IMG_LUKS1_DIGEST_SALT, sizeof(out->digest_salt));
	out->digest_rounds = img_get_be32(raw + IMG_LUKS1_DIGEST_ROUNDS);
}

bool img_luks1_decode(const uint8_t *raw, size_t len, struct img_luks1 *out, struct img_err *err)
{
	struct img_luks1 hdr;

	if (!validate_kind(raw, len, err))
		return false;
	hdr.payload_at = (uint64_t)img_get_be32(raw + IMG_LUKS1_PAYLOAD) * IMG_LUKS1_SECTOR;
	hdr.key_len = img_get_be32(raw + IMG_LUKS1_KEY_BYTES);
	decode_texts(raw, &hdr);
	decode_digest(raw, &hdr);
	for (size_t i = 0; i < IMG_LUKS1_N_SLOTS; i++)
		decode_slot(raw + IMG_LUKS1_SLOTS + i * IMG_LUKS1_SLOT_BYTES, &hdr.slots[i]);
	if (!validate_names(raw, err) || !validate_key(raw, &hdr, err))
		return false;
	*out = hdr;
	return true;
}

static void encode_slot(const struct img_luks1_slot *slot, uint8_t *raw)
{
	img_put_be32(raw + IMG_LUKS1_SLOT_STATE, slot->state);
	img_put_be32(raw + IMG_LUKS1_SLOT_ROUNDS, slot->rounds);
	memcpy(raw + IMG_LUKS1_SLOT_SALT, slot->salt, sizeof(slot->salt));
	img_put_be32(raw + IMG_LUKS1_SLOT_MATERIAL,
		     (uint32_t)(slot->material_at / IMG_LUKS1_SECTOR));
	img_put_be32(raw + IMG_LUKS1_SLOT_STRIPES, slot->stripes);
}

void img_luks1_encode(const struct img_luks1 *hdr, uint8_t raw[IMG_LUKS1_BYTES])
{
	memset(raw, 0, IMG_LUKS1_BYTES);
	memcpy(raw + IMG_LUKS1_MAGIC, magic, sizeof(magic));
	img_put_be16(raw + IMG_LUKS1_VERSION, 1);
	memcpy(raw + IMG_LUKS1_CIPHER, hdr->cipher, sizeof(hdr->cipher));
	memcpy(raw + IMG_LUKS1_MODE, hdr->mode, sizeof(hdr->mode));
	memcpy(raw + IMG_LUKS1_HASH, hdr->hash, sizeof(hdr->hash));
	memcpy(raw + IMG_LUKS1_UUID, hdr->uuid, sizeof(hdr->uuid));
	img_put_be32(raw + IMG_LUKS1_PAYLOAD, (uint32_t)(hdr->payload_at / IMG_LUKS1_SECTOR));
	img_put_be32(raw + IMG_LUKS1_KEY_BYTES, hdr->key_len);
	memcpy(raw + IMG_LUKS1_DIGEST, hdr->digest, sizeof(hdr->digest));
	memcpy(raw + IMG_LUKS1_DIGEST_SALT, hdr->digest_salt, sizeof(hdr->digest_salt));
	img_put_be32(raw + IMG_LUKS1_DIGEST_ROUNDS, hdr->digest_rounds);
	for (size_t i = 0; i < IMG_LUKS1_N_SLOTS; i++)
		encode_slot(&hdr->slots[i], raw + IMG_LUKS1_SLOTS + i * IMG_LUKS1_SLOT_BYTES);
}

/* ---- Key slots ----------------------------------------------------------------------------------- */

static uint64_t material_end(const struct img_luks1 *hdr, const struct img_luks1_slot *slot)
{
	/* Below 2^41 and 2^41: nothing wraps. */
	return slot->material_at + (uint64_t)hdr->key_len * slot->stripes;
}

static bool validate_place(const struct img_luks1 *hdr, unsigned i, uint64_t area_len,
			   struct img_err *err)
{
	const struct img_luks1_slot *slot = &hdr->slots[i];
	const uint64_t end = material_end(hdr, slot);

	if (slot->material_at < IMG_LUKS1_BYTES)
		return img_fail(err, IMG_E_CORRUPT,
				_("key slot %u: its key starts at 0x%" PRIx64 ", inside the header"),
				i, slot->material_at);
	if (end > area_len)
		return img_fail(err, IMG_E_CORRUPT,
				_("key slot %u: its key ends at 0x%" PRIx64
				  ", the place for keys at 0x%" PRIx64), i, end, area_len);
	if (hdr->payload_at && end > hdr->payload_at)
		return img_fail(err, IMG_E_CORRUPT,
				_("key slot %u: its key ends at 0x%" PRIx64
				  ", and the encrypted data start at 0x%" PRIx64), i, end,
				hdr->payload_at);
	return true;
}

bool img_luks1_slot_validate(const struct img_luks1 *hdr, unsigned i, uint64_t area_len,
			     struct img_err *err)
{
	const struct img_luks1_slot *slot = &hdr->slots[i];

	assert(i < IMG_LUKS1_N_SLOTS);
	if (slot->state != IMG_LUKS1_ACTIVE && slot->state != IMG_LUKS1_INACTIVE)
		return img_fail(err, IMG_E_CORRUPT,
				_("key slot %u is neither active nor inactive but 0x%08" PRIx32), i,
				slot->state);
	if (slot->state == IMG_LUKS1_ACTIVE && !slot->rounds)
		return img_fail(err, IMG_E_CORRUPT, _("key slot %u is active without iterations"), i);
	if (slot->stripes != IMG_LUKS1_STRIPES)
		return img_fail(err, IMG_E_CORRUPT,
				_("key slot %u has %" PRIu32 " stripes instead of %u"), i,
				slot->stripes, IMG_LUKS1_STRIPES);
	return validate_place(hdr, i, area_len, err);
}

bool img_luks1_slots_overlap(const struct img_luks1 *hdr, unsigned one, unsigned other)
{
	const struct img_luks1_slot *a = &hdr->slots[one], *b = &hdr->slots[other];

	assert(one < IMG_LUKS1_N_SLOTS && other < IMG_LUKS1_N_SLOTS);
	return a->material_at < material_end(hdr, b) && b->material_at < material_end(hdr, a);
}
