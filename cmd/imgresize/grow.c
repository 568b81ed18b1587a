/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --partition N=max: the last partition takes all the room behind it. */
#include <inttypes.h>
#include "common/text.h"
#include "imgresize/imgresize.h"

enum {
	/* File systems and LUKS count in units of this. */
	GRAIN = 4096,
	/* With more libfdisk would drop some from an MBR when it writes that. */
	MOST_OF_DOS = 59,
};

static const struct partition *numbered(const struct table *table, unsigned number)
{
	for (size_t i = 0; i < table->n; i++)
		if (table->parts[i].number == number)
			return &table->parts[i];
	return NULL;
}

static bool check_place(const struct plan *plan, unsigned number, struct img_err *err)
{
	const struct table *table = &plan->table;
	const struct partition *part = numbered(table, number);
	const struct partition *container = table_container(table);

	if (table->kind != TABLE_GPT && table->kind != TABLE_DOS)
		return img_fail(err, IMG_E_ARGUMENT, _("has no partition table that could be changed"));
	if (!part)
		return img_fail(err, IMG_E_ARGUMENT, _("has no partition %u"), number);
	if (part->container)
		return img_fail(err, IMG_E_ARGUMENT, _("partition %u only holds others; the last of those "
						       "can grow, and it with that"), number);
	if (plan->last.number != number)
		return img_fail(err, IMG_E_ARGUMENT, _("partition %u cannot grow: partition %u lies behind "
						       "it"), number, plan->last.number);
	if (container && !part->inside && container->start > part->start)
		return img_fail(err, IMG_E_ARGUMENT, _("partition %u cannot grow: partition %u lies behind "
						       "it"), number, container->number);
	if (table->kind == TABLE_DOS && table->n >= MOST_OF_DOS)
		return img_fail(err, IMG_E_UNSUPPORTED, _("an MBR with that many partitions is not "
							  "changed"));
	return true;
}

/* The end that a partition can have; an MBR counts with 32 bits. */
static uint64_t end_of_room(const struct plan *plan)
{
	const struct table *table = &plan->table;
	const uint64_t reach = (uint64_t)UINT32_MAX * table->sector;
	uint64_t end = plan->new_size;

	if (table->kind == TABLE_GPT)
		end -= gpt_tail_len(&table->gpt);
	else if (end > reach)
		end = reach;
	return end / GRAIN * GRAIN;
}

bool grow_plan(const struct request *request, struct plan *plan, struct img_err *err)
{
	const uint64_t end = end_of_room(plan), start = plan->last.start;

	plan->last_len = plan->last.len;
	if (!request->grow)
		return true;
	if (!check_place(plan, request->grow, err))
		return false;
	if (end > start + plan->last.len)
		plan->last_len = end - start;
	else
		plan_remark(plan, REMARK_NO_ROOM, request->grow, 0);
	return true;
}

/* The container first: libfdisk wants to see the logical partition in it. */
bool grow_apply(const struct plan *plan, struct sketch *sk, struct img_err *err)
{
	const struct table *table = &plan->table;
	const struct partition *container = table_container(table);
	const uint64_t end = plan->last.start + plan->last_len;
	struct partition changed[2];
	size_t n = 0;

	if (plan->last_len == plan->last.len)
		return true;
	if (plan->last.inside && container && container->start + container->len < end) {
		changed[n] = *container;
		changed[n++].len = end - container->start;
	}
	changed[n] = plan->last;
	changed[n++].len = plan->last_len;
	return partitions_set_len(sk, table->name, table->sector, changed, n, err);
}
