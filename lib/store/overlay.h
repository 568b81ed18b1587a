/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside view of an overlay, for who brings what was changed to its parent after all. */
#ifndef IMG_STORE_OVERLAY_H
#define IMG_STORE_OVERLAY_H

#include "store/ranges.h"
#include "store/store.h"

/* Bytes that were written, or became zeros. */
struct img_overlay_run {
	uint64_t start, end;
	bool zeros;			/* and take no room */
};

/*
 * The first run at or behind `from`, inside of what the overlay is long now; !*found: there is none.
 * Behind img_overlay_cut() the parent is not seen any more: what is in no run there is zeros.
 */
bool img_overlay_next(struct img_store *st, uint64_t from, struct img_overlay_run *out, bool *found,
		      struct img_err *err) IMG_MUST_CHECK;
uint64_t img_overlay_cut(const struct img_store *st);
/* What was to be set aside in that way, FALLOC or FULL; lives as long as st. */
const struct img_rangeset *img_overlay_space(const struct img_store *st,
					     enum img_preallocation how);
/* The parent, whose length st has, became longer: st has `bytes`, too. */
void img_overlay_follow(struct img_store *st, uint64_t bytes);
/* st closes its parent, too. */
void img_overlay_adopt_parent(struct img_store *st);
/* Whether something was done to what it shows. */
bool img_overlay_changed(const struct img_store *st);

#endif
