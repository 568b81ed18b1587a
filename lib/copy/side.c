/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See side.h. */
#include "copy/side.h"

#include <string.h>
#include "base/num.h"

bool img_side_extent(struct img *im, uint64_t at, uint64_t limit, struct img_extent *ex,
		     struct img_err *err)
{
	const uint64_t size = img_size(im);

	*ex = (struct img_extent){ .start = at, .len = limit - at, .kind = IMG_EXTENT_HOLE };
	return at >= size || img_extent(im, at, img_min_u64(limit, size), ex, err);
}

bool img_side_read(struct img *im, uint64_t at, void *buf, size_t len, struct img_err *err)
{
	const uint64_t size = img_size(im);
	const size_t have = at >= size ? 0 : img_min_u64(len, size - at);

	if (have && !img_read(im, at, buf, have, err))
		return false;
	memset((uint8_t *)buf + have, 0, len - have);
	return true;
}

unsigned img_side_threads(const struct img *a, const struct img *b, unsigned wanted, unsigned most)
{
	const unsigned n = img_reading_threads(a, wanted, most);
	const unsigned m = img_reading_threads(b, wanted, most);

	return n > m ? n : m;
}
