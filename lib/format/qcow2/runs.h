/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guest ranges in rising order, neighbours of one kind merged. */
#ifndef QCOW2_RUNS_H
#define QCOW2_RUNS_H

#include "libimg.h"

struct qcow2_run {
	uint64_t at, len;		/* guest bytes; len > 0 */
	enum img_extent_kind kind;	/* DATA or ZERO */
};

struct qcow2_runs {
	struct qcow2_run *v;	/* freed by the owner */
	size_t n, cap;
};

/* at is not below the end of the last run.  IMG_E_NOMEM. */
bool qcow2_runs_add(struct qcow2_runs *runs, const struct qcow2_run *run, struct img_err *err)
	IMG_MUST_CHECK;

#endif
