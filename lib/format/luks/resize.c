/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another size for the disk: the header does not say where it ends, the file does. */
#include <inttypes.h>
#include "base/err.h"
#include "format/luks/luks.h"

static bool check(const struct luks *luks, const struct img_layer_resize *how, struct img_err *err)
{
	if (luks->volume.payload_len)
		return img_fail(err, IMG_E_UNSUPPORTED, _("the header says how long the disk is, and is "
				"not changed"));
	if (how->preallocation == IMG_PREALLOC_METADATA)
		return img_fail(err, IMG_E_UNSUPPORTED, _("LUKS images have no metadata that grows"));
	return how->size % luks->volume.sector == 0 ||
	       img_fail(err, IMG_E_RANGE, _("%" PRIu64 " bytes are no whole sectors of %" PRIu32),
			how->size, luks->volume.sector);
}

bool luks_resize(struct img_layer *ly, const struct img_layer_resize *how, struct img_err *err)
{
	struct luks *luks = ly->priv;
	const uint64_t old = ly->size, end = luks->volume.payload_at + how->size;

	if (!check(luks, how, err))
		return false;
	if (!(ly->store->caps & IMG_STORE_RESIZE))
		return img_fail(err, IMG_E_UNSUPPORTED, _("a block device keeps its size"));
	if (!img_store_resize(ly->store, end, err))
		return false;
	luks->end = end;
	ly->size = how->size;
	/* What is new must be written: a hole would not read as zeros. */
	return how->size <= old || luks_write_zeros(ly, old, how->size - old, err);
}
