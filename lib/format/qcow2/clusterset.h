/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A set of cluster numbers that takes as much memory as it has members. */
#ifndef QCOW2_CLUSTERSET_H
#define QCOW2_CLUSTERSET_H

#include "libimg.h"

struct qcow2_clusterset {
	uint64_t *slots;		/* number + 1, or 0; owned */
	size_t n_slots;			/* a power of two, or 0 */
	size_t n;
};

/* A zeroed set is empty. */
void qcow2_clusterset_clear(struct qcow2_clusterset *set);
/* Of a member: does nothing.  IMG_E_NOMEM. */
bool qcow2_clusterset_add(struct qcow2_clusterset *set, uint64_t cluster, struct img_err *err)
	IMG_MUST_CHECK;
/* The n clusters from first on. */
bool qcow2_clusterset_add_run(struct qcow2_clusterset *set, uint64_t first, uint64_t n,
			      struct img_err *err) IMG_MUST_CHECK;
void qcow2_clusterset_remove(struct qcow2_clusterset *set, uint64_t cluster);
bool qcow2_clusterset_has(const struct qcow2_clusterset *set, uint64_t cluster);

#endif
