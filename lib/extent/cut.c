/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An extent against a set of bytes. */
#include "extent/extent.h"

bool img_extent_cut(struct img_extent *ex, const struct img_rangeset *set)
{
	const uint64_t end = ex->start + ex->len;
	struct img_stretch gap;

	if (!img_rangeset_gap(set, ex->start, end, &gap))
		return true;
	if (gap.start > ex->start) {
		img_extent_clip(ex, ex->start, gap.start);
		return true;
	}
	if (gap.end < end)
		img_extent_clip(ex, ex->start, gap.end);
	return false;
}
