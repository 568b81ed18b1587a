/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a disk is, and what will be done with it. */
#include <string.h>
#include "imgresize/imgresize.h"

void plan_free(struct plan *plan)
{
	table_free(&plan->table);
}

void plan_remark(struct plan *plan, enum remark_kind kind, unsigned partition, uint64_t bytes)
{
	if (plan->n_remarks < REMARKS_MAX)
		plan->remarks[plan->n_remarks++] = (struct remark){ kind, partition, bytes };
}

/* A disk with a table may still be a file system as a whole, but only one kind is made like that. */
static bool look_at_content(struct img *im, struct plan *plan, struct img_err *err)
{
	if (!superblock_find(im, 0, plan->old_size, &plan->content, err))
		return false;
	if (plan->table.n && strcmp(plan->content.type, "iso9660"))
		plan->content = (struct superblock){ .size = 0 };
	return true;
}

static uint64_t need_of(const struct plan *plan)
{
	const uint64_t content = plan->content.size;
	uint64_t table;

	if (plan->table.kind == TABLE_NONE)
		return content;
	if (plan->table.kind != TABLE_DOS && plan->table.kind != TABLE_GPT)
		return 0;
	table = table_need(&plan->table);
	return table > content ? table : content;
}

static void remark_on_file_systems(struct plan *plan)
{
	const struct table *table = &plan->table;

	if (plan->content.size > plan->old_size)
		plan_remark(plan, REMARK_TOO_LARGE, 0, plan->content.size);
	for (size_t i = 0; i < table->n; i++)
		if (table->parts[i].content.size > table->parts[i].len)
			plan_remark(plan, REMARK_TOO_LARGE, table->parts[i].number,
				    table->parts[i].content.size);
}

static void look_at_gpt(struct plan *plan)
{
	const struct gpt *gpt = &plan->table.gpt;

	if (plan->table.kind != TABLE_GPT)
		return;
	if (!gpt->primary.good)
		plan_remark(plan, REMARK_PRIMARY_DAMAGED, 0, 0);
	if (!gpt->backup.good)
		plan_remark(plan, REMARK_BACKUP_DAMAGED, 0, 0);
	plan->mends_gpt = !gpt->primary.good || !gpt->backup.good;
	plan->moves_gpt = gpt_disk_size(gpt) != plan->new_size;
}

bool plan_make(const struct request *request, struct img *im, struct sketch *sk,
	       const struct img_job *job, struct plan *plan, struct img_err *err)
{
	const struct partition *last;

	plan->old_size = img_size(im);
	if (!table_read(sk, im, &plan->table, err) || !look_at_content(im, plan, err))
		return false;
	last = table_last(&plan->table);
	if (last)
		plan->last = *last;
	plan->need = need_of(plan);
	if (!wish_size(&request->wish, plan, &plan->new_size, err))
		return false;
	remark_on_file_systems(plan);
	look_at_gpt(plan);
	return guard(request, im, job, plan, err) && grow_plan(request, plan, err);
}
