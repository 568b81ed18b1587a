/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the JSON of LUKS2 says of key slots and digests.  LUKS2 §"Keyslots Object", §"Digests Object" */
#include <inttypes.h>
#include <string.h>
#include "base/num.h"
#include "cipher/luks2.h"

bool luks2_split_name(const char *encryption, char room[LUKS2_NAME_MAX], const char **cipher,
		      const char **mode, struct img_err *err)
{
	const char *dash = strchr(encryption, '-');

	if (!dash || strlen(encryption) >= LUKS2_NAME_MAX)
		return img_fail(err, IMG_E_UNSUPPORTED, _("cipher \"%s\" is not known here"),
				encryption);
	strcpy(room, encryption);
	room[dash - encryption] = '\0';
	*cipher = room;
	*mode = room + (dash - encryption) + 1;
	return true;
}

static bool get_type(struct json_object *map, const char *known, struct img_err *err)
{
	const char *type;

	if (!img_luks2_json_text(map, "type", &type, err))
		return false;
	return strcmp(type, known) == 0 ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("type \"%s\" is not known here"), type);
}

/* ---- A slot -------------------------------------------------------------------------------------- */

static bool get_pbkdf2(struct json_object *map, struct img_kdf *kdf, struct img_err *err)
{
	return img_luks2_json_text(map, "hash", &kdf->hash, err) &&
	       img_luks2_json_u32(map, "iterations", &kdf->iterations, err);
}

static bool get_argon2(struct json_object *map, struct img_kdf *kdf, struct img_err *err)
{
	return img_luks2_json_u32(map, "time", &kdf->iterations, err) &&
	       img_luks2_json_u32(map, "memory", &kdf->memory_kib, err) &&
	       img_luks2_json_u32(map, "cpus", &kdf->parallel, err);
}

static bool get_kdf(struct json_object *slot, struct luks2_slot *out, struct img_err *err)
{
	struct img_kdf *kdf = &out->area.kdf;
	struct json_object *map;

	if (!img_luks2_json_map(slot, "kdf", &map, err) ||
	    !img_luks2_json_text(map, "type", &kdf->name, err) ||
	    !img_luks2_json_bytes(map, "salt", out->salt, sizeof(out->salt), &kdf->salt_len, err))
		return false;
	kdf->salt = out->salt;
	return strcmp(kdf->name, "pbkdf2") ? get_argon2(map, kdf, err) : get_pbkdf2(map, kdf, err);
}

static bool get_af(struct json_object *slot, struct img_keyslot *out, struct img_err *err)
{
	struct json_object *map;

	return img_luks2_json_map(slot, "af", &map, err) && get_type(map, "luks1", err) &&
	       img_luks2_json_text(map, "hash", &out->af_hash, err) &&
	       img_luks2_json_u32(map, "stripes", &out->stripes, err);
}

/* That the material fits its area, and the area the place for keys. */
static bool validate_area(const struct luks2 *lk, const struct img_keyslot *slot, uint64_t at,
			  uint64_t len, struct img_err *err)
{
	const uint64_t need = img_keyslot_bytes(slot->key_len, slot->stripes);
	uint64_t end;

	if (!slot->key_len || slot->key_len > IMG_KEY_MAX || !slot->area_key_len ||
	    slot->area_key_len > IMG_KEY_MAX)
		return img_fail(err, IMG_E_CORRUPT, _("keys of %" PRIu32 " and %" PRIu32 " bytes"),
				slot->key_len, slot->area_key_len);
	if (!need || need > len)
		return img_fail(err, IMG_E_CORRUPT,
				_("%" PRIu32 " stripes of a key of %" PRIu32
				  " bytes in an area of %" PRIu64 " bytes"), slot->stripes,
				slot->key_len, len);
	if (at < lk->area_at || !img_add_u64(at, len, &end) || end > lk->area_end)
		return img_fail(err, IMG_E_CORRUPT,
				_("the key at 0x%" PRIx64 " is not between 0x%" PRIx64
				  " and 0x%" PRIx64), at, lk->area_at, lk->area_end);
	return true;
}

static bool get_area(const struct luks2 *lk, struct json_object *slot, struct luks2_slot *out,
		     struct img_err *err)
{
	struct img_keyslot *area = &out->area;
	struct json_object *map;
	const char *encryption;
	uint64_t at, len;

	if (!img_luks2_json_map(slot, "area", &map, err) || !get_type(map, "raw", err) ||
	    !img_luks2_json_u64(map, "offset", &at, err) ||
	    !img_luks2_json_u64(map, "size", &len, err) ||
	    !img_luks2_json_text(map, "encryption", &encryption, err) ||
	    !img_luks2_json_u32(map, "key_size", &area->area_key_len, err) ||
	    !validate_area(lk, area, at, len, err))
		return false;
	area->material_at = lk->base.at + at;
	return luks2_split_name(encryption, out->encryption, &area->cipher, &area->mode, err);
}

/* ---- Its digest ---------------------------------------------------------------------------------- */

static bool get_digest(struct json_object *map, struct luks2_slot *out, struct img_err *err)
{
	struct img_key_digest *digest = &out->digest;

	digest->kdf.name = "pbkdf2";
	digest->kdf.salt = out->digest_salt;
	digest->digest = out->digest_bytes;
	return get_type(map, "pbkdf2", err) && get_pbkdf2(map, &digest->kdf, err) &&
	       img_luks2_json_bytes(map, "salt", out->digest_salt, sizeof(out->digest_salt),
				    &digest->kdf.salt_len, err) &&
	       img_luks2_json_bytes(map, "digest", out->digest_bytes, sizeof(out->digest_bytes),
				    &digest->len, err);
}

/* The digest that says it is that of the slot with this number. */
static bool find_digest(const struct luks2 *lk, const char *number, struct luks2_slot *out,
			struct img_err *err)
{
	json_object_object_foreach(lk->digests, id, digest) {
		struct json_object *slots, *segments;

		(void)id;
		if (!json_object_object_get_ex(digest, "keyslots", &slots) ||
		    !img_luks2_json_lists(slots, number))
			continue;
		if (!img_luks2_json_list(digest, "segments", &segments, err))
			return false;
		if (!json_object_array_length(segments))
			return img_fail(err, IMG_E_UNSUPPORTED, _("its key is not that of the data"));
		return get_digest(digest, out, err);
	}
	return img_fail(err, IMG_E_CORRUPT, _("its key has no digest"));
}

/* ---- All slots ----------------------------------------------------------------------------------- */

static void take_slot(struct luks2 *lk, unsigned i)
{
	struct luks2_slot *out = &lk->slots[i];
	struct json_object *slot;
	char number[12];

	memset(out, 0, sizeof(*out));
	snprintf(number, sizeof(number), "%u", i);
	if (!json_object_object_get_ex(lk->keyslots, number, &slot))
		return;
	out->used = true;
	if (get_type(slot, "luks2", &out->why) &&
	    img_luks2_json_u32(slot, "key_size", &out->area.key_len, &out->why) &&
	    get_af(slot, &out->area, &out->why) && get_area(lk, slot, out, &out->why) &&
	    get_kdf(slot, out, &out->why) && find_digest(lk, number, out, &out->why))
		lk->key_len = out->area.key_len;
}

void luks2_take_slots(struct luks2 *lk)
{
	for (unsigned i = 0; i < LUKS2_SLOTS; i++)
		take_slot(lk, i);
}
