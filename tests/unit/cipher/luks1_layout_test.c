/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* LUKS1 headers: one as it should be, and every field of it as it should not. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/bytes.h"
#include "cipher/luks1_layout.h"

enum {
	KEY = 32,
	FIRST = 8,		/* sectors; where the keys start */
	STEP = 256,		/* sectors; 32 * 4000 bytes, rounded up */
	PAYLOAD = FIRST + IMG_LUKS1_N_SLOTS * STEP,
	AREA = PAYLOAD * IMG_LUKS1_SECTOR,
};

static uint8_t *slot(uint8_t *raw, unsigned i)
{
	return raw + IMG_LUKS1_SLOTS + i * IMG_LUKS1_SLOT_BYTES;
}

/* The first slot is active. */
static void sound_header(uint8_t raw[IMG_LUKS1_BYTES])
{
	memset(raw, 0, IMG_LUKS1_BYTES);
	memcpy(raw, "LUKS\xba\xbe\0\1", 8);
	memcpy(raw + IMG_LUKS1_CIPHER, "aes", 3);
	memcpy(raw + IMG_LUKS1_MODE, "xts-plain64", 11);
	memcpy(raw + IMG_LUKS1_HASH, "sha256", 6);
	img_put_be32(raw + IMG_LUKS1_PAYLOAD, PAYLOAD);
	img_put_be32(raw + IMG_LUKS1_KEY_BYTES, KEY);
	memset(raw + IMG_LUKS1_DIGEST, 0xab, IMG_LUKS1_DIGEST_BYTES);
	img_put_be32(raw + IMG_LUKS1_DIGEST_ROUNDS, 1000);
	memcpy(raw + IMG_LUKS1_UUID, "01234567-89ab-cdef-0123-456789abcdef", 36);
	for (unsigned i = 0; i < IMG_LUKS1_N_SLOTS; i++) {
		img_put_be32(slot(raw, i) + IMG_LUKS1_SLOT_STATE,
			     i ? IMG_LUKS1_INACTIVE : IMG_LUKS1_ACTIVE);
		img_put_be32(slot(raw, i) + IMG_LUKS1_SLOT_ROUNDS, i ? 0 : 1000);
		img_put_be32(slot(raw, i) + IMG_LUKS1_SLOT_MATERIAL, FIRST + i * STEP);
		img_put_be32(slot(raw, i) + IMG_LUKS1_SLOT_STRIPES, IMG_LUKS1_STRIPES);
	}
}

static struct img_luks1 decoded(const uint8_t *raw)
{
	struct img_err err = { 0 };
	struct img_luks1 hdr;

	cr_assert(img_luks1_decode(raw, IMG_LUKS1_BYTES, &hdr, &err), "%s", err.text);
	return hdr;
}

Test(luks1, a_sound_header)
{
	uint8_t raw[IMG_LUKS1_BYTES];
	struct img_err err = { 0 };

	sound_header(raw);
	const struct img_luks1 hdr = decoded(raw);

	cr_assert_eq(hdr.payload_at, AREA);
	cr_assert_eq(hdr.key_len, KEY);
	cr_assert(hdr.uuid_is_text);
	cr_assert_eq(hdr.slots[0].state, IMG_LUKS1_ACTIVE);
	cr_assert_eq(hdr.slots[0].rounds, 1000);
	cr_assert_eq(hdr.slots[7].state, IMG_LUKS1_INACTIVE);
	cr_assert_eq(hdr.slots[7].material_at, (FIRST + 7 * STEP) * IMG_LUKS1_SECTOR);
	for (unsigned i = 0; i < IMG_LUKS1_N_SLOTS; i++) {
		cr_assert(img_luks1_slot_validate(&hdr, i, AREA, &err), "%s", err.text);
		for (unsigned k = 0; k < i; k++)
			cr_assert_not(img_luks1_slots_overlap(&hdr, i, k), "%u and %u", i, k);
	}
}

Test(luks1, what_is_encoded_is_what_was_decoded)
{
	uint8_t raw[IMG_LUKS1_BYTES], again[IMG_LUKS1_BYTES];

	sound_header(raw);
	memset(raw + IMG_LUKS1_DIGEST_SALT, 0xcd, IMG_LUKS1_SALT_BYTES);
	memset(slot(raw, 3) + IMG_LUKS1_SLOT_SALT, 0xef, IMG_LUKS1_SALT_BYTES);
	const struct img_luks1 hdr = decoded(raw);

	cr_assert_str_eq(hdr.cipher, "aes");
	cr_assert_str_eq(hdr.mode, "xts-plain64");
	cr_assert_str_eq(hdr.hash, "sha256");
	img_luks1_encode(&hdr, again);
	cr_assert_arr_eq(again, raw, sizeof(raw));
}

Test(luks1, data_elsewhere)
{
	uint8_t raw[IMG_LUKS1_BYTES];
	struct img_err err = { 0 };

	sound_header(raw);
	cr_assert(img_luks1_holds_data(&(struct img_luks1){ .payload_at = AREA }, &err));
	img_put_be32(raw + IMG_LUKS1_PAYLOAD, 0);
	const struct img_luks1 hdr = decoded(raw);

	cr_assert(img_luks1_slot_validate(&hdr, 7, AREA, &err), "%s", err.text);
	cr_assert_not(img_luks1_holds_data(&hdr, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT);
}

/* ---- The header ---------------------------------------------------------------------------------- */

static const struct {
	const char *what;
	size_t at, len;		/* these bytes */
	int fill;		/* become this one */
	enum img_code code;
} broken[] = {
	{ "magic", IMG_LUKS1_MAGIC + 5, 1, 0, IMG_E_NOT_THIS_FORMAT },
	{ "version 0", IMG_LUKS1_VERSION + 1, 1, 0, IMG_E_UNSUPPORTED },
	{ "version 2", IMG_LUKS1_VERSION + 1, 1, 2, IMG_E_UNSUPPORTED },
	{ "no cipher", IMG_LUKS1_CIPHER, 1, 0, IMG_E_CORRUPT },
	{ "cipher without an end", IMG_LUKS1_CIPHER, 32, 'a', IMG_E_CORRUPT },
	{ "cipher with a line feed", IMG_LUKS1_CIPHER + 1, 1, '\n', IMG_E_CORRUPT },
	{ "cipher with a blank", IMG_LUKS1_CIPHER + 1, 1, ' ', IMG_E_CORRUPT },
	{ "cipher with DEL", IMG_LUKS1_CIPHER + 1, 1, 0x7f, IMG_E_CORRUPT },
	{ "mode of 8 bits", IMG_LUKS1_MODE, 1, 0xe4, IMG_E_CORRUPT },
	{ "no hash", IMG_LUKS1_HASH, 32, 0, IMG_E_CORRUPT },
	{ "no key", IMG_LUKS1_KEY_BYTES, 4, 0, IMG_E_CORRUPT },
	{ "long key", IMG_LUKS1_KEY_BYTES + 2, 1, 3, IMG_E_CORRUPT },
	{ "no digest", IMG_LUKS1_DIGEST, 20, 0, IMG_E_CORRUPT },
	{ "no iterations", IMG_LUKS1_DIGEST_ROUNDS, 4, 0, IMG_E_CORRUPT },
	{ "payload at 512", IMG_LUKS1_PAYLOAD, 4, 0, IMG_E_CORRUPT },
};

Test(luks1, headers_that_cannot_be_used)
{
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		uint8_t raw[IMG_LUKS1_BYTES];
		struct img_err err = { 0 };
		struct img_luks1 hdr;

		sound_header(raw);
		memset(raw + broken[i].at, broken[i].fill, broken[i].len);
		if (broken[i].at == IMG_LUKS1_PAYLOAD)
			raw[IMG_LUKS1_PAYLOAD + 3] = 1;
		cr_assert_not(img_luks1_decode(raw, sizeof(raw), &hdr, &err), "%s", broken[i].what);
		cr_assert_eq(err.code, broken[i].code, "%s: %s", broken[i].what, err.text);
	}
}

Test(luks1, too_short)
{
	uint8_t raw[IMG_LUKS1_BYTES];
	struct img_err err = { 0 };
	struct img_luks1 hdr;

	sound_header(raw);
	cr_assert_not(img_luks1_decode(raw, sizeof(raw) - 1, &hdr, &err));
	cr_assert_eq(err.code, IMG_E_INCOMPLETE);
}

Test(luks1, limits_that_are_legal)
{
	uint8_t raw[IMG_LUKS1_BYTES];

	sound_header(raw);
	memset(raw + IMG_LUKS1_CIPHER, '~', IMG_LUKS1_NAME_BYTES - 1);
	img_put_be32(raw + IMG_LUKS1_KEY_BYTES, IMG_LUKS1_KEY_MAX);
	memset(raw + IMG_LUKS1_DIGEST, 0, IMG_LUKS1_DIGEST_BYTES - 1);
	memset(raw + IMG_LUKS1_UUID, 0, IMG_LUKS1_UUID_BYTES);
	cr_assert(decoded(raw).uuid_is_text);
	memset(raw + IMG_LUKS1_UUID, 'a', IMG_LUKS1_UUID_BYTES);
	cr_assert_not(decoded(raw).uuid_is_text);
}

/* ---- Key slots ----------------------------------------------------------------------------------- */

static const struct {
	unsigned slot, field;
	uint32_t value;
	bool valid;
} fields[] = {
	{ 0, IMG_LUKS1_SLOT_STATE, IMG_LUKS1_INACTIVE, true },
	{ 0, IMG_LUKS1_SLOT_STATE, 0, false },
	{ 7, IMG_LUKS1_SLOT_STATE, IMG_LUKS1_INACTIVE + 1, false },
	{ 0, IMG_LUKS1_SLOT_ROUNDS, 0, false },
	{ 7, IMG_LUKS1_SLOT_ROUNDS, 0, true },
	{ 0, IMG_LUKS1_SLOT_STRIPES, 0, false },
	{ 7, IMG_LUKS1_SLOT_STRIPES, IMG_LUKS1_STRIPES - 1, false },
	{ 7, IMG_LUKS1_SLOT_STRIPES, UINT32_MAX, false },
	{ 0, IMG_LUKS1_SLOT_MATERIAL, 0, false },
	{ 0, IMG_LUKS1_SLOT_MATERIAL, 1, false },
	{ 0, IMG_LUKS1_SLOT_MATERIAL, 2, true },
	{ 7, IMG_LUKS1_SLOT_MATERIAL, PAYLOAD - 250, true },	/* 250 sectors are 32 * 4000 bytes */
	{ 7, IMG_LUKS1_SLOT_MATERIAL, PAYLOAD - 249, false },
	{ 7, IMG_LUKS1_SLOT_MATERIAL, UINT32_MAX, false },
};

Test(luks1, slots)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		uint8_t raw[IMG_LUKS1_BYTES];
		struct img_err err = { 0 };

		sound_header(raw);
		img_put_be32(slot(raw, fields[i].slot) + fields[i].field, fields[i].value);
		const struct img_luks1 hdr = decoded(raw);

		cr_assert_eq(img_luks1_slot_validate(&hdr, fields[i].slot, AREA, &err),
			     fields[i].valid, "%zu: %s", i, err.text);
		cr_assert(fields[i].valid || err.code == IMG_E_CORRUPT, "%zu", i);
	}
}

Test(luks1, the_last_key_must_fit)
{
	const uint64_t end = (FIRST + 7 * STEP + 250) * IMG_LUKS1_SECTOR;
	uint8_t raw[IMG_LUKS1_BYTES];
	struct img_err err = { 0 };

	sound_header(raw);
	struct img_luks1 hdr = decoded(raw);
	cr_assert(img_luks1_slot_validate(&hdr, 7, end, &err), "%s", err.text);
	cr_assert_not(img_luks1_slot_validate(&hdr, 7, end - 1, &err));
	hdr.payload_at = end;
	cr_assert(img_luks1_slot_validate(&hdr, 7, AREA, &err), "%s", err.text);
	hdr.payload_at = end - 1;
	cr_assert_not(img_luks1_slot_validate(&hdr, 7, AREA, &err));
}

Test(luks1, keys_that_share_bytes)
{
	uint8_t raw[IMG_LUKS1_BYTES];

	sound_header(raw);
	struct img_luks1 hdr = decoded(raw);
	hdr.slots[3].material_at = hdr.slots[2].material_at + 250 * IMG_LUKS1_SECTOR;
	cr_assert_not(img_luks1_slots_overlap(&hdr, 2, 3));
	cr_assert_not(img_luks1_slots_overlap(&hdr, 3, 2));
	hdr.slots[3].material_at -= IMG_LUKS1_SECTOR;
	cr_assert(img_luks1_slots_overlap(&hdr, 2, 3));
	cr_assert(img_luks1_slots_overlap(&hdr, 3, 2));
}
