/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A set of bytes, kept as the ranges they form; memory goes by the number of ranges. */
#ifndef IMG_STORE_RANGES_H
#define IMG_STORE_RANGES_H

#include "libimg.h"

struct img_stretch {
	uint64_t start, end;	/* [start, end), not empty */
};

struct img_rangeset {
	struct img_stretch *v;	/* rising, none touches the next; owned */
	size_t n, cap;
};

/* A zeroed set is empty; so is one that was cleared. */
void img_rangeset_clear(struct img_rangeset *set);
/* The first run of bytes of [from, limit) that are not in set; false: all are. */
bool img_rangeset_gap(const struct img_rangeset *set, uint64_t from, uint64_t limit,
		    struct img_stretch *gap);
/* Makes room, so that the next img_rangeset_add() cannot fail.  IMG_E_NOMEM. */
bool img_rangeset_reserve(struct img_rangeset *set, struct img_err *err) IMG_MUST_CHECK;
/* Any range, empty ones too; img_rangeset_reserve() comes before each. */
void img_rangeset_add(struct img_rangeset *set, uint64_t start, uint64_t end);
/* Both at once, for len bytes from start on. */
bool img_rangeset_include(struct img_rangeset *set, uint64_t start, uint64_t len,
			  struct img_err *err) IMG_MUST_CHECK;

#endif
