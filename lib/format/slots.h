/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file of slots of the same length, one behind the other, each of which holds a unit of the disk or
 * nothing: which of them empty themselves so that the file gets shorter.
 */
#ifndef IMG_FORMAT_SLOTS_H
#define IMG_FORMAT_SLOTS_H

#include "format/compact.h"

#define IMG_SLOT_FREE UINT64_MAX
#define IMG_SLOT_PINNED (UINT64_MAX - 1)	/* stays, and is no unit */

struct img_slots {
	uint64_t n;
	uint64_t *unit;			/* of each slot: the number of its unit, or IMG_SLOT_*; owned */
	uint8_t *hollow;		/* a bit for each: its unit needs no place; owned */
};

/* All are free.  IMG_E_NOMEM. */
bool img_slots_start(struct img_slots *slots, uint64_t n, struct img_err *err) IMG_MUST_CHECK;
void img_slots_clear(struct img_slots *slots);
void img_slots_put(struct img_slots *slots, uint64_t slot, uint64_t unit, bool hollow);

/* Whether all of [at, at + len) is in the set; len > 0. */
static inline bool img_slots_hollow(const struct img_rangeset *set, uint64_t at, uint64_t len)
{
	struct img_stretch gap;

	return !img_rangeset_gap(set, at, at + len, &gap);
}

struct img_slots_plan {
	uint64_t end;			/* slots that are left */
	uint64_t moves;			/* units that move to get there */
};

/*
 * How far down the file can end when at most so many units move.  A file without gaps has none
 * afterwards either, hollow units aside.  Pure.
 */
struct img_slots_plan img_slots_plan(const struct img_slots *slots, uint64_t most);

/* Units that get another place by that, or lose theirs, at most.  Pure. */
static inline uint64_t img_slots_changed(const struct img_slots *slots,
					 const struct img_slots_plan *plan)
{
	return slots->n - plan->end + plan->moves;
}

struct img_slots_ops {
	/* The unit has no place any more. */
	bool (*drop)(void *ctx, uint64_t unit, struct img_err *err);
	/* Its bytes go to the slot `to`, and it is there from now on. */
	bool (*move)(void *ctx, uint64_t unit, uint64_t from, uint64_t to, struct img_err *err);
	void *ctx;
};

/* Does what the plan says, and what had to be told stays so in slots. */
bool img_slots_carry_out(struct img_slots *slots, const struct img_slots_plan *plan,
			 const struct img_slots_ops *ops, struct img_err *err) IMG_MUST_CHECK;

#endif
