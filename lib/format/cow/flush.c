/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a flush writes, and in which order: data are durable before the bits that tell of them. */
#include "base/lock.h"
#include "format/cow/disk.h"

static bool write_all(struct img_store *st, const struct img_granules *bitmap,
		      const struct img_granules_taken *taken, struct img_err *err)
{
	return img_store_sync(st, err) &&
	       (!taken->n ||
		(img_granules_write(bitmap, taken, err) && img_store_sync(st, err)));
}

bool cow_disk_flush(struct img_layer *ly, bool *freed, struct img_err *err)
{
	struct cow_disk *disk = ((struct cow *)ly->priv)->disk;
	struct img_granules_taken taken;
	bool ok;

	*freed = false;
	{
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&disk->lock);

		ok = img_granules_take(&disk->bitmap, &taken, err);
	}
	ok = ok && write_all(ly->store, &disk->bitmap, &taken, err);
	if (!ok) {
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&disk->lock);

		img_granules_give_back(&disk->bitmap, &taken);
	}
	img_granules_taken_clear(&taken);
	return ok;
}
