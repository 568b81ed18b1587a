/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What would be lost, or could not be used any more.  A partition is never cut: who does not want
 * it can delete it.  What is only likely to be needed goes when --force says so.
 */
#include <inttypes.h>
#include "common/text.h"
#include "imgresize/imgresize.h"

/* ---- The table ----------------------------------------------------------------------------------- */

static bool guard_table(const struct request *request, struct plan *plan, struct img_err *err)
{
	const struct table *table = &plan->table;

	if (table->kind != TABLE_BROKEN && table->kind != TABLE_FOREIGN)
		return true;
	if (table->kind == TABLE_BROKEN && plan->new_size != plan->old_size && !request->force)
		return img_fail(err, IMG_E_DENIED,
				_("there are signs of a GUID partition table, of which no copy can be used; "
				  "--force changes the size, and leaves the table as it is"));
	if (plan->new_size < plan->old_size && !request->force)
		return img_fail(err, IMG_E_DENIED,
				_("nothing here understands a partition table of the kind \"%s\", so that "
				  "nobody knows where its partitions end; --force cuts them off"),
				table->name);
	plan_remark(plan, REMARK_TABLE_LEFT, 0, 0);
	return true;
}

/* Of all partitions, containers included. */
static const struct partition *first_beyond(const struct table *table, uint64_t end)
{
	for (size_t i = 0; i < table->n; i++)
		if (table->parts[i].start + table->parts[i].len > end)
			return &table->parts[i];
	return NULL;
}

static bool refuse_end(const struct plan *plan, const struct partition *part, struct img_err *err)
{
	const uint64_t need = table_need(&plan->table);

	if (!part)
		return img_fail(err, IMG_E_DENIED, _("the partition table does not fit into %" PRIu64
						     " bytes; the smallest safe size is %" PRIu64),
				plan->new_size, need);
	return img_fail(err, IMG_E_DENIED, _("partition %u ends at %" PRIu64 ", behind what %" PRIu64
					     " bytes have room for; the smallest safe size is %" PRIu64),
			part->number, part->start + part->len, plan->new_size, need);
}

/* An MBR may have been beyond the end before, and then no harm is done. */
static bool guard_ends(struct plan *plan, struct img_err *err)
{
	const struct table *table = &plan->table;
	const uint64_t tail = table->kind == TABLE_GPT ? gpt_tail_len(&table->gpt) : 0;
	const struct partition *part;

	if ((table->kind != TABLE_GPT && table->kind != TABLE_DOS) ||
	    plan->new_size >= table_need(table))
		return true;
	part = first_beyond(table, plan->new_size > tail ? plan->new_size - tail : 0);
	if (table->kind == TABLE_GPT || plan->new_size < plan->old_size)
		return refuse_end(plan, part, err);
	plan_remark(plan, REMARK_BEYOND, part ? part->number : 0, table_need(table));
	return true;
}

static void remark_on_reach(struct plan *plan)
{
	const uint64_t reach = ((uint64_t)UINT32_MAX + 1) * plan->table.sector;

	if (plan->table.kind == TABLE_DOS && plan->new_size > reach)
		plan_remark(plan, REMARK_UNREACHABLE, 0, reach);
}

/* ---- What is cut off ----------------------------------------------------------------------------- */

static bool guard_content(const struct request *request, struct plan *plan, struct img_err *err)
{
	const struct superblock *content = &plan->content;

	if (!content->type[0] || (content->size && content->size <= plan->new_size))
		return true;
	if (!request->force && content->size)
		return img_fail(err, IMG_E_DENIED,
				_("what it holds (%s) takes %" PRIu64 " bytes, which is the smallest safe "
				  "size; --force cuts its end off"), content->type, content->size);
	if (!request->force)
		return img_fail(err, IMG_E_DENIED,
				_("what it holds (%s) does not tell how much room it needs; --force cuts "
				  "its end off"), content->type);
	plan_remark(plan, REMARK_CONTENT_CUT, 0, plan->old_size - plan->new_size);
	return true;
}

/* Where data end that are of interest: the second copy of a GPT is not, even if it is damaged. */
static uint64_t end_of_data(const struct plan *plan)
{
	const struct gpt *gpt = &plan->table.gpt;
	uint64_t tail;

	if (plan->table.kind != TABLE_GPT || gpt_disk_size(gpt) != plan->old_size)
		return plan->old_size;
	tail = gpt_tail_len(gpt);
	return plan->old_size - plan->new_size > tail ? plan->old_size - tail : plan->new_size;
}

/* An MBR of which nothing is known but numbers may be meant in other sectors. */
static bool is_known(const struct plan *plan)
{
	const struct table *table = &plan->table;

	if (plan->content.type[0] || (table->kind == TABLE_GPT && table->n))
		return true;
	for (size_t i = 0; i < table->n; i++)
		if (table->parts[i].content.type[0])
			return true;
	return false;
}

/*
 * Behind known partitions and file systems lies what deleted and shrunken ones have left; only where
 * nothing is known it may be what matters.
 */
static bool guard_tail(const struct request *request, struct img *im, const struct img_job *job,
		       struct plan *plan, struct img_err *err)
{
	struct tail tail;

	if (!tail_look(im, plan->new_size, end_of_data(plan), job, &tail, err))
		return false;
	if (!tail.holds_data)
		return true;
	if (!is_known(plan) && !request->force)
		return img_fail(err, IMG_E_DENIED,
				_("nobody knows what it holds, and data are stored in %" PRIu64 " bytes "
				  "behind the new end; --force cuts them off"), tail.stored);
	plan_remark(plan, REMARK_DATA_CUT, 0, tail.stored);
	return true;
}

bool guard(const struct request *request, struct img *im, const struct img_job *job,
	   struct plan *plan, struct img_err *err)
{
	const bool shrinks = plan->new_size < plan->old_size;

	if (shrinks && !request->shrink)
		return img_fail(err, IMG_E_ARGUMENT,
				_("would get smaller, from %" PRIu64 " to %" PRIu64 " bytes, which has to be "
				  "asked for with --shrink"), plan->old_size, plan->new_size);
	remark_on_reach(plan);
	return guard_table(request, plan, err) && guard_ends(plan, err) &&
	       (!shrinks || (guard_content(request, plan, err) &&
			     guard_tail(request, im, job, plan, err)));
}
