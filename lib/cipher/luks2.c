/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two copies of a LUKS2 header.  The newer one that is sound counts; the other is written first, so
 * that one of them is sound at every moment.
 */
#include <assert.h>
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/random.h"
#include "cipher/luks2.h"
#include "store/store.h"

/* One copy as it was read. */
struct found {
	struct img_luks2_hdr hdr;
	uint8_t *raw;			/* all of it; owned */
	struct json_object *root;	/* owned */
};

/* ---- Reading ------------------------------------------------------------------------------------- */

static void forget(struct found *f)
{
	free(f->raw);
	json_object_put(f->root);
	*f = (struct found){ 0 };
}

static bool read_copy(const struct luks2 *lk, uint64_t at, bool second, struct found *out,
		      struct img_err *err)
{
	uint8_t head[IMG_LUKS2_BYTES];
	const size_t json_at = IMG_LUKS2_BYTES;

	if (at > lk->base.len || lk->base.len - at < sizeof(head))
		return img_fail(err, IMG_E_INCOMPLETE, _("the header is cut off"));
	if (!img_store_read(lk->base.st, lk->base.at + at, head, sizeof(head), err) ||
	    !img_luks2_decode(head, second, &out->hdr, err))
		return false;
	if (second && out->hdr.size != at)
		return img_fail(err, IMG_E_CORRUPT, _("the header is of another length"));
	if (lk->base.len - at < out->hdr.size)
		return img_fail(err, IMG_E_INCOMPLETE, _("the header is cut off"));
	out->raw = img_calloc(1, (size_t)out->hdr.size, err);
	if (!out->raw || !img_store_read(lk->base.st, lk->base.at + at, out->raw,
					 (size_t)out->hdr.size, err) ||
	    !img_luks2_verify(&out->hdr, out->raw, err))
		return false;
	out->root = img_luks2_json_parse((const char *)out->raw + json_at,
					 (size_t)out->hdr.size - json_at, err);
	return out->root;
}

/* Takes what was found over: lk says what it says. */
static bool adopt(struct luks2 *lk, unsigned from, struct found *f, struct img_err *err)
{
	lk->from = from;
	lk->hdr = f->hdr;
	json_object_put(lk->root);
	lk->root = f->root;
	f->root = NULL;
	return luks2_take_parts(lk, err);
}

/* Looks at the copy at `at`, and takes it over when it is newer than what lk has. */
static void try_copy(struct luks2 *lk, bool second, uint64_t at)
{
	struct img_luks2_copy *copy = &lk->copies[second];
	struct found f = { 0 };

	*copy = (struct img_luks2_copy){ .at = at };
	if (read_copy(lk, at, second, &f, &copy->why)) {
		copy->seqid = f.hdr.seqid;
		/* The first copy was taken over already, if it was sound. */
		if (!second || !lk->root || f.hdr.seqid > lk->hdr.seqid)
			(void)adopt(lk, second, &f, &copy->why);
	}
	forget(&f);
}

/* The second copy where the first one is of no help: at each place that it can have. */
static void seek_second(struct luks2 *lk)
{
	for (uint64_t at = IMG_LUKS2_SIZE_MIN; at <= IMG_LUKS2_SIZE_MAX && !lk->root; at *= 2)
		try_copy(lk, true, at);
	if (!lk->root)
		lk->copies[1].at = 0;
}

bool luks2_take_parts(struct luks2 *lk, struct img_err *err)
{
	const uint64_t area_at = 2 * lk->hdr.size;
	uint64_t json_size, area_len;

	if (!img_luks2_json_map(lk->root, "keyslots", &lk->keyslots, err) ||
	    !img_luks2_json_map(lk->root, "digests", &lk->digests, err) ||
	    !img_luks2_json_map(lk->root, "segments", &lk->segments, err) ||
	    !img_luks2_json_map(lk->root, "config", &lk->config, err) ||
	    !img_luks2_json_u64(lk->config, "json_size", &json_size, err) ||
	    !img_luks2_json_u64(lk->config, "keyslots_size", &area_len, err))
		return false;
	if (json_size != lk->hdr.size - IMG_LUKS2_BYTES || area_len % LUKS2_ALIGN)
		return img_fail(err, IMG_E_CORRUPT, _("JSON area and place for keys do not fit"));
	lk->area_at = img_min_u64(area_at, lk->base.len);
	lk->area_end = lk->area_at + img_min_u64(area_len, lk->base.len - lk->area_at);
	luks2_take_slots(lk);
	return true;
}

/* ---- Writing ------------------------------------------------------------------------------------- */

/* Puts copy number i on the store; raw has the JSON area in it already.  Durable. */
static bool write_copy(struct luks2 *lk, unsigned i, uint8_t *raw, struct img_err *err)
{
	struct img_luks2_hdr hdr = lk->hdr;
	const uint64_t at = i ? hdr.size : 0;

	hdr.second = i;
	if (!img_random(hdr.salt, sizeof(hdr.salt), err) || !img_luks2_encode(&hdr, raw, err) ||
	    !img_store_write(lk->base.st, lk->base.at + at, raw, (size_t)hdr.size, err) ||
	    !img_store_sync(lk->base.st, err))
		return false;
	lk->copies[i] = (struct img_luks2_copy){ .at = at, .seqid = hdr.seqid };
	return true;
}

static bool write_both(struct img_luks *base, struct img_err *err)
{
	struct luks2 *lk = (struct luks2 *)base;
	const char *text = json_object_to_json_string_ext(lk->root, JSON_C_TO_STRING_PLAIN |
							  JSON_C_TO_STRING_NOSLASHESCAPE);
	const size_t room = (size_t)lk->hdr.size - IMG_LUKS2_BYTES;
	IMG_AUTO_FREE uint8_t *raw = NULL;

	if (!text)
		return img_fail_nomem(err, room);
	if (strlen(text) >= room)
		return img_fail(err, IMG_E_NOSPACE, _("the JSON area of %zu bytes is full"), room);
	raw = img_calloc(1, (size_t)lk->hdr.size, err);
	if (!raw)
		return false;
	strcpy((char *)raw + IMG_LUKS2_BYTES, text);
	lk->hdr.seqid++;
	if (!write_copy(lk, !lk->from, raw, err) || !write_copy(lk, lk->from, raw, err))
		return false;
	return true;
}

/* ---- The table ----------------------------------------------------------------------------------- */

static void close_header(struct img_luks *base)
{
	struct luks2 *lk = (struct luks2 *)base;

	json_object_put(lk->root);
	free(lk);
}

static bool slot_used(const struct img_luks *lk, unsigned i)
{
	return ((const struct luks2 *)lk)->slots[i].used;
}

static bool get_slot(const struct img_luks *lk, unsigned i, struct img_keyslot *out,
		     struct img_err *err)
{
	const struct luks2_slot *slot = &((const struct luks2 *)lk)->slots[i];

	assert(slot->used);
	if (slot->why.code)
		return img_fail(err, slot->why.code, "%s", slot->why.text);
	*out = slot->area;
	return true;
}

static bool get_digest(const struct img_luks *lk, unsigned i, struct img_key_digest *out,
		       struct img_err *err)
{
	(void)err;
	*out = ((const struct luks2 *)lk)->slots[i].digest;
	return true;
}

static uint64_t get_extent(const struct img_luks *lk)
{
	return ((const struct luks2 *)lk)->area_end;
}

static const char *get_uuid(const struct img_luks *lk)
{
	return ((const struct luks2 *)lk)->hdr.uuid;
}

static const struct img_luks_ops ops = {
	.version = 2, .n_slots = LUKS2_SLOTS, .close = close_header, .used = slot_used,
	.slot = get_slot, .digest = get_digest, .data = luks2_data, .report = luks2_report,
	.extent = get_extent, .uuid = get_uuid,
	.place = luks2_place, .drop = luks2_drop, .write = write_both,
};

struct luks2 *luks2_alloc(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err)
{
	struct luks2 *lk = img_calloc(1, sizeof(*lk), err);

	if (lk)
		lk->base = (struct img_luks){ &ops, st, at, len };
	return lk;
}

struct img_luks *img_luks2_open(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err)
{
	struct luks2 *lk = luks2_alloc(st, at, len, err);

	if (!lk)
		return NULL;
	try_copy(lk, false, 0);
	if (lk->root)
		try_copy(lk, true, lk->hdr.size);
	else
		seek_second(lk);
	if (lk->root && !lk->copies[lk->from].why.code)
		return &lk->base;
	if (err)
		*err = lk->copies[0].why;
	close_header(&lk->base);
	return NULL;
}

const struct img_luks2_copy *img_luks2_copies(const struct img_luks *lk)
{
	assert(lk->ops == &ops);
	return ((const struct luks2 *)lk)->copies;
}
