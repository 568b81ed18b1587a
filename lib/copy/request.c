/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a copy that is asked for makes sense. */
#include <inttypes.h>
#include "base/err.h"
#include "base/num.h"
#include "copy/copy.h"

#define MAX_ZERO_GRAIN (2 * 1024 * 1024)	/* a window's buffer holds at least one grain */

static bool check_range(const struct img_copy *what, struct img_err *err)
{
	const uint64_t size = img_is_stream(what->src) ? 0 : img_size(what->src);
	const uint64_t at = what->range_at, len = what->range_len;

	if (!len)
		return true;
	if (at >= size || len > size - at)
		return img_fail(err, IMG_E_RANGE, _("the range [%" PRIu64 ", +%" PRIu64 ") is not in the "
				"disk of the source, of %" PRIu64 " bytes"), at, len, size);
	return (at % IMG_COPY_RANGE_UNIT == 0 &&
		(len % IMG_COPY_RANGE_UNIT == 0 || at + len == size)) ||
	       img_fail(err, IMG_E_ARGUMENT, _("a range begins and ends on a multiple of %d bytes, or "
					       "ends with the disk"), IMG_COPY_RANGE_UNIT);
}

bool img_copy_check(const struct img_copy *what, struct img_err *err)
{
	const struct img_layer *dst = &what->dst->layers[0];

	if (!what->dst->target || what->dst->target->finished)
		return img_fail(err, IMG_E_ARGUMENT, _("%s: is no new image"), dst->store->name);
	if (what->zero_grain > MAX_ZERO_GRAIN ||
	    (what->zero_grain && !img_is_pow2(what->zero_grain)))
		return img_fail(err, IMG_E_ARGUMENT,
				_("zeros cannot be searched %" PRIu32 " bytes at a time"),
				what->zero_grain);
	if (what->compress && !dst->codec)
		return img_fail(err, IMG_E_ARGUMENT, _("%s: was not made for compressed units"),
				dst->store->name);
	if (what->dedup && (!dst->codec || !dst->format->write->share))
		return img_fail(err, IMG_E_ARGUMENT, _("%s: was not made for equal units that are "
				"stored once"), dst->store->name);
	if (!img_is_stream(what->src) && img_size(what->src) > dst->size)
		return img_fail(err, IMG_E_RANGE,
				_("%s: is smaller than the %" PRIu64 " bytes of the source"),
				dst->store->name, img_size(what->src));
	return check_range(what, err);
}
