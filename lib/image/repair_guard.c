/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* That a repair takes nothing away: the map of the disk before it beside the one after it. */
#include <inttypes.h>
#include "base/err.h"
#include "base/num.h"
#include "image/image.h"

static bool extent(struct img_layer *ly, uint64_t at, struct img_extent *ex, struct img_err *err)
{
	return ly->format->extent(ly, at, ly->size, ex, err);
}

static bool compare_maps(struct img_layer *before, struct img_layer *after, struct img_err *err)
{
	struct img_extent old, fresh;

	for (uint64_t at = 0, end; at < before->size; at = end) {
		if (!extent(before, at, &old, err) || !extent(after, at, &fresh, err))
			return false;
		if (fresh.kind == IMG_EXTENT_LOST && old.kind != IMG_EXTENT_LOST)
			return img_fail(err, IMG_E_CORRUPT, _("the repair that was planned would lose "
					"what is at 0x%" PRIx64 " on the disk; nothing was changed"),
					at);
		end = img_min_u64(old.start + old.len, fresh.start + fresh.len);
	}
	return true;
}

static bool open_and_compare(struct img_layer *before, struct img_layer *after,
			     const struct img_opener *opener, const struct img_open *how,
			     struct img_err *err)
{
	bool ok;

	/* What cannot be opened has nothing that could be lost. */
	if (!img_layer_open_as(before, how, NULL))
		return true;
	ok = img_layer_open_with(after, how, opener, err);
	if (ok) {
		ok = after->size == before->size
			     ? compare_maps(before, after, err)
			     : img_fail(err, IMG_E_CORRUPT, _("the repair that was planned would "
					"change the size of the disk; nothing was changed"));
		img_layer_close_as(after);
	}
	img_layer_close_as(before);
	return ok;
}

bool img_repair_guard(const struct img_layer *before, struct img_store *changed,
		      const struct img_opener *opener, const struct img_open *how,
		      struct img_err *err)
{
	struct img_layer old = { .format = before->format, .store = before->store };
	struct img_layer fresh = { .format = before->format, .store = changed };

	struct img_open reading = *how;

	reading.flags = (how->flags & ~IMG_OPEN_WRITE) | IMG_OPEN_NO_LOCK | IMG_OPEN_NO_KEY;
	return open_and_compare(&old, &fresh, opener, &reading, err);
}
