/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LUKS version 1 over a store.  Its header is one sector and a bit, written in one piece; that a slot
 * is in use is one word of it, so that no crash leaves more than one slot in doubt.
 */
#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "cipher/luks1_layout.h"
#include "cipher/luks_header.h"
#include "store/store.h"

enum {
	FIRST_SLOT = 4096,	/* where cryptsetup and QEMU put the first */
	SLOT_ALIGN = 4096,
};

struct luks1 {
	struct img_luks base;
	struct img_luks1 hdr;
};

static const struct luks1 *of(const struct img_luks *lk)
{
	return (const struct luks1 *)lk;
}

static struct img_luks1_slot *slot_of(struct img_luks *lk, unsigned i)
{
	return &((struct luks1 *)lk)->hdr.slots[i];
}

/* ---- Reading ------------------------------------------------------------------------------------- */

static void close_header(struct img_luks *lk)
{
	free(lk);
}

static bool slot_used(const struct img_luks *lk, unsigned i)
{
	return of(lk)->hdr.slots[i].state != IMG_LUKS1_INACTIVE;
}

static bool get_slot(const struct img_luks *lk, unsigned i, struct img_keyslot *out,
		     struct img_err *err)
{
	const struct img_luks1 *hdr = &of(lk)->hdr;
	const struct img_luks1_slot *slot = &hdr->slots[i];

	if (!img_luks1_slot_validate(hdr, i, lk->len, err))
		return false;
	*out = (struct img_keyslot){
		.kdf = { .name = "pbkdf2", .hash = hdr->hash, .iterations = slot->rounds,
			 .salt = slot->salt, .salt_len = sizeof(slot->salt) },
		.cipher = hdr->cipher, .mode = hdr->mode, .area_key_len = hdr->key_len,
		.af_hash = hdr->hash, .stripes = slot->stripes, .key_len = hdr->key_len,
		.material_at = lk->at + slot->material_at,
	};
	return true;
}

static struct img_key_digest digest_of(const struct img_luks1 *hdr)
{
	return (struct img_key_digest){
		.kdf = { .name = "pbkdf2", .hash = hdr->hash, .iterations = hdr->digest_rounds,
			 .salt = hdr->digest_salt, .salt_len = sizeof(hdr->digest_salt) },
		.digest = hdr->digest, .len = sizeof(hdr->digest),
	};
}

static bool get_digest(const struct img_luks *lk, unsigned i, struct img_key_digest *out,
		       struct img_err *err)
{
	(void)i, (void)err;
	*out = digest_of(&of(lk)->hdr);
	return true;
}

static bool get_data(const struct img_luks *lk, struct img_luks_data *out, struct img_err *err)
{
	const struct img_luks1 *hdr = &of(lk)->hdr;

	(void)err;
	*out = (struct img_luks_data){
		.cipher = hdr->cipher, .mode = hdr->mode, .sector = IMG_LUKS_SECTOR,
		.key_len = hdr->key_len, .at = hdr->payload_at,
	};
	return true;
}

/* To the end of the last key that is where a key can be. */
static uint64_t get_extent(const struct img_luks *lk)
{
	const struct img_luks1 *hdr = &of(lk)->hdr;
	uint64_t end = IMG_LUKS1_BYTES;

	for (unsigned i = 0; i < IMG_LUKS1_N_SLOTS; i++) {
		const struct img_luks1_slot *slot = &hdr->slots[i];

		if (img_luks1_slot_validate(hdr, i, lk->len, NULL))
			end = img_max_u64(end, slot->material_at +
					  img_keyslot_bytes(hdr->key_len, slot->stripes));
	}
	return img_min_u64(img_round_up(end, SLOT_ALIGN), lk->len);
}

static const char *get_uuid(const struct img_luks *lk)
{
	return of(lk)->hdr.uuid_is_text ? of(lk)->hdr.uuid : "";
}

/* ---- Reporting ----------------------------------------------------------------------------------- */

static void report_slot(const struct img_luks *lk, unsigned i, struct img_node *list)
{
	struct img_node *node = img_node_map(list, "slot");
	struct img_err why = { 0 };
	struct img_keyslot slot;

	img_node_u64(node, "number", i, IMG_UNIT_NONE);
	if (!get_slot(lk, i, &slot, &why)) {
		img_node_text(node, "damage", why.text);
		return;
	}
	img_node_text(node, "derivation", slot.kdf.name);
	img_node_text(node, "hash", slot.kdf.hash);
	img_node_u64(node, "iterations", slot.kdf.iterations, IMG_UNIT_NONE);
}

static bool report(const struct img_luks *lk, struct img_node *node, struct img_err *err)
{
	const struct img_luks1 *hdr = &of(lk)->hdr;
	struct img_node *slots;

	(void)err;
	img_node_text(node, "hash", hdr->hash);
	img_node_label(node, _("hash"));
	if (hdr->uuid_is_text)
		img_node_text(node, "uuid", hdr->uuid);
	img_node_u64(node, "digest-iterations", hdr->digest_rounds, IMG_UNIT_NONE);
	img_node_label(node, _("iterations of the digest"));
	slots = img_node_list(node, "slots");
	img_node_label(node, _("key slots"));
	for (unsigned i = 0; i < IMG_LUKS1_N_SLOTS; i++) {
		if (slot_used(lk, i))
			report_slot(lk, i, slots);
	}
	return true;
}

/* ---- Changing ------------------------------------------------------------------------------------ */

static bool place(struct img_luks *lk, unsigned i, const struct img_kdf *kdf, struct img_err *err)
{
	struct img_luks1_slot *slot = slot_of(lk, i);
	const struct img_luks1_slot before = *slot;

	slot->state = IMG_LUKS1_ACTIVE;
	slot->rounds = kdf->iterations;
	if (img_random(slot->salt, sizeof(slot->salt), err) &&
	    img_luks1_slot_validate(&of(lk)->hdr, i, lk->len, err))
		return true;
	*slot = before;
	return false;
}

static bool drop(struct img_luks *lk, unsigned i, struct img_err *err)
{
	struct img_luks1_slot *slot = slot_of(lk, i);

	(void)err;
	slot->state = IMG_LUKS1_INACTIVE;
	slot->rounds = 0;
	memset(slot->salt, 0, sizeof(slot->salt));
	return true;
}

static bool write_header(struct img_luks *lk, struct img_err *err)
{
	uint8_t raw[IMG_LUKS1_BYTES];

	img_luks1_encode(&of(lk)->hdr, raw);
	return img_store_write(lk->st, lk->at, raw, sizeof(raw), err) && img_store_sync(lk->st, err);
}

static const struct img_luks_ops ops = {
	.version = 1, .n_slots = IMG_LUKS1_N_SLOTS, .close = close_header, .used = slot_used,
	.slot = get_slot, .digest = get_digest, .data = get_data, .report = report,
	.extent = get_extent, .uuid = get_uuid,
	.place = place, .drop = drop, .write = write_header,
};

/* ---- Old and new headers ------------------------------------------------------------------------- */

static struct luks1 *new_header(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err)
{
	struct luks1 *lk = img_calloc(1, sizeof(*lk), err);

	if (lk)
		lk->base = (struct img_luks){ &ops, st, at, len };
	return lk;
}

struct img_luks *img_luks1_open(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err)
{
	struct luks1 *lk = new_header(st, at, len, err);
	uint8_t raw[IMG_LUKS1_BYTES];
	size_t got;

	if (!lk)
		return NULL;
	if (img_store_read_some(st, at, raw, (size_t)img_min_u64(len, sizeof(raw)), &got, err) &&
	    img_luks1_decode(raw, got, &lk->hdr, err))
		return &lk->base;
	free(lk);
	return NULL;
}

static uint64_t slot_step(uint32_t key_len)
{
	return img_round_up(img_keyslot_bytes(key_len, IMG_LUKS1_STRIPES), SLOT_ALIGN);
}

uint64_t img_luks1_header_len(uint32_t key_len)
{
	return FIRST_SLOT + IMG_LUKS1_N_SLOTS * slot_step(key_len);
}

/* The digest by which the key is known; its work is chosen already. */
static bool sign_key(struct img_luks1 *hdr, const struct img_secret *key, struct img_err *err)
{
	struct img_key_digest digest;

	if (!img_random(hdr->digest_salt, sizeof(hdr->digest_salt), err))
		return false;
	digest = digest_of(hdr);
	return img_kdf_derive(&digest.kdf, img_secret_view(key), img_secret_len(key), hdr->digest,
			      sizeof(hdr->digest), err);
}

static bool fill_header(struct img_luks1 *hdr, const struct img_luks_new *what,
			const struct img_secret *key, struct img_err *err)
{
	struct img_kdf work;

	hdr->payload_at = what->payload_at;
	hdr->key_len = what->key_len;
	for (unsigned i = 0; i < IMG_LUKS1_N_SLOTS; i++)
		hdr->slots[i] = (struct img_luks1_slot){
			.state = IMG_LUKS1_INACTIVE, .stripes = IMG_LUKS1_STRIPES,
			.material_at = FIRST_SLOT + i * slot_step(what->key_len),
		};
	if (!img_luks_put_text(hdr->cipher, sizeof(hdr->cipher), what->cipher, err) ||
	    !img_luks_put_text(hdr->mode, sizeof(hdr->mode), what->mode, err) ||
	    !img_luks_put_text(hdr->hash, sizeof(hdr->hash), what->hash, err) ||
	    !img_luks_put_text(hdr->uuid, sizeof(hdr->uuid), what->uuid, err) ||
	    !img_luks_choose_digest(what, sizeof(hdr->digest), &work, err))
		return false;
	hdr->digest_rounds = work.iterations;
	return sign_key(hdr, key, err);
}

struct img_luks *img_luks1_new(struct img_store *st, uint64_t at, const struct img_luks_new *what,
			       const struct img_secret *key, struct img_err *err)
{
	struct luks1 *lk = new_header(st, at, img_luks1_header_len(what->key_len), err);

	if (lk && fill_header(&lk->hdr, what, key, err))
		return &lk->base;
	free(lk);
	return NULL;
}
