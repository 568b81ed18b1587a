/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Key slots by the name of a file: where the header lies in it says the driver, if it lies in an image. */
#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "cipher/luks_header.h"
#include "image/image.h"

/* A file and the place in it that is for a header; nothing of it is open but the file. */
struct place {
	struct img_layer ly;
	uint64_t at, len;		/* len: 0: to the end */
};

struct img_key_header {
	struct place place;
	struct img_luks *lk;
};

/* ---- Opening ------------------------------------------------------------------------------------- */

static bool find_place(struct place *p, const struct img_open *how, struct img_err *err)
{
	struct img_store *store = img_open_top_store(how, err);
	const char *doubt;

	*p = (struct place){ .at = 0 };
	if (!store || !img_layer_recognize(&p->ly, store, how, &doubt, err))
		return false;
	/* What is no image, or none with a place for it, starts with the header. */
	if (!p->ly.format->key_area || p->ly.format->key_area(p->ly.store, &p->at, &p->len, err))
		return true;
	img_within_file(err, p->ly.store->name);
	img_store_close(p->ly.store);
	return false;
}

/* Raw is also what has lost its header. */
static bool may_have_slots(const struct place *p, struct img_err *err)
{
	const struct img_format *format = p->ly.format;

	return format->key_area || format == &img_format_luks || format == &img_format_raw ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("it has no key slots"));
}

struct img_key_header *img_key_header_open(const struct img_open *how, struct img_err *err)
{
	struct img_key_header *kh = img_calloc(1, sizeof(*kh), err);

	if (!kh)
		return NULL;
	if (find_place(&kh->place, how, err)) {
		if (may_have_slots(&kh->place, err))
			kh->lk = img_luks_open(kh->place.ly.store, kh->place.at, kh->place.len, err);
		if (kh->lk)
			return kh;
		img_within_file(err, kh->place.ly.store->name);
		img_store_close(kh->place.ly.store);
	}
	free(kh);
	return NULL;
}

void img_key_header_close(struct img_key_header *kh)
{
	if (!kh)
		return;
	img_luks_close(kh->lk);
	img_store_close(kh->place.ly.store);
	free(kh);
}

bool img_key_header_report(const struct img_key_header *kh, struct img_node *report,
			   struct img_err *err)
{
	return img_luks_report(kh->place.ly.store, kh->place.at, report, err);
}

unsigned img_key_count(const struct img_key_header *kh)
{
	return img_luks_count(kh->lk);
}

bool img_key_slot_used(const struct img_key_header *kh, uint32_t slot)
{
	return slot < kh->lk->ops->n_slots && kh->lk->ops->used(kh->lk, slot);
}

/* ---- Keys ---------------------------------------------------------------------------------------- */

/* The key of the volume, owned by the caller; *slot as img_key_test() has it. */
static struct img_secret *open_any(struct img_key_header *kh, const struct img_keys *keys,
				   uint32_t *slot, struct img_err *err)
{
	struct img_secret *key = img_luks_try_all(kh->lk, keys, slot, err);

	if (!key)
		img_within_file(err, kh->place.ly.store->name);
	return key;
}

bool img_key_test(struct img_key_header *kh, const struct img_keys *keys, uint32_t *slot,
		  struct img_err *err)
{
	struct img_secret *key = open_any(kh, keys, slot, err);

	img_secret_free(key);
	return key;
}

static bool choose_work(const struct img_key_header *kh, const struct img_key_work *work,
			struct img_kdf *out, struct img_err *err)
{
	struct img_luks_new what = {
		.version = kh->lk->ops->version, .pbkdf = work->pbkdf, .hash = work->hash,
		.iter_ms = work->iter_ms, .iterations = work->iterations,
		.memory_kib = work->memory_kib, .parallel = work->threads,
	};
	struct img_key_digest digest;

	/* LUKS1 has one hash for everything. */
	if (what.version == 1) {
		if (!kh->lk->ops->digest(kh->lk, 0, &digest, err))
			return false;
		what.hash = digest.kdf.hash;
	}
	return img_luks_complete(&what, err) && img_luks_choose_kdf(&what, out, err);
}

bool img_key_add(struct img_key_header *kh, const struct img_keys *keys,
		 const struct img_secret *fresh, const struct img_key_work *work, uint32_t *slot,
		 struct img_err *err)
{
	uint32_t from = IMG_LUKS_ANY;
	IMG_AUTO_SECRET struct img_secret *key = open_any(kh, keys, &from, err);
	struct img_kdf kdf;

	return key && ((choose_work(kh, work, &kdf, err) &&
			img_luks_add(kh->lk, key, fresh, &kdf, slot, err)) ||
		       img_within_file(err, kh->place.ly.store->name));
}

bool img_key_remove(struct img_key_header *kh, uint32_t slot, struct img_err *err)
{
	if (!img_key_slot_used(kh, slot))
		return img_fail(err, IMG_E_ARGUMENT, _("%s: key slot %u is not in use"),
				kh->place.ly.store->name, slot);
	return img_luks_remove(kh->lk, slot, err) ||
	       img_within_file(err, kh->place.ly.store->name);
}

bool img_key_change(struct img_key_header *kh, const struct img_keys *keys,
		    const struct img_secret *fresh, const struct img_key_work *work, uint32_t *slot,
		    struct img_err *err)
{
	IMG_AUTO_SECRET struct img_secret *key = open_any(kh, keys, slot, err);
	uint32_t to = IMG_LUKS_ANY;
	struct img_kdf kdf;

	if (!key)
		return false;
	if (!choose_work(kh, work, &kdf, err) ||
	    !img_luks_add(kh->lk, key, fresh, &kdf, &to, err) ||
	    !img_luks_remove(kh->lk, *slot, err))
		return img_within_file(err, kh->place.ly.store->name);
	*slot = to;
	return true;
}

bool img_key_erase(struct img_key_header *kh, struct img_err *err)
{
	return img_luks_erase(kh->lk, err) || img_within_file(err, kh->place.ly.store->name);
}

/* ---- Backups ------------------------------------------------------------------------------------- */

bool img_key_header_backup(const struct img_key_header *kh, const char *path, struct img_err *err)
{
	struct img_store *to = img_store_file_new(path, IMG_CACHE_WRITEBACK, err);
	const bool done = to && img_luks_backup(kh->lk, to, err) && img_store_publish(to, err);

	img_store_close(to);
	return done;
}

bool img_key_header_restore(const struct img_open *how, const char *path, bool force,
			    struct img_err *err)
{
	struct img_store *from = img_store_file(path, 0, IMG_CACHE_WRITEBACK, err);
	struct img_luks *backup = from ? img_luks_open(from, 0, 0, err) : NULL;
	struct place place;
	bool done = false;

	if (from && !backup)
		img_within_file(err, from->name);
	if (backup && find_place(&place, how, err)) {
		done = img_luks_restore(place.ly.store, place.at, place.len, backup, force, err) ||
		       img_within_file(err, place.ly.store->name);
		img_store_close(place.ly.store);
	}
	img_luks_close(backup);
	img_store_close(from);
	return done;
}
