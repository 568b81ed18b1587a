/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes into an RBD difference of version 1, the one that every "rbd import-diff" reads. */
#include "copy/patch.h"

#include <string.h>
#include "base/err.h"
#include "base/num.h"

static bool put_name(struct patch_sink *sink, uint8_t letter, const char *name, struct img_err *err)
{
	const size_t len = name ? strlen(name) : 0;
	uint8_t raw[RBD_NAME_HEAD];

	if (!name)
		return true;
	if (len > RBD_NAME_MOST)
		return img_fail(err, IMG_E_ARGUMENT, _("the name of the snapshot is too long for a "
						       "difference of RBD"));
	patch_rbd_name_encode(letter, len, raw);
	return patch_sink_put(sink, raw, sizeof(raw), err) &&
	       patch_sink_put(sink, (const uint8_t *)name, len, err);
}

bool patch_rbd_put_start(struct patch_sink *sink, const struct img_patch_new *how, uint64_t size,
			 struct img_err *err)
{
	uint8_t line[RBD_BANNER], raw[RBD_SIZE_BYTES];

	patch_rbd_banner_encode(line);
	patch_rbd_size_encode(size, raw);
	return patch_sink_put(sink, line, sizeof(line), err) &&
	       put_name(sink, RBD_FROM, how->from, err) && put_name(sink, RBD_TO, how->to, err) &&
	       patch_sink_put(sink, raw, sizeof(raw), err);
}

static bool put_zeros(struct patch_sink *sink, uint64_t at, uint64_t len, struct img_err *err)
{
	uint8_t raw[RBD_RANGE_BYTES];
	uint64_t now;

	for (; len; at += now, len -= now) {
		now = img_min_u64(len, RBD_ZERO_MOST);
		patch_rbd_range_encode(RBD_ZERO, at, now, raw);
		if (!patch_sink_put(sink, raw, sizeof(raw), err))
			return false;
	}
	return true;
}

bool patch_rbd_put_change(struct patch_sink *sink, const struct img_change *change,
			  struct img_err *err)
{
	uint8_t raw[RBD_RANGE_BYTES];

	if (change->zero)
		return put_zeros(sink, change->at, change->len, err);
	patch_rbd_range_encode(RBD_DATA, change->at, change->len, raw);
	return patch_sink_put(sink, raw, sizeof(raw), err) &&
	       patch_sink_put(sink, change->bytes, change->len, err);
}

bool patch_rbd_put_end(struct patch_sink *sink, struct img_err *err)
{
	const uint8_t end = RBD_END;

	return patch_sink_put(sink, &end, 1, err);
}
