/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Key slots that come to the JSON of LUKS2, and go. */
#include <inttypes.h>
#include <string.h>
#include "base/num.h"
#include "base/random.h"
#include "cipher/luks2.h"

enum { SALT_BYTES = 32 };

/* ---- Room ---------------------------------------------------------------------------------------- */

/* The end of what any slot takes of [at, at + len), or 0.  A slot whose place is unknown: UINT64_MAX. */
static uint64_t taken_until(const struct luks2 *lk, uint64_t at, uint64_t len)
{
	uint64_t until = 0;

	json_object_object_foreach(lk->keyslots, id, slot) {
		struct json_object *area;
		uint64_t from, size, end;

		(void)id;
		if (!img_luks2_json_map(slot, "area", &area, NULL) ||
		    !img_luks2_json_u64(area, "offset", &from, NULL) ||
		    !img_luks2_json_u64(area, "size", &size, NULL) ||
		    !img_add_u64(from, size, &end))
			return UINT64_MAX;
		if (from < at + len && end > at)
			until = img_max_u64(until, end);
	}
	return until;
}

static bool find_room(const struct luks2 *lk, uint64_t len, uint64_t *at, struct img_err *err)
{
	uint64_t from = lk->area_at;

	while (from <= lk->area_end && lk->area_end - from >= len) {
		const uint64_t until = taken_until(lk, from, len);

		if (!until) {
			*at = from;
			return true;
		}
		if (until > lk->area_end)
			break;
		from = img_round_up(until, LUKS2_ALIGN);
	}
	return img_fail(err, IMG_E_NOSPACE, _("the place for keys has no room for one more"));
}

/* ---- Adding -------------------------------------------------------------------------------------- */

static bool put_af(struct json_object *slot, const char *hash, struct img_err *err)
{
	struct json_object *map = json_object_new_object();

	return img_luks2_json_put(slot, "af", map, err) &&
	       img_luks2_json_put(map, "type", json_object_new_string("luks1"), err) &&
	       img_luks2_json_put(map, "stripes", json_object_new_int(IMG_KEYSLOT_STRIPES), err) &&
	       img_luks2_json_put(map, "hash", json_object_new_string(hash), err);
}

static bool put_area(struct luks2 *lk, struct json_object *slot, const struct img_luks_data *data,
		     struct img_err *err)
{
	const uint64_t len = img_round_up(img_keyslot_bytes(data->key_len, IMG_KEYSLOT_STRIPES),
					  LUKS2_ALIGN);
	struct json_object *map = json_object_new_object();
	char name[2 * LUKS2_NAME_MAX];
	uint64_t at = 0;

	snprintf(name, sizeof(name), "%s-%s", data->cipher, data->mode);
	return img_luks2_json_put(slot, "area", map, err) && find_room(lk, len, &at, err) &&
	       img_luks2_json_put(map, "type", json_object_new_string("raw"), err) &&
	       img_luks2_json_put_u64(map, "offset", at, err) &&
	       img_luks2_json_put_u64(map, "size", len, err) &&
	       img_luks2_json_put(map, "encryption", json_object_new_string(name), err) &&
	       img_luks2_json_put(map, "key_size", json_object_new_int64(data->key_len), err);
}

static bool put_work(struct json_object *map, const struct img_kdf *kdf, struct img_err *err)
{
	if (!strcmp(kdf->name, "pbkdf2"))
		return img_luks2_json_put(map, "hash", json_object_new_string(kdf->hash), err) &&
		       img_luks2_json_put(map, "iterations",
					  json_object_new_int64(kdf->iterations), err);
	return img_luks2_json_put(map, "time", json_object_new_int64(kdf->iterations), err) &&
	       img_luks2_json_put(map, "memory", json_object_new_int64(kdf->memory_kib), err) &&
	       img_luks2_json_put(map, "cpus", json_object_new_int64(kdf->parallel), err);
}

static bool put_kdf(struct json_object *slot, const struct img_kdf *kdf, struct img_err *err)
{
	struct json_object *map = json_object_new_object();
	uint8_t salt[SALT_BYTES];

	return img_random(salt, sizeof(salt), err) && img_luks2_json_put(slot, "kdf", map, err) &&
	       img_luks2_json_put(map, "type", json_object_new_string(kdf->name), err) &&
	       put_work(map, kdf, err) &&
	       img_luks2_json_put_bytes(map, "salt", salt, sizeof(salt), err);
}

static bool fill_slot(struct luks2 *lk, struct json_object *slot, const struct img_kdf *kdf,
		      struct img_err *err)
{
	struct img_luks_data data;

	return luks2_data(&lk->base, &data, err) &&
	       img_luks2_json_put(slot, "type", json_object_new_string("luks2"), err) &&
	       img_luks2_json_put(slot, "key_size", json_object_new_int64(data.key_len), err) &&
	       put_af(slot, kdf->hash ? kdf->hash : "sha256", err) &&
	       put_area(lk, slot, &data, err) && put_kdf(slot, kdf, err);
}

/* The digest of the key of the data takes one more slot. */
static bool join_digest(struct luks2 *lk, const char *number, struct img_err *err)
{
	struct json_object *segment, *slots, *segments;
	const char *data;

	if (!luks2_find_segment(lk, &data, &segment, err))
		return false;
	json_object_object_foreach(lk->digests, id, digest) {
		(void)id;
		if (json_object_object_get_ex(digest, "segments", &segments) &&
		    img_luks2_json_lists(segments, data))
			return img_luks2_json_list(digest, "keyslots", &slots, err) &&
			       (json_object_array_add(slots, json_object_new_string(number)) == 0 ||
				img_fail_nomem(err, sizeof(number)));
	}
	return img_fail(err, IMG_E_CORRUPT, _("the key of the data has no digest"));
}

bool luks2_place(struct img_luks *base, unsigned i, const struct img_kdf *kdf, struct img_err *err)
{
	struct luks2 *lk = (struct luks2 *)base;
	struct json_object *slot = json_object_new_object();
	char number[12];

	snprintf(number, sizeof(number), "%u", i);
	if (!slot)
		return img_fail_nomem(err, sizeof(number));
	/* It is filled before it is one of them, so that it is not in its own way. */
	if (!fill_slot(lk, slot, kdf, err)) {
		json_object_put(slot);
		return false;
	}
	if (!img_luks2_json_put(lk->keyslots, number, slot, err))
		return false;
	if (!join_digest(lk, number, err)) {
		json_object_object_del(lk->keyslots, number);
		return false;
	}
	luks2_take_slots(lk);
	return true;
}

/* ---- Removing ------------------------------------------------------------------------------------ */

/* Takes number out of the "keyslots" list of each of owners, which are digests or tokens. */
static void leave_all(struct json_object *owners, const char *number)
{
	json_object_object_foreach(owners, id, owner) {
		struct json_object *slots;

		(void)id;
		if (!json_object_object_get_ex(owner, "keyslots", &slots) ||
		    !json_object_is_type(slots, json_type_array))
			continue;
		for (size_t i = json_object_array_length(slots); i-- > 0;) {
			const char *text =
				json_object_get_string(json_object_array_get_idx(slots, i));

			if (text && !strcmp(text, number))
				json_object_array_del_idx(slots, i, 1);
		}
	}
}

bool luks2_drop(struct img_luks *base, unsigned i, struct img_err *err)
{
	struct luks2 *lk = (struct luks2 *)base;
	struct json_object *tokens;
	char number[12];

	(void)err;
	snprintf(number, sizeof(number), "%u", i);
	leave_all(lk->digests, number);
	if (json_object_object_get_ex(lk->root, "tokens", &tokens) &&
	    json_object_is_type(tokens, json_type_object))
		leave_all(tokens, number);
	json_object_object_del(lk->keyslots, number);
	luks2_take_slots(lk);
	return true;
}
