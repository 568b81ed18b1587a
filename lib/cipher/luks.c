/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening a header of either version with a passphrase. */
#include "cipher/luks.h"

#include <inttypes.h>
#include "base/bytes.h"
#include "base/err.h"
#include "base/num.h"
#include "base/secret.h"
#include "cipher/cipher.h"
#include "cipher/luks1_layout.h"
#include "cipher/luks_header.h"
#include "store/recrypt.h"

/* ---- Headers ------------------------------------------------------------------------------------- */

/* *len: what is there of the len bytes, 0 for all, from `at` on. */
static bool find_end(struct img_store *st, uint64_t at, uint64_t *len, struct img_err *err)
{
	uint64_t size;

	if (!img_store_size(st, &size, err))
		return false;
	if (at >= size)
		return img_fail(err, IMG_E_INCOMPLETE,
				_("a LUKS header at 0x%" PRIx64 ", behind the end"), at);
	*len = *len ? img_min_u64(*len, size - at) : size - at;
	return true;
}

static struct img_luks *give(struct img_luks *lk, const struct img_err *why, struct img_err *err)
{
	if (!lk && err)
		*err = *why;
	return lk;
}

struct img_luks *img_luks_open(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err)
{
	uint8_t head[RECRYPT_MARK_BYTES] = { 0 };
	struct img_luks *lk;
	struct img_err why = { 0 };
	size_t got;

	if (!find_end(st, at, &len, err) ||
	    !img_store_read_some(st, at, head, sizeof(head), &got, err))
		return NULL;
	if (img_recrypt_is_mark(head, got)) {
		img_fail(err, IMG_E_INCOMPLETE, _("its encryption is half changed, and the file beside it "
			 "that tells how far is not there or is another one's"));
		return NULL;
	}
	if (img_get_be16(head + IMG_LUKS1_VERSION) == 1) {
		lk = img_luks1_open(st, at, len, &why);
		if (lk || why.code != IMG_E_NOT_THIS_FORMAT)
			return give(lk, &why, err);
	}
	/* Also where nothing tells of it: the second copy of version 2 may be left. */
	lk = img_luks2_open(st, at, len, &why);
	return give(lk, &why, err);
}

void img_luks_close(struct img_luks *lk)
{
	if (lk)
		lk->ops->close(lk);
}

unsigned img_luks_count(const struct img_luks *lk)
{
	unsigned n = 0;

	for (unsigned i = 0; i < lk->ops->n_slots; i++)
		n += lk->ops->used(lk, i);
	return n;
}

/* ---- Keys ---------------------------------------------------------------------------------------- */

/* Whether passphrase opens slot i, so that key is that of the volume. */
static bool try_slot(struct img_luks *lk, unsigned i, const struct img_secret *passphrase,
		     struct img_secret **key, struct img_err *err)
{
	struct img_key_digest digest;
	struct img_keyslot slot;
	struct img_secret *found;
	bool matches = false;

	if (!lk->ops->slot(lk, i, &slot, err) || !lk->ops->digest(lk, i, &digest, err))
		return img_within(err, _("key slot %u"), i);
	found = img_secret_zeros(slot.key_len, err);
	if (!found)
		return false;
	if (!img_keyslot_open(lk->st, &slot, passphrase, img_secret_bytes(found), err) ||
	    !img_key_digest_test(&digest, img_secret_view(found), slot.key_len, &matches, err)) {
		img_secret_free(found);
		return img_within(err, _("key slot %u"), i);
	}
	if (!matches) {
		img_secret_free(found);
		return img_fail(err, IMG_E_KEY, _("no key opens it"));
	}
	*key = found;
	return true;
}

/* Whether the others need not be tried: what stopped this one is not the slot. */
static bool is_final(enum img_code code)
{
	return code == IMG_E_IO || code == IMG_E_NOMEM;
}

struct img_secret *img_luks_try(struct img_luks *lk, const struct img_secret *passphrase,
				uint32_t *slot, struct img_err *err)
{
	const unsigned first = *slot == IMG_LUKS_ANY ? 0 : *slot;
	const unsigned end = *slot == IMG_LUKS_ANY ? lk->ops->n_slots : first + 1;
	struct img_secret *key = NULL;
	struct img_err last = { 0 };

	for (unsigned i = first; i < end; i++) {
		struct img_err why = { 0 };

		if (i >= lk->ops->n_slots || !lk->ops->used(lk, i))
			continue;
		if (try_slot(lk, i, passphrase, &key, &why)) {
			*slot = i;
			return key;
		}
		/* That a key is wrong says more than that another slot is damaged. */
		if (!last.code || why.code == IMG_E_KEY || is_final(why.code))
			last = why;
		if (is_final(why.code))
			break;
	}
	if (!last.code && *slot == IMG_LUKS_ANY)
		img_fail(&last, IMG_E_KEY, _("it has no key any more"));
	else if (!last.code)
		img_fail(&last, IMG_E_KEY, _("key slot %u is not in use"), first);
	if (err)
		*err = last;
	return NULL;
}

struct img_secret *img_luks_try_all(struct img_luks *lk, const struct img_keys *keys,
				    uint32_t *slot, struct img_err *err)
{
	struct img_secret *key = NULL;
	struct img_err why = { 0 };

	if (!keys || !keys->n)
		img_fail(&why, IMG_E_KEY, _("it is encrypted, and no key was given"));
	for (size_t i = 0; keys && i < keys->n && !key && !is_final(why.code); i++)
		key = img_luks_try(lk, keys->v[i], slot, &why);
	if (!key && err)
		*err = why;
	return key;
}

/* ---- Volumes ------------------------------------------------------------------------------------- */

bool img_luks_volume_open(struct img_luks *lk, const struct img_secret *key,
			  struct img_luks_volume *out, struct img_err *err)
{
	struct img_luks_data data;
	struct img_cipher_spec spec;
	struct img_cipher *cipher;

	if (!lk->ops->data(lk, &data, err))
		return false;
	spec = (struct img_cipher_spec){ data.cipher, data.mode, data.sector, data.iv_first };
	cipher = img_cipher_open(&spec, img_secret_view(key), img_secret_len(key), err);
	if (!cipher)
		return false;
	*out = (struct img_luks_volume){
		.cipher = cipher, .payload_at = data.at, .payload_len = data.len,
		.sector = data.sector, .version = lk->ops->version,
	};
	return true;
}

void img_luks_volume_close(struct img_luks_volume *v)
{
	img_cipher_close(v->cipher);
	v->cipher = NULL;
}

bool img_luks_unlock(struct img_store *st, uint64_t at, uint64_t len, const struct img_keys *keys,
		     struct img_luks_volume *out, struct img_err *err)
{
	struct img_err why = { 0 };
	struct img_luks *lk = img_luks_open(st, at, len, &why);
	uint32_t slot = IMG_LUKS_ANY;
	struct img_secret *key = lk ? img_luks_try_all(lk, keys, &slot, &why) : NULL;
	const bool done = key && img_luks_volume_open(lk, key, out, &why);

	img_secret_free(key);
	img_luks_close(lk);
	if (!done && err)
		*err = why;
	return done;
}

bool img_luks_look(struct img_store *st, uint64_t at, uint64_t len, struct img_luks_volume *out,
		   struct img_err *err)
{
	struct img_luks *lk = img_luks_open(st, at, len, err);
	struct img_luks_data data;
	const bool done = lk && lk->ops->data(lk, &data, err);

	if (done)
		*out = (struct img_luks_volume){
			.payload_at = data.at, .payload_len = data.len, .sector = data.sector,
			.version = lk->ops->version,
		};
	img_luks_close(lk);
	return done;
}

/* ---- Reports ------------------------------------------------------------------------------------- */

static void report_data(const struct img_luks *lk, struct img_node *report)
{
	struct img_luks_data data;
	struct img_err why = { 0 };

	if (!lk->ops->data(lk, &data, &why)) {
		img_node_text(report, "unusable", why.text);
		return;
	}
	img_node_text(report, "cipher", data.cipher);
	img_node_text(report, "cipher-mode", data.mode);
	img_node_label(report, _("cipher mode"));
	if (data.key_len) {
		img_node_u64(report, "key-bits", (uint64_t)data.key_len * 8, IMG_UNIT_NONE);
		img_node_label(report, _("bits of the key"));
	}
	img_node_u64(report, "sector-size", data.sector, IMG_UNIT_BYTES);
	img_node_label(report, _("sector size"));
	img_node_u64(report, "payload-offset", data.at, IMG_UNIT_BYTES);
	img_node_label(report, _("start of the data"));
}

bool img_luks_report(struct img_store *st, uint64_t at, struct img_node *report,
		     struct img_err *err)
{
	struct img_luks *lk = img_luks_open(st, at, 0, err);
	bool done;

	if (!lk)
		return false;
	img_node_u64(report, "version", lk->ops->version, IMG_UNIT_NONE);
	report_data(lk, report);
	done = lk->ops->report(lk, report, err);
	img_luks_close(lk);
	return done;
}
