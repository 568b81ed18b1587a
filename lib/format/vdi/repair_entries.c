/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a damaged entry of the block map must have been.  It named a block that no entry names now,
 * and one of these says which:
 *
 *	the image is of fixed size: each block has the number of its part of the disk
 *	a single bit makes the difference, and only one such block is left
 *	the blocks in front of it and behind it belong to the parts of the disk beside it
 *
 * Of two that have the same block it must also be certain which one it is: one whose block is where
 * those beside it say keeps it.
 */
#include <stdlib.h>
#include "format/vdi/repair.h"

/* ---- Evidence -------------------------------------------------------------------------------- */

/* The block between those of the neighbours, if it is there and free. */
static uint32_t by_neighbours(const struct vdi_repair *r, const struct vdi_suspect *s)
{
	const uint32_t between = s->before + 1;

	if (s->before >= VDI_NO_PLACE || s->after != between + 1 ||
	    !vdi_repair_is_orphan(r, between))
		return VDI_NO_PLACE;
	return between;
}

/* The free block whose number differs in one bit; *n: how many there are. */
static uint32_t by_bit(const struct vdi_repair *r, uint32_t entry, unsigned *n)
{
	uint32_t found = VDI_NO_PLACE;

	*n = 0;
	for (unsigned bit = 0; bit < 32; bit++) {
		const uint32_t other = entry ^ UINT32_C(1) << bit;

		if (!vdi_repair_is_orphan(r, other))
			continue;
		found = other;
		(*n)++;
	}
	return found;
}

static unsigned bits_apart(uint32_t a, uint32_t b)
{
	return (unsigned)__builtin_popcount(a ^ b);
}

/* Nothing says that the file was longer.  A count of more blocks than there can be says nothing. */
static bool is_whole(const struct vdi_repair *r)
{
	return r->end <= r->n_begun && (r->hdr.n_allocated <= r->n_begun ||
					r->hdr.n_allocated > r->hdr.n_blocks);
}

/* Free or zeros with one wrong bit, where all blocks of the file have their place. */
static uint32_t by_nothing(const struct vdi_repair *r, uint32_t entry)
{
	if (r->n_orphans || !is_whole(r))
		return VDI_NO_PLACE;
	if (bits_apart(entry, VDI_ENTRY_FREE) == 1)
		return VDI_ENTRY_FREE;
	return bits_apart(entry, VDI_ENTRY_ZERO) == 1 ? VDI_ENTRY_ZERO : VDI_NO_PLACE;
}

/* One entry names no block, and one block of the file has no entry. */
static bool is_only_one(const struct vdi_repair *r, const struct vdi_suspect *s)
{
	return s->entry >= r->hdr.n_blocks && r->n_outside == 1 && r->n_orphans == 1 &&
	       is_whole(r) && bits_apart(s->entry, VDI_ENTRY_FREE) > 2;
}

static uint32_t the_orphan(const struct vdi_repair *r)
{
	uint32_t i = 0;

	while (!vdi_repair_is_orphan(r, i))
		i++;
	return i;
}

/* ---- One entry ------------------------------------------------------------------------------- */

static uint32_t place_of_outside(const struct vdi_repair *r, const struct vdi_suspect *s)
{
	const uint32_t between = by_neighbours(r, s);
	unsigned n;
	const uint32_t flipped = by_bit(r, s->entry, &n);

	if (n == 1 && between != VDI_NO_PLACE && between != flipped)
		return VDI_NO_PLACE;
	if (n == 1)
		return flipped;
	if (between != VDI_NO_PLACE)
		return between;
	return is_only_one(r, s) ? the_orphan(r) : by_nothing(r, s->entry);
}

/* Whether a block of the file belongs there by one of the entries beside it. */
static bool fits(const struct vdi_suspect *s, uint32_t block)
{
	return (s->before < VDI_NO_PLACE && s->before + 1 == block) || s->after == block + 1;
}

static uint32_t place_of_doubled(const struct vdi_repair *r, const struct vdi_suspect *s)
{
	unsigned n;
	const uint32_t flipped = by_bit(r, s->entry, &n);

	if (s->settled)
		return VDI_NO_PLACE;
	if (n == 1 && fits(s, flipped))
		return flipped;
	return by_neighbours(r, s);
}

static int to_index(const void *index, const void *suspect)
{
	const uint32_t a = *(const uint32_t *)index, b = ((const struct vdi_suspect *)suspect)->index;

	return (a > b) - (a < b);
}

/* Of fixed size: whether a block that several have will have the one that it belongs to. */
static bool has_owner(const struct vdi_repair *r, uint32_t block)
{
	const struct vdi_suspect *owner = bsearch(&block, r->suspects, r->n_suspects,
						  sizeof(*owner), to_index);

	return owner && (owner->entry == block || !owner->doubled);
}

static uint32_t place_of_fixed(const struct vdi_repair *r, const struct vdi_suspect *s)
{
	if (s->entry == s->index || !vdi_repair_is_disputed(r, s->index) ||
	    (s->doubled && !has_owner(r, s->entry)))
		return VDI_NO_PLACE;
	return s->index;
}

/* The suspects are in the order of the disk. */
static uint32_t place_of(const struct vdi_repair *r, const struct vdi_suspect *s)
{
	if (r->hdr.type == VDI_TYPE_FIXED)
		return place_of_fixed(r, s);
	return s->doubled ? place_of_doubled(r, s) : place_of_outside(r, s);
}

/* ---- All of them ----------------------------------------------------------------------------- */

static int by_entry(const void *x, const void *y)
{
	const struct vdi_suspect *a = x, *b = y;

	return (a->entry > b->entry) - (a->entry < b->entry);
}

static int by_place(const void *x, const void *y)
{
	const struct vdi_suspect *a = x, *b = y;

	return (a->place > b->place) - (a->place < b->place);
}

/* n that have the same block: of two one is settled and keeps it, of more nobody knows. */
static void settle(struct vdi_suspect *s, size_t n)
{
	if (n == 2 && s[0].settled != s[1].settled)
		return;
	for (size_t i = 0; i < n; i++)
		s[i].place = VDI_NO_PLACE;
}

static void settle_doubled(struct vdi_repair *r)
{
	struct vdi_suspect *s = r->suspects;
	size_t n;

	qsort(s, r->n_suspects, sizeof(*s), by_entry);
	for (size_t i = 0; i < r->n_suspects; i += n) {
		for (n = 1; i + n < r->n_suspects && s[i + n].entry == s[i].entry;)
			n++;
		if (s[i].doubled)
			settle(s + i, n);
	}
}

/* A block that several want stays without an owner. */
static void settle_wishes(struct vdi_repair *r)
{
	struct vdi_suspect *s = r->suspects;
	size_t n;

	qsort(s, r->n_suspects, sizeof(*s), by_place);
	for (size_t i = 0; i < r->n_suspects; i += n) {
		const uint32_t place = s[i].place;

		for (n = 1; i + n < r->n_suspects && s[i + n].place == place;)
			n++;
		for (size_t j = 0; n > 1 && place < VDI_NO_PLACE && j < n; j++)
			s[i + j].place = VDI_NO_PLACE;
	}
}

void vdi_repair_decide(struct vdi_repair *r)
{
	for (size_t i = 0; i < r->n_suspects; i++) {
		struct vdi_suspect *s = &r->suspects[i];

		s->settled = s->doubled && fits(s, s->entry);
		s->place = place_of(r, s);
	}
	if (r->hdr.type == VDI_TYPE_FIXED)
		return;
	settle_doubled(r);
	settle_wishes(r);
}
