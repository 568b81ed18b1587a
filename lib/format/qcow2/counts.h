/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A number for each of very many clusters, most of them 0 or 1: how often something refers to it.
 * Memory follows what was counted, never the largest cluster.
 */
#ifndef QCOW2_COUNTS_H
#define QCOW2_COUNTS_H

#include "libimg.h"

struct qcow2_counts;

/* Free with qcow2_counts_free().  NULL: IMG_E_NOMEM. */
struct qcow2_counts *qcow2_counts_new(struct img_err *err);
/* Accepts NULL. */
void qcow2_counts_free(struct qcow2_counts *counts);
/*
 * Adds n to the count of a cluster; it stays at UINT64_MAX when it would grow beyond.
 * Errors: IMG_E_NOMEM; IMG_E_RANGE when all counts together would take more than 2 GiB.
 */
bool qcow2_counts_add(struct qcow2_counts *counts, uint64_t cluster, uint64_t n,
		      struct img_err *err) IMG_MUST_CHECK;
uint64_t qcow2_counts_get(const struct qcow2_counts *counts, uint64_t cluster);
/* To be called between the last qcow2_counts_add() and qcow2_counts_next(). */
bool qcow2_counts_sort(struct qcow2_counts *counts, struct img_err *err) IMG_MUST_CHECK;
/*
 * The first cluster from *cluster on whose count is not 0, into *cluster and *n; false: there is
 * none.  Cheap when called with rising clusters.
 */
bool qcow2_counts_next(struct qcow2_counts *counts, uint64_t *cluster, uint64_t *n);
/* The largest count, 0 when nothing was counted, and the first cluster that reached it. */
uint64_t qcow2_counts_most(const struct qcow2_counts *counts, uint64_t *cluster);

#endif
