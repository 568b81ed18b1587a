/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file beside an image whose encryption changes: made with both headers in it, or found. */
#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "cipher/luks_header.h"
#include "copy/recrypt.h"

/* ---- A new one ----------------------------------------------------------------------------------- */

bool img_recrypt_drop_stale(const struct img_recrypt *what, struct img_err *err)
{
	IMG_AUTO_FREE char *name = img_recrypt_path(what->path, what->journal, err);
	struct img_store *st = NULL;
	const bool found = name && img_beside_find(name, NULL, 0, &st, NULL) && st;
	struct img_beside *old = found ? img_beside_old(name, NULL) : NULL;
	uint8_t raw[RECRYPT_BLOCK];
	size_t got;
	bool ok = name;

	if (old && img_store_read_some(st, 0, raw, sizeof(raw), &got, NULL) &&
	    (what->journal ? img_recrypt_is_ours : img_recrypt_is_unfinished)(raw, got))
		ok = img_beside_drop(old, st, err);
	img_beside_free(old);
	img_store_close(st);
	return ok;
}

static bool make_journal(struct img_recrypt_run *run, struct img_err *err)
{
	IMG_AUTO_FREE char *name = img_recrypt_path(run->what->path, run->what->journal, err);
	const uint64_t end = img_recrypt_end(&run->hdr);
	uint8_t raw[RECRYPT_BLOCK];

	img_recrypt_unfinished(raw);
	run->beside = name ? img_beside_new(name, err) : NULL;
	run->journal = run->beside ? img_beside_create(run->beside, err) : NULL;
	return run->journal && img_store_write(run->journal, 0, raw, sizeof(raw), err) &&
	       img_store_resize(run->journal, end, err) &&
	       img_store_reserve(run->journal, 0, end, err);
}

static bool put_old_header(struct img_recrypt_run *run, struct img_err *err)
{
	struct img_luks *lk = img_luks_open(img_recrypt_key_store(run), run->seen.key_at,
					    run->seen.key_len, err);
	struct img_store *st = lk ? img_store_slice(run->journal, RECRYPT_HEADERS, run->hdr.old_len, err)
				  : NULL;
	const bool ok = st && img_luks_backup(lk, st, err);

	img_store_close(st);
	img_luks_close(lk);
	return ok;
}

static bool make_new_header(struct img_recrypt_run *run, struct img_err *err)
{
	const struct img_recrypt *what = run->what;
	struct img_store *st = img_store_slice(run->journal, img_recrypt_new_at(&run->hdr),
					       run->hdr.new_len, err);
	struct img_luks_new full = run->wish.what;
	bool ok;

	full.payload_at = run->hdr.to;
	full.detached = run->hdr.apart;
	full.key = what->fresh ? what->fresh : what->keys && what->keys->n ? what->keys->v[0] : NULL;
	if (!full.key)
		img_fail(err, IMG_E_KEY, _("the image is to be encrypted, and no key was given"));
	ok = st && full.key && img_luks_format(st, 0, &full, &run->fresh, &run->mark.key_len, err);
	img_store_close(st);
	return ok;
}

/* What of a file that is its disk changes first and last, and how it is known. */
static bool put_heads(struct img_recrypt_run *run, struct img_err *err)
{
	struct img_recrypt_header *hdr = &run->hdr;
	uint8_t raw[RECRYPT_BLOCK];

	if (!img_store_read(run->file, 0, raw, sizeof(raw), err))
		return false;
	img_recrypt_head_sum(raw, &hdr->head_before);
	if (!img_recrypt_first(run, raw, err) ||
	    !img_store_write(run->journal, RECRYPT_FIRST, raw, sizeof(raw), err))
		return false;
	if (hdr->new_len && !hdr->apart &&
	    !img_store_read(run->journal, img_recrypt_new_at(hdr), raw, sizeof(raw), err))
		return false;
	img_recrypt_head_sum(raw, &hdr->head_after);
	return true;
}

/* From when it is durable there is something pending. */
static bool put_header(struct img_recrypt_run *run, struct img_err *err)
{
	uint8_t raw[RECRYPT_BLOCK];

	if (!img_random(run->hdr.id, sizeof(run->hdr.id), err) || !img_store_sync(run->journal, err))
		return false;
	img_recrypt_header_encode(&run->hdr, raw);
	return img_store_write(run->journal, 0, raw, sizeof(raw), err) &&
	       img_store_sync(run->journal, err) && img_beside_sync(run->beside, run->journal, err);
}

static bool reserve(struct img_recrypt_run *run, struct img_err *err)
{
	if (run->hdr.inside)
		return img_recrypt_reserve_inside(run, err);
	return img_store_reserve(run->file, 0, run->hdr.after, err) &&
	       (!run->hdr.apart || img_store_reserve(run->header, 0, run->hdr.new_len, err));
}

static void give_back(struct img_recrypt_run *run)
{
	(void)!img_store_resize(run->file, run->hdr.before, NULL);	/* room that is not needed */
	if (run->beside)
		img_beside_remove(run->beside);
	if (run->header_name)
		img_beside_remove(run->header_name);
}

bool img_recrypt_begin(struct img_recrypt_run *run, struct img_err *err)
{
	const struct img_recrypt_header *hdr = &run->hdr;

	if (make_journal(run, err) && reserve(run, err) &&
	    (!hdr->old_len || put_old_header(run, err)) &&
	    (!hdr->new_len || make_new_header(run, err)) &&
	    (hdr->inside || put_heads(run, err)) && put_header(run, err))
		return true;
	give_back(run);
	return false;
}

/* ---- One that was found -------------------------------------------------------------------------- */

/* The header at `at` in the journal, opened by a key of both kinds. */
static bool unlock(struct img_recrypt_run *run, uint64_t at, uint64_t len,
		   struct img_luks_volume *out, struct img_err *err)
{
	const struct img_keys fresh = { &run->what->fresh, 1 };
	struct img_store *st = img_store_slice(run->journal, at, len, err);
	struct img_err why = { 0 };
	bool ok = st && img_luks_unlock(st, 0, 0, run->what->keys, out, &why);

	if (st && !ok && why.code == IMG_E_KEY && run->what->fresh) {
		why = (struct img_err){ 0 };
		ok = img_luks_unlock(st, 0, 0, &fresh, out, &why);
	}
	img_store_close(st);
	return ok || (st ? img_fail(err, why.code, "%s", why.text) : false);
}

/* What was written there with care may have been damaged since. */
static bool fits(const struct img_recrypt_header *hdr, const struct img_luks_volume *v, uint64_t at)
{
	return (hdr->inside || v->payload_at == at) && hdr->len % v->sector == 0 &&
	       hdr->window % v->sector == 0;
}

static bool go_on_inside(struct img_recrypt_run *run, struct img_err *err)
{
	if (!img_look_at(run->file, &run->format, err))
		return false;
	if (!run->format->recrypt)
		return img_fail(err, IMG_E_CORRUPT, _("%s: contradicts itself"), run->journal->name);
	return img_recrypt_view(run, err) && img_recrypt_unlock_again(run, err);
}

bool img_recrypt_go_on(struct img_recrypt_run *run, struct img_recrypt_found *found,
		       struct img_err *err)
{
	const struct img_recrypt_header *hdr = &run->hdr;

	if (hdr->old_len && !unlock(run, RECRYPT_HEADERS, hdr->old_len, &run->old, err))
		return false;
	if (hdr->new_len && !unlock(run, img_recrypt_new_at(hdr), hdr->new_len, &run->fresh, err))
		return false;
	if ((hdr->old_len && !fits(hdr, &run->old, hdr->from)) ||
	    (hdr->new_len && !fits(hdr, &run->fresh, hdr->to)))
		return img_fail(err, IMG_E_CORRUPT, _("%s: contradicts itself"), run->journal->name);
	if ((hdr->inside && !go_on_inside(run, err)) || (hdr->apart && !img_recrypt_apart_check(run, err)))
		return false;
	return img_recrypt_resume(run, found, err);
}
