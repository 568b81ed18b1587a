/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The encryption of an image changes in place whose disk is a part of its file: what is asked of the
 * driver, and in which order.  Of what the driver writes the file sees all at once.
 */
#include <string.h>
#include "base/err.h"
#include "base/num.h"
#include "cipher/qcow_aes.h"
#include "copy/recrypt.h"
#include "store/journal.h"
#include "store/overlay.h"
#include "store/zeros.h"

enum { SECTOR = 512, NOISE_SECTORS = 8192, NOISE_BYTES = 150 };

/* ---- Before -------------------------------------------------------------------------------------- */

/* Takes st over even on failure. */
static bool open_view(struct img_recrypt_run *run, struct img_store *st, struct img_err *err)
{
	const struct img_open how = { .path = run->what->path, .flags = IMG_OPEN_NO_KEY };

	img_layer_close(&run->view);
	run->view = (struct img_layer){ .store = st, .format = run->format };
	if (img_layer_open_with(&run->view, &how, NULL, err))
		return true;
	img_store_close(st);
	run->view = (struct img_layer){ 0 };
	return false;
}

static bool ignore(void *ctx, const struct img_recrypt_part *part, struct img_err *err)
{
	(void)ctx, (void)part, (void)err;
	return true;
}

bool img_recrypt_plan_inside(struct img_recrypt_run *run, struct img_err *err)
{
	struct img_recrypt_header *hdr = &run->hdr;

	if (!run->format->recrypt->look(run->file, &run->seen, err))
		return false;
	if (hdr->kind == IMG_RECRYPT_ENCRYPT && run->seen.encrypted)
		return img_fail(err, IMG_E_ARGUMENT, _("it is encrypted already"));
	if (hdr->kind != IMG_RECRYPT_ENCRYPT && !run->seen.encrypted)
		return img_fail(err, IMG_E_ARGUMENT, _("it is not encrypted"));
	hdr->legacy = run->seen.legacy;
	hdr->guest = run->seen.guest;
	hdr->len = img_round_up(hdr->before, run->seen.unit);
	/* That all of it can be done comes out while nothing is changed. */
	return open_view(run, img_store_hold(run->file), err) &&
	       img_recrypt_each_part(run, ignore, NULL, err);
}

/* ---- Keys ---------------------------------------------------------------------------------------- */

/* What the cipher makes of zeros: no header tells whether a key is the right one. */
static bool check_of(const struct img_recrypt_run *run, uint32_t *out, struct img_err *err)
{
	uint8_t sector[SECTOR] = { 0 };

	if (!img_cipher_encrypt(run->old.cipher, 0, sector, sector, sizeof(sector), err))
		return false;
	*out = img_journal_crc(sector, sizeof(sector));
	return true;
}

struct listening {
	struct img_recrypt_run *run;
	size_t left;			/* sectors */
	bool any, sense;		/* one was read; one that is more than noise */
};

/* Of 512 random bytes about 221 differ. */
static bool is_noise(const uint8_t *sector)
{
	bool seen[UINT8_MAX + 1] = { 0 };
	unsigned n = 0;

	for (size_t i = 0; i < SECTOR; i++) {
		n += !seen[sector[i]];
		seen[sector[i]] = true;
	}
	return n >= NOISE_BYTES;
}

static bool listen(void *ctx, const struct img_recrypt_part *part, struct img_err *err)
{
	struct listening *l = ctx;
	struct img_cipher *cipher = l->run->old.cipher;
	uint8_t sector[SECTOR];

	for (uint64_t i = 0; i < part->len && l->left && !l->sense; i += SECTOR, l->left--) {
		if (!img_store_read(l->run->file, part->at + i, sector, sizeof(sector), err) ||
		    !img_cipher_decrypt(cipher, part->iv + i, sector, sector, sizeof(sector), err))
			return false;
		l->any = true;
		l->sense = !is_noise(sector);
	}
	return true;
}

/* Under a wrong key all of the disk would be lost: what it makes of the first bytes is looked at. */
static bool check_legacy_key(struct img_recrypt_run *run, struct img_err *err)
{
	struct listening l = { .run = run, .left = NOISE_SECTORS };

	return img_recrypt_each_part(run, listen, &l, err) && check_of(run, &run->hdr.check, err) &&
	       (!l.any || l.sense ||
		img_fail(err, IMG_E_KEY, _("what this key makes of the disk is nothing but noise")));
}

bool img_recrypt_unlock_inside(struct img_recrypt_run *run, struct img_err *err)
{
	const struct img_recrypt_seen *seen = &run->seen;

	if (!seen->legacy)
		return img_luks_unlock(run->file, seen->key_at, seen->key_len, run->what->keys, &run->old,
				       err);
	run->old.cipher = img_qcow_aes_unlock(run->what->keys, err);
	return run->old.cipher && check_legacy_key(run, err);
}

bool img_recrypt_unlock_again(struct img_recrypt_run *run, struct img_err *err)
{
	uint32_t check;

	if (!run->hdr.legacy)
		return true;
	run->old.cipher = img_qcow_aes_unlock(run->what->keys, err);
	return run->old.cipher && check_of(run, &check, err) &&
	       (check == run->hdr.check ||
		img_fail(err, IMG_E_KEY, _("this is not the key that it was begun with")));
}

/* ---- Room ---------------------------------------------------------------------------------------- */

static bool reserve_part(void *ctx, const struct img_recrypt_part *part, struct img_err *err)
{
	return img_store_reserve(ctx, part->at, part->len, err);
}

bool img_recrypt_reserve_inside(struct img_recrypt_run *run, struct img_err *err)
{
	return run->hdr.kind == IMG_RECRYPT_DECRYPT ||
	       img_recrypt_each_part(run, reserve_part, run->file, err);
}

/* ---- At once ------------------------------------------------------------------------------------- */

bool img_recrypt_change_begin(struct img_recrypt_changing *c, struct img_recrypt_run *run, bool marked,
			      struct img_err *err)
{
	const struct img_open how = {
		.path = run->what->path, .flags = IMG_OPEN_WRITE | IMG_OPEN_NO_KEY,
	};
	struct img_layer ly = { .format = run->format };

	*c = (struct img_recrypt_changing){ .run = run, .once = img_at_once_new(&how, err) };
	ly.store = c->once ? img_at_once_change(c->once, img_store_hold(run->file), NULL, err) : NULL;
	if (!ly.store)
		return false;
	if ((!marked || run->format->recrypt->unmark(ly.store, &run->mark, err)) &&
	    img_layer_open_with(&ly, &how, img_at_once_opener(c->once), err)) {
		c->ly = ly;
		return true;
	}
	img_store_close(ly.store);
	return false;
}

void img_recrypt_change_end(struct img_recrypt_changing *c)
{
	img_layer_close(&c->ly);
	img_at_once_free(c->once);
}

/* ---- Marking ------------------------------------------------------------------------------------- */

/* By these bytes the file is known again. */
static bool shows_mark(const struct img_recrypt_changing *c, struct img_err *err)
{
	const struct img_recrypt_header *hdr = &c->run->hdr;
	uint8_t raw[RECRYPT_BLOCK];
	size_t got;

	return img_store_read_some(c->ly.store, 0, raw, sizeof(raw), &got, err) &&
	       (memmem(raw, got, hdr->id, sizeof(hdr->id)) ||
		img_fail(err, IMG_E_RANGE, _("the header has no room for a mark near its start")));
}

static bool change_to_marked(struct img_recrypt_changing *c, struct img_err *err)
{
	struct img_recrypt_run *run = c->run;
	const uint64_t len = run->mark.key_len;
	struct img_store *key = NULL;
	bool ok;

	if (len && !(key = img_store_slice(run->journal, img_recrypt_new_at(&run->hdr), len, err)))
		return false;
	ok = run->format->recrypt->mark(&c->ly, &run->mark, key, err) && shows_mark(c, err) &&
	     img_at_once_commit(c->once, err);
	img_store_close(key);
	return ok;
}

bool img_recrypt_mark_inside(struct img_recrypt_run *run, struct img_err *err)
{
	struct img_recrypt_changing c;
	bool ok;

	memcpy(run->mark.id, run->hdr.id, sizeof(run->mark.id));
	ok = img_recrypt_change_begin(&c, run, false, err) && change_to_marked(&c, err);
	img_recrypt_change_end(&c);
	return ok && img_recrypt_view(run, err);
}

/* The file as it was before; run->file is not closed by it. */
static struct img_store *unmarked(struct img_recrypt_run *run, struct img_err *err)
{
	struct img_store *st = img_store_overlay(run->file, err);

	if (st && run->format->recrypt->unmark(st, &run->mark, err))
		return st;
	img_store_close(st);
	return NULL;
}

bool img_recrypt_view(struct img_recrypt_run *run, struct img_err *err)
{
	struct img_store *st = unmarked(run, err);

	if (!st || !open_view(run, st, err))
		return false;
	run->seen.unit = run->view.unit;
	return true;
}

/* ---- Publishing ---------------------------------------------------------------------------------- */

struct sweeping {
	struct img_recrypt_run *run;
	uint64_t from;			/* what lies in front is in use, or overwritten */
};

static bool overwrite(struct img_store *st, uint64_t from, uint64_t to, struct img_err *err)
{
	struct img_extent ex;

	for (uint64_t at = from; at < to; at += ex.len)
		if (!img_store_extent(st, at, to, &ex, err) ||
		    (ex.kind == IMG_EXTENT_DATA && !img_store_write_zeros(st, at, ex.len, err)))
			return false;
	return true;
}

/* What lies in [s->from, to) is in no use but for the new header. */
static bool sweep(struct sweeping *s, uint64_t to, struct img_err *err)
{
	const struct img_recrypt_mark *mark = &s->run->mark;
	const uint64_t key_end = mark->key_at + mark->key_len;

	return overwrite(s->run->file, s->from, img_min_u64(to, mark->key_at), err) &&
	       overwrite(s->run->file, img_max_u64(s->from, key_end), to, err);
}

static bool skip_used(void *ctx, uint64_t at, uint64_t len, struct img_err *err)
{
	struct sweeping *s = ctx;

	if (!sweep(s, at, err))
		return false;
	s->from = at + len;
	return true;
}

/* Places that were given up hold what was there, in clear, or weakly enciphered. */
static bool overwrite_free(struct img_recrypt_run *run, struct img_err *err)
{
	struct sweeping s = { .run = run };
	const struct img_used used = { .run = skip_used, .ctx = &s };
	uint64_t size;

	return run->format->visit_used(&run->view, &used, NULL, err) &&
	       img_store_size(run->file, &size, err) && sweep(&s, size, err);
}

static bool overwrite_keys(struct img_recrypt_run *run, struct img_err *err)
{
	uint64_t at, len;

	return run->format->key_area(run->view.store, &at, &len, err) &&
	       img_store_write_zeros(run->file, at, len, err);
}

static bool clean(struct img_recrypt_run *run, struct img_err *err)
{
	const bool clear = run->hdr.kind == IMG_RECRYPT_ENCRYPT;

	return ((!clear && !(run->hdr.legacy && run->mark.key_len)) || overwrite_free(run, err)) &&
	       (clear || run->hdr.legacy || overwrite_keys(run, err)) && img_store_sync(run->file, err);
}

static bool change_to_new(struct img_recrypt_changing *c, struct img_err *err)
{
	struct img_recrypt_run *run = c->run;
	struct img_recrypt_head head;
	uint8_t raw[RECRYPT_BLOCK] = { 0 };
	size_t got;

	if (!run->format->recrypt->publish(&c->ly, &run->mark, err) ||
	    !img_store_read_some(c->ly.store, 0, raw, sizeof(raw), &got, err))
		return false;
	img_recrypt_head_sum(raw, &head);
	return img_recrypt_put_last(run, &head, err) && img_at_once_commit(c->once, err) &&
	       img_store_size(run->file, &run->stats->after, err);
}

bool img_recrypt_publish(struct img_recrypt_run *run, struct img_err *err)
{
	struct img_recrypt_changing c;
	bool ok;

	if (!clean(run, err))
		return false;
	ok = img_recrypt_change_begin(&c, run, true, err) && change_to_new(&c, err);
	img_recrypt_change_end(&c);
	return ok;
}
