/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images that were left half encrypted: a file lies beside them (store/recrypt.h), their first bytes say
 * so, and nobody opens them but who goes on with it (copy/recrypt.c).
 */
#include <inttypes.h>
#include "base/mem.h"
#include "base/num.h"
#include "image/image.h"
#include "store/beside.h"

#define SUFFIX ".recrypt"

char *img_recrypt_path(const char *path, const char *journal, struct img_err *err)
{
	return journal ? img_strdup(journal, err) : img_beside_path(path, SUFFIX, err);
}

/* ---- Looking ------------------------------------------------------------------------------------- */

/* One of the two may have been cut off while it was written. */
static bool read_records(struct img_recrypt_found *found, uint8_t *raw, struct img_err *err)
{
	for (unsigned i = 0; i < 2; i++) {
		const uint64_t at = RECRYPT_RECORDS + i * (uint64_t)RECRYPT_BLOCK;
		struct img_recrypt_record rec;

		if (!img_store_read(found->journal, at, raw, RECRYPT_BLOCK, err))
			return false;
		if (!img_recrypt_record_decode(&found->hdr, raw, &rec) ||
		    (found->any && rec.next < found->last.next))
			continue;
		found->last = rec;
		found->any = true;
	}
	return true;
}

static bool read_all(struct img_recrypt_found *found, bool *says, struct img_err *err)
{
	uint8_t raw[RECRYPT_BLOCK];
	uint64_t size;
	size_t got;

	if (!img_store_read_some(found->journal, 0, raw, sizeof(raw), &got, err) ||
	    !img_store_size(found->journal, &size, err))
		return false;
	*says = got == sizeof(raw) && img_recrypt_header_decode(raw, &found->hdr) &&
		size >= img_recrypt_end(&found->hdr);
	return !*says || read_records(found, raw, err);
}

/* Whoever may write to a folder could plant one for the image of somebody else. */
static bool check_owner(struct img_store *journal, const char *path, struct img_err *err)
{
	return img_store_same_owner(journal, path) ||
	       img_fail(err, IMG_E_DENIED, _("%s: belongs to somebody else than the image; it is not "
			"trusted"), journal->name);
}

bool img_recrypt_find(const char *path, const char *journal, struct img_store *image, unsigned flags,
		      struct img_recrypt_found *out, struct img_err *err)
{
	IMG_AUTO_FREE char *name = img_recrypt_path(path, journal, err);
	bool says = false, ok;

	*out = (struct img_recrypt_found){ 0 };
	if (!name || !img_beside_find(name, image, flags, &out->journal, err))
		return false;
	if (!out->journal)
		return true;
	ok = read_all(out, &says, err) && (!says || check_owner(out->journal, path, err));
	if (!ok || !says)
		img_recrypt_found_clear(out);
	return ok;
}

void img_recrypt_found_clear(struct img_recrypt_found *found)
{
	img_store_close(found->journal);
	*found = (struct img_recrypt_found){ 0 };
}

bool img_recrypt_state_of(struct img_store *file, const struct img_recrypt_found *found,
			  enum img_recrypt_state *out, struct img_err *err)
{
	uint8_t raw[RECRYPT_BLOCK];
	size_t got;

	if (!img_store_read_some(file, 0, raw, sizeof(raw), &got, err))
		return false;
	*out = got < sizeof(raw) ? IMG_RECRYPT_OTHER
				 : img_recrypt_state_by(&found->hdr, found->any ? &found->last : NULL, raw);
	return true;
}

bool img_recrypt_look(const char *path, const char *journal, struct img_recrypt_pending *out,
		      bool *found_one, struct img_err *err)
{
	struct img_recrypt_found found;
	enum img_recrypt_state state = IMG_RECRYPT_OTHER;
	struct img_store *file = NULL;
	bool ok;

	*found_one = false;
	if (!img_has_beside(path) || img_is_stream_path(path))
		return true;
	ok = img_recrypt_find(path, journal, NULL, 0, &found, err);
	if (ok && found.journal) {
		file = img_store_path(path, IMG_OPEN_NO_LOCK, IMG_CACHE_WRITEBACK, err);
		ok = file && img_recrypt_state_of(file, &found, &state, err);
	}
	*found_one = ok && (state == IMG_RECRYPT_HALF || state == IMG_RECRYPT_BEGUN);
	if (*found_one)
		*out = (struct img_recrypt_pending){
			.kind = found.hdr.kind, .total = img_recrypt_guest(&found.hdr),
			.done = img_recrypt_progress(&found.hdr, found.last.next),
		};
	img_store_close(file);
	img_recrypt_found_clear(&found);
	return ok;
}

/* ---- Refusing ------------------------------------------------------------------------------------ */

static bool fail_half(const char *path, const struct img_recrypt_found *found, struct img_err *err)
{
	const uint64_t done = img_recrypt_progress(&found->hdr, found->last.next);
	const uint64_t all = img_recrypt_guest(&found->hdr);

	switch (found->hdr.kind) {
	case IMG_RECRYPT_ENCRYPT:
		return img_fail(err, IMG_E_DENIED, _("%s: is half encrypted, %" PRIu64 " of %" PRIu64
				" bytes; \"imgcrypt encrypt --in-place\" goes on with it"), path, done, all);
	case IMG_RECRYPT_DECRYPT:
		return img_fail(err, IMG_E_DENIED, _("%s: is half decrypted, %" PRIu64 " of %" PRIu64
				" bytes; \"imgcrypt decrypt --in-place\" goes on with it"), path, done, all);
	case IMG_RECRYPT_CHANGE:
		break;
	}
	return img_fail(err, IMG_E_DENIED, _("%s: has got another key for %" PRIu64 " of %" PRIu64
			" bytes; \"imgcrypt reencrypt --in-place\" goes on with it"), path, done, all);
}

bool img_recrypt_refuse(struct img_store *file, const char *path, struct img_err *err)
{
	struct img_recrypt_found found;
	enum img_recrypt_state state = IMG_RECRYPT_OTHER;
	bool ok = img_recrypt_find(path, NULL, file, 0, &found, err) &&
		  (!found.journal || img_recrypt_state_of(file, &found, &state, err));

	if (ok && (state == IMG_RECRYPT_HALF || state == IMG_RECRYPT_BEGUN))
		ok = fail_half(path, &found, err);
	img_recrypt_found_clear(&found);
	return ok;
}

void img_recrypt_forget(const char *path)
{
	struct img_recrypt_found found;
	struct img_beside *beside;

	if (!img_recrypt_find(path, NULL, NULL, 0, &found, NULL) || !found.journal)
		return;
	beside = img_beside_old(found.journal->name, NULL);
	if (beside)
		(void)!img_beside_drop(beside, found.journal, NULL);	/* will be found to be for another */
	img_beside_free(beside);
	img_recrypt_found_clear(&found);
}
