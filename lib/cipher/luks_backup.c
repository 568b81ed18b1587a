/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers as a whole: kept in a file, brought back, and made useless. */
#include <inttypes.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "cipher/luks_header.h"
#include "store/store.h"

enum {
	FRONT = 4096,		/* what says that the others are there is in these first bytes */
	PIECE = 1 << 20,
};

struct copy {
	struct img_store *from, *to;
	uint64_t from_at, to_at;
};

/* Bytes [at, end) of both. */
static bool copy_range(const struct copy *c, uint64_t at, uint64_t end, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *buf = img_alloc_aligned(PIECE, err);

	for (; buf && at < end; at += PIECE) {
		const size_t len = (size_t)img_min_u64(PIECE, end - at);

		if (!img_store_read(c->from, c->from_at + at, buf, len, err) ||
		    !img_store_write(c->to, c->to_at + at, buf, len, err))
			return false;
	}
	return buf;
}

bool img_luks_backup(const struct img_luks *lk, struct img_store *to, struct img_err *err)
{
	const struct copy c = { .from = lk->st, .from_at = lk->at, .to = to };

	return copy_range(&c, 0, lk->ops->extent(lk), err);
}

/* That one header may take the place of the other. */
static bool is_same_volume(const struct img_luks *there, const struct img_luks *backup,
			   struct img_err *err)
{
	struct img_luks_data old, new;

	if (strcmp(there->ops->uuid(there), backup->ops->uuid(backup)) != 0)
		return img_fail(err, IMG_E_MISMATCH,
				_("the backup is of the volume \"%s\" and not of \"%s\""),
				backup->ops->uuid(backup), there->ops->uuid(there));
	if (!there->ops->data(there, &old, err) || !backup->ops->data(backup, &new, err))
		return false;
	return old.at == new.at ||
	       img_fail(err, IMG_E_MISMATCH, _("the backup says that the data start elsewhere"));
}

/* Without them it would take the keys that are there with it. */
static bool has_its_slots(const struct img_luks *backup, struct img_err *err)
{
	struct img_keyslot slot;

	for (uint32_t i = 0; i < backup->ops->n_slots; i++)
		if (backup->ops->used(backup, i) && !backup->ops->slot(backup, i, &slot, NULL))
			return img_fail(err, IMG_E_INCOMPLETE,
					_("the backup is cut off: key slot %" PRIu32 " is not in it"), i);
	return true;
}

bool img_luks_restore(struct img_store *st, uint64_t at, uint64_t len,
		      const struct img_luks *backup, bool force, struct img_err *err)
{
	const uint64_t end = backup->ops->extent(backup);
	const struct copy c = {
		.from = backup->st, .from_at = backup->at, .to = st, .to_at = at,
	};
	struct img_luks *there = force ? NULL : img_luks_open(st, at, len, err);
	const bool fits = force || (there && is_same_volume(there, backup, err) &&
				    has_its_slots(backup, err));
	uint64_t size;

	img_luks_close(there);
	if (!fits || !img_store_size(st, &size, err))
		return false;
	if (at > size || end > size - at || (len && end > len))
		return img_fail(err, IMG_E_ARGUMENT, _("the backup does not fit into the file"));
	return copy_range(&c, FRONT, end, err) && img_store_sync(st, err) &&
	       copy_range(&c, 0, FRONT, err) && img_store_sync(st, err);
}

bool img_luks_erase(struct img_luks *lk, struct img_err *err)
{
	for (uint32_t i = 0; i < lk->ops->n_slots; i++) {
		if (lk->ops->used(lk, i) && !img_luks_destroy(lk, i, err))
			return false;
	}
	return true;
}
