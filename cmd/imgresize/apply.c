/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Doing what was planned.  The table is changed while the disk has its larger size, before or after:
 * so both the old place and the new one can be written.
 */
#include "imgresize/imgresize.h"

static bool change_table(const struct plan *plan, struct sketch *sk, struct img_err *err)
{
	const bool ok = plan->table.kind == TABLE_GPT
			? gpt_move(sk, &plan->table.gpt, plan->new_size, err)
			: sketch_resize(sk, plan->new_size, err);

	return ok && grow_apply(plan, sk, err) && sketch_write_back(sk, err);
}

bool plan_apply(const struct request *request, const struct plan *plan, struct img *im,
		struct sketch *sk, const struct img_job *job, struct img_err *err)
{
	const bool shrinks = plan->new_size < plan->old_size;
	const struct img_resize what = {
		.size = plan->new_size, .preallocation = request->preallocation,
		.compact = request->compact,
	};

	return (!shrinks || change_table(plan, sk, err)) && img_resize(im, &what, job, err) &&
	       (shrinks || change_table(plan, sk, err));
}
