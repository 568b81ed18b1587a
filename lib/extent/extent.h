/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arithmetic on ranges: no I/O. */
#ifndef IMG_EXTENT_EXTENT_H
#define IMG_EXTENT_EXTENT_H

#include "base/zero.h"
#include "libimg.h"
#include "store/ranges.h"

static inline bool img_extent_reads_as_zero(const struct img_extent *ex)
{
	return ex->kind == IMG_EXTENT_ZERO || ex->kind == IMG_EXTENT_HOLE;
}

/* Cuts ex to what lies in [from, to), which must overlap it; host bytes follow for plain ones. */
void img_extent_clip(struct img_extent *ex, uint64_t from, uint64_t to);
/* Cuts ex, from its start on, to guest bytes that are all in set (true), or none of which is. */
bool img_extent_cut(struct img_extent *ex, const struct img_rangeset *set);

/*
 * Length of the run at the start of a[0, len) and b[0, len) whose bytes are all equal
 * (*same = true) or all different (*same = false).  len > 0.
 */
size_t img_same_run(const void *a, const void *b, size_t len, bool *same);

#endif
