/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new LUKS2 header: one segment that goes on to the end, and the digest of its key. */
#include <inttypes.h>
#include <string.h>
#include "base/num.h"
#include "base/random.h"
#include "base/secret.h"
#include "cipher/luks2.h"

enum {
	SALT_BYTES = 32,
	HEADERS = 2 * IMG_LUKS2_SIZE_MIN,
	USUAL_LEN = 16 << 20,		/* of headers and key material; as cryptsetup makes it */
	KEYSLOTS_MAX = 128 << 20,	/* LUKS2 §"Config Object" */
};

uint64_t img_luks2_header_len(const struct img_luks_new *what)
{
	const uint64_t at = what->payload_at;

	return what->detached || !at ? USUAL_LEN : img_round_down(img_min_u64(at, USUAL_LEN), LUKS2_ALIGN);
}

/* ---- The tree ------------------------------------------------------------------------------------ */

static bool put_segment(struct json_object *root, const struct img_luks_new *what,
			struct img_err *err)
{
	struct json_object *all = json_object_new_object(), *segment = json_object_new_object();
	char name[2 * LUKS2_NAME_MAX];

	snprintf(name, sizeof(name), "%s-%s", what->cipher, what->mode);
	if (!img_luks2_json_put(root, "segments", all, err)) {
		json_object_put(segment);
		return false;
	}
	return img_luks2_json_put(all, "0", segment, err) &&
	       img_luks2_json_put(segment, "type", json_object_new_string("crypt"), err) &&
	       img_luks2_json_put_u64(segment, "offset", what->payload_at, err) &&
	       img_luks2_json_put(segment, "size", json_object_new_string("dynamic"), err) &&
	       img_luks2_json_put_u64(segment, "iv_tweak", 0, err) &&
	       img_luks2_json_put(segment, "encryption", json_object_new_string(name), err) &&
	       img_luks2_json_put(segment, "sector_size", json_object_new_int64(what->sector), err);
}

static bool put_sum(struct json_object *digest, const struct img_luks_new *what,
		    const struct img_secret *key, struct img_err *err)
{
	uint8_t salt[SALT_BYTES], sum[SALT_BYTES];
	struct img_kdf kdf;

	if (!img_luks_choose_digest(what, sizeof(sum), &kdf, err) ||
	    !img_random(salt, sizeof(salt), err))
		return false;
	kdf.salt = salt;
	kdf.salt_len = sizeof(salt);
	return img_kdf_derive(&kdf, img_secret_view(key), img_secret_len(key), sum, sizeof(sum), err) &&
	       img_luks2_json_put(digest, "hash", json_object_new_string(kdf.hash), err) &&
	       img_luks2_json_put(digest, "iterations", json_object_new_int64(kdf.iterations), err) &&
	       img_luks2_json_put_bytes(digest, "salt", salt, sizeof(salt), err) &&
	       img_luks2_json_put_bytes(digest, "digest", sum, sizeof(sum), err);
}

static bool put_digest(struct json_object *root, const struct img_luks_new *what,
		       const struct img_secret *key, struct img_err *err)
{
	struct json_object *all = json_object_new_object(), *digest = json_object_new_object();
	struct json_object *segments = json_object_new_array();

	if (!img_luks2_json_put(root, "digests", all, err) ||
	    !img_luks2_json_put(all, "0", digest, err) ||
	    !img_luks2_json_put(digest, "type", json_object_new_string("pbkdf2"), err) ||
	    !img_luks2_json_put(digest, "keyslots", json_object_new_array(), err) ||
	    !img_luks2_json_put(digest, "segments", segments, err))
		return false;
	if (json_object_array_add(segments, json_object_new_string("0")) != 0)
		return img_fail_nomem(err, 1);
	return put_sum(digest, what, key, err);
}

static bool put_config(struct json_object *root, uint64_t keyslots_len, struct img_err *err)
{
	struct json_object *config = json_object_new_object();

	return img_luks2_json_put(root, "config", config, err) &&
	       img_luks2_json_put_u64(config, "json_size", IMG_LUKS2_SIZE_MIN - IMG_LUKS2_BYTES, err) &&
	       img_luks2_json_put_u64(config, "keyslots_size", keyslots_len, err);
}

static bool fill_tree(struct json_object *root, const struct img_luks_new *what,
		      const struct img_secret *key, struct img_err *err)
{
	return img_luks2_json_put(root, "keyslots", json_object_new_object(), err) &&
	       img_luks2_json_put(root, "tokens", json_object_new_object(), err) &&
	       put_segment(root, what, err) && put_digest(root, what, key, err) &&
	       put_config(root, img_luks2_header_len(what) - HEADERS, err);
}

/* ---- The header ---------------------------------------------------------------------------------- */

static bool fill_header(struct luks2 *lk, const struct img_luks_new *what,
			const struct img_secret *key, struct img_err *err)
{
	lk->hdr = (struct img_luks2_hdr){ .size = IMG_LUKS2_SIZE_MIN, .csum_alg = "sha256" };
	lk->key_len = what->key_len;
	if (lk->base.len < HEADERS + img_round_up(img_keyslot_bytes(what->key_len, IMG_KEYSLOT_STRIPES),
						  LUKS2_ALIGN))
		return img_fail(err, IMG_E_ARGUMENT,
				_("%" PRIu64 " bytes in front of the data have no room for a key"),
				lk->base.len);
	if (!img_luks_put_text(lk->hdr.uuid, sizeof(lk->hdr.uuid), what->uuid, err) ||
	    !img_luks_put_text(lk->hdr.label, sizeof(lk->hdr.label), what->label ? what->label : "", err))
		return false;
	lk->root = json_object_new_object();
	if (!lk->root)
		return img_fail_nomem(err, 1);
	return fill_tree(lk->root, what, key, err) && luks2_take_parts(lk, err);
}

struct img_luks *img_luks2_new(struct img_store *st, uint64_t at, const struct img_luks_new *what,
			       const struct img_secret *key, struct img_err *err)
{
	struct luks2 *lk = luks2_alloc(st, at, img_luks2_header_len(what), err);

	if (lk && fill_header(lk, what, key, err))
		return &lk->base;
	img_luks_close(&lk->base);
	return NULL;
}
