/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The writing of a new image: every byte has its place behind the header from the start. */
#include <string.h>
#include "base/num.h"
#include "format/luks/new.h"

static bool reserve(struct img_layer *ly, struct img_slot *slots, size_t n, struct img_err *err)
{
	const struct luks *luks = ly->priv;

	(void)err;
	for (size_t i = 0; i < n; i++) {
		slots[i].store = ly->store;
		slots[i].host = luks->volume.payload_at + slots[i].at;
	}
	return true;
}

/* The last sector of a disk that ends within it: zeros follow. */
static bool store_rest(const struct img_sealed *run, const uint8_t *bytes, size_t len,
		       struct img_err *err)
{
	uint8_t sector[IMG_SEALED_SECTOR_MAX] = { 0 };

	memcpy(sector, bytes, len);
	return img_sealed_write(run, sector, run->sector, err);
}

static bool store(struct img_layer *ly, const struct img_slot *slot, const void *bytes,
		  struct img_err *err)
{
	struct img_sealed run, rest;
	size_t whole;

	if (!luks_sealed_at(ly, slot->at, &run, err))
		return false;
	whole = img_round_down(slot->len, run.sector);
	rest = img_sealed_from(run, whole);
	return img_sealed_write(&run, bytes, whole, err) &&
	       (whole == slot->len ||
		store_rest(&rest, (const uint8_t *)bytes + whole, slot->len - whole, err));
}

static bool publish(struct img_layer *ly, const struct img_slot *slots, size_t n,
		    struct img_err *err)
{
	struct luks *luks = ly->priv;

	(void)err;
	luks->fresh->written = slots[n - 1].at + slots[n - 1].len;
	return true;
}

static bool zero(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	struct luks *luks = ly->priv;

	luks->fresh->written = at + len;
	return luks_write_zeros(ly, ly->store, at, img_round_up(len, luks->volume.sector), err);
}

/* What nobody wrote is whatever the key makes of a hole, unless the user wants more. */
static bool fill(struct img_layer *ly, uint64_t end, struct img_err *err)
{
	const struct luks *luks = ly->priv;
	const struct luks_new *fresh = luks->fresh;
	const uint64_t from = img_round_up(fresh->written, luks->volume.sector);

	if (from >= end)
		return true;
	if (fresh->preallocation == IMG_PREALLOC_FULL)
		return luks_write_zeros(ly, ly->store, from, end - from, err);
	return img_store_preallocate(ly->store, luks->volume.payload_at + from, end - from,
				     fresh->preallocation, err);
}

static bool finish(struct img_layer *ly, struct img_err *err)
{
	const struct luks *luks = ly->priv;
	const uint64_t end = img_round_up(ly->size, luks->volume.sector);
	uint64_t length;

	if (!(ly->store->caps & IMG_STORE_RESIZE))
		return true;
	if (!fill(ly, end, err) || !img_store_size(ly->store, &length, err))
		return false;
	return length >= luks->volume.payload_at + end ||
	       img_store_resize(ly->store, luks->volume.payload_at + end, err);
}

const struct img_write_ops luks_write_ops = {
	.reserve = reserve,
	.store = store,
	.publish = publish,
	.zero = zero,
	.finish = finish,
};
