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

/*
 * What is new must be written: a hole would not read as zeros.  It is written once, if the file ends
 * where the disk does, and otherwise into the changes that are kept.
 */
static bool grow(struct img_layer *ly, const struct img_layer_resize *how, uint64_t end,
		 struct img_err *err)
{
	const struct luks *luks = ly->priv;
	struct img_store *behind = NULL;
	uint64_t length;

	if (!img_store_size(ly->store, &length, err))
		return false;
	if (length == luks->end && how->opener &&
	    !how->opener->lengthen(how->opener, end, &behind, err))
		return false;
	if (!behind && !img_store_resize(ly->store, end, err))
		return false;
	return luks_write_zeros(ly, behind ? behind : ly->store, ly->size, how->size - ly->size, err);
}

bool luks_resize(struct img_layer *ly, const struct img_layer_resize *how, struct img_err *err)
{
	struct luks *luks = ly->priv;
	const uint64_t end = luks->volume.payload_at + how->size;

	if (!check(luks, how, err))
		return false;
	if (!(ly->store->caps & IMG_STORE_RESIZE))
		return img_fail(err, IMG_E_UNSUPPORTED, _("a block device keeps its size"));
	if (how->size > ly->size ? !grow(ly, how, end, err) : !img_store_resize(ly->store, end, err))
		return false;
	luks->end = end;
	ly->size = how->size;
	return true;
}
