/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One of two disks that are looked at side by side: behind the end of the shorter one are zeros. */
#ifndef IMG_COPY_SIDE_H
#define IMG_COPY_SIDE_H

#include "image/image.h"

/* As img_extent(), for any at < limit.  Any thread. */
bool img_side_extent(struct img *im, uint64_t at, uint64_t limit, struct img_extent *ex,
		     struct img_err *err) IMG_MUST_CHECK;
/* As img_read(), of any bytes.  Any thread. */
bool img_side_read(struct img *im, uint64_t at, void *buf, size_t len, struct img_err *err)
	IMG_MUST_CHECK;
/* With how many threads to look at a and b: as img_reading_threads(), of what wants more. */
unsigned img_side_threads(const struct img *a, const struct img *b, unsigned wanted, unsigned most);

#endif
