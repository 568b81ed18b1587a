/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guest ranges in rising order. */
#include "format/qcow2/runs.h"

#include <assert.h>

#include "base/mem.h"

#define FIRST_CAPACITY 16

bool qcow2_runs_add(struct qcow2_runs *runs, const struct qcow2_run *run, struct img_err *err)
{
	struct qcow2_run *last = runs->n ? &runs->v[runs->n - 1] : NULL;

	assert(!last || run->at >= last->at + last->len);
	if (last && last->kind == run->kind && last->at + last->len == run->at) {
		last->len += run->len;
		return true;
	}
	if (runs->n == runs->cap) {
		const size_t cap = runs->cap ? 2 * runs->cap : FIRST_CAPACITY;
		struct qcow2_run *v = img_grow(runs->v, cap, sizeof(*v), err);

		if (!v)
			return false;
		runs->v = v;
		runs->cap = cap;
	}
	runs->v[runs->n++] = *run;
	return true;
}
