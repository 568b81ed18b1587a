/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bitmaps of a disk that gets another size: what is new has not changed, and what is behind the new
 * end is forgotten.
 */
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/bitmap.h"

/* One that cannot be read, or is of a kind that is not known here, cannot follow. */
static bool bring_in(struct qcow2 *q, struct qcow2_bitmap *bm, struct img_err *err)
{
	struct img_err why = { 0 };

	if (bm->flags & QCOW2_BITMAP_IN_USE)
		return true;
	if (!qcow2_bitmap_unusable(bm) && qcow2_bitmap_load(q, bm, &why))
		return true;
	if (why.code && !img_code_is_damage(why.code))
		return qcow2_bitmap_pass_on(&why, err);
	bm->flags |= QCOW2_BITMAP_IN_USE;
	return true;
}

static bool follow(struct qcow2 *q, struct qcow2_bitmap *bm, uint64_t old_size,
		   struct img_err *err)
{
	const uint64_t size = q->header.size, len = qcow2_bitmap_bytes(bm, size);
	uint8_t *old = bm->bits;

	bm->bits = NULL;
	if (!qcow2_bitmap_make_bits(q, bm, err)) {
		bm->bits = old;
		return img_within(err, _("bitmap \"%s\""), bm->name);
	}
	memcpy(bm->bits, old, img_min_u64(len, qcow2_bitmap_bytes(bm, old_size)));
	qcow2_bitmap_trim(bm, size, len);
	free(old);
	bm->changed = true;
	return true;
}

static bool bring_in_all(struct qcow2 *q, struct img_err *err)
{
	for (size_t i = 0; i < q->bitmaps->list.n; i++)
		if (!bring_in(q, &q->bitmaps->list.v[i], err))
			return false;
	return true;
}

bool qcow2_bitmaps_resize(struct qcow2 *q, uint64_t size, struct img_err *err)
{
	const uint64_t old_size = q->header.size;
	struct qcow2_bitmaps *set = q->bitmaps;

	if (!set->list.n || set->lost) {
		q->header.size = size;
		return true;
	}
	/* A table of no entries is illegal, and one with an entry has more than an empty disk needs. */
	if (!size)
		return img_fail(err, IMG_E_RANGE, _("a disk of no bytes cannot have bitmaps"));
	if (!bring_in_all(q, err))
		return false;
	q->header.size = size;
	set->changed = true;
	for (size_t i = 0; i < set->list.n; i++)
		if (set->list.v[i].bits && !follow(q, &set->list.v[i], old_size, err))
			return false;
	return true;
}
