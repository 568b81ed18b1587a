/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guest ranges in rising order. */
#include "format/qcow2/runs.h"

#include <assert.h>

#include "base/mem.h"

bool qcow2_runs_add(struct qcow2_runs *runs, const struct qcow2_run *run, struct img_err *err)
{
	struct qcow2_run *last = runs->n ? &runs->v[runs->n - 1] : NULL;
	struct qcow2_run *v;

	assert(!last || run->at >= last->at + last->len);
	if (last && last->kind == run->kind && last->at + last->len == run->at) {
		last->len += run->len;
		return true;
	}
	v = img_grow_by_one(runs->v, runs->n, &runs->cap, sizeof(*v), err);
	if (!v)
		return false;
	runs->v = v;
	v[runs->n++] = *run;
	return true;
}
