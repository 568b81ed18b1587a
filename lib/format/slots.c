/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which slots of a file empty themselves: from the last one down, units that are needed go to the
 * lowest slots that are free or hold a hollow unit, and the file ends where the next one would find
 * none below it.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "base/num.h"
#include "format/slots.h"

bool img_slots_start(struct img_slots *slots, uint64_t n, struct img_err *err)
{
	const size_t len = img_max_u64(n, 1);

	*slots = (struct img_slots){ .n = n };
	slots->unit = img_calloc(len, sizeof(*slots->unit), err);
	slots->hollow = slots->unit ? img_calloc(img_div_up(len, 8), 1, err) : NULL;
	if (!slots->hollow) {
		img_slots_clear(slots);
		return false;
	}
	for (uint64_t i = 0; i < n; i++)
		slots->unit[i] = IMG_SLOT_FREE;
	return true;
}

void img_slots_clear(struct img_slots *slots)
{
	free(slots->unit);
	free(slots->hollow);
	*slots = (struct img_slots){ 0 };
}

void img_slots_put(struct img_slots *slots, uint64_t slot, uint64_t unit, bool hollow)
{
	const uint8_t bit = (uint8_t)(1 << slot % 8);

	slots->unit[slot] = unit;
	slots->hollow[slot / 8] = (uint8_t)(hollow ? slots->hollow[slot / 8] | bit
						   : slots->hollow[slot / 8] & ~bit);
}

static bool is_hollow(const struct img_slots *slots, uint64_t slot)
{
	return slots->hollow[slot / 8] >> slot % 8 & 1;
}

/* Whether another unit may come here. */
static bool is_room(const struct img_slots *slots, uint64_t slot)
{
	return slots->unit[slot] == IMG_SLOT_FREE || is_hollow(slots, slot);
}

struct img_slots_plan img_slots_plan(const struct img_slots *slots, uint64_t most)
{
	struct img_slots_plan plan = { .end = slots->n };
	uint64_t room = 0;		/* below plan.end */

	for (uint64_t i = 0; i < slots->n; i++)
		room += is_room(slots, i);
	for (; plan.end; plan.end--) {
		const uint64_t slot = plan.end - 1;
		const bool free = is_room(slots, slot);

		if (slots->unit[slot] == IMG_SLOT_PINNED || room - free < plan.moves + !free ||
		    plan.moves + !free > most)
			break;
		room -= free;
		plan.moves += !free;
	}
	return plan;
}

/* The unit of a hollow slot goes; one that is free had none. */
static bool empty(struct img_slots *slots, uint64_t slot, const struct img_slots_ops *ops,
		  struct img_err *err)
{
	const uint64_t unit = slots->unit[slot];

	img_slots_put(slots, slot, IMG_SLOT_FREE, false);
	return unit == IMG_SLOT_FREE || ops->drop(ops->ctx, unit, err);
}

bool img_slots_carry_out(struct img_slots *slots, const struct img_slots_plan *plan,
			 const struct img_slots_ops *ops, struct img_err *err)
{
	uint64_t to = 0;

	for (uint64_t from = plan->end; from < slots->n; from++) {
		const uint64_t unit = slots->unit[from];

		if (is_room(slots, from)) {
			if (!empty(slots, from, ops, err))
				return false;
			continue;
		}
		while (!is_room(slots, to))
			to++;
		if (!empty(slots, to, ops, err) || !ops->move(ops->ctx, unit, from, to, err))
			return false;
		img_slots_put(slots, to, unit, false);
		img_slots_put(slots, from, IMG_SLOT_FREE, false);
	}
	return true;
}
