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
/*
 * The same for clusters from first on, of which it counts as many as memory bytes, 64 KiB at least,
 * suffice for: when they do not, the end comes down.
 */
struct qcow2_counts *qcow2_counts_new_window(uint64_t first, uint64_t memory, struct img_err *err);
/* Accepts NULL. */
void qcow2_counts_free(struct qcow2_counts *counts);
/* Behind the last cluster that is counted; UINT64_MAX: all are. */
uint64_t qcow2_counts_end(const struct qcow2_counts *counts);
/* Forgets the clusters from end on. */
void qcow2_counts_cut(struct qcow2_counts *counts, uint64_t end);
/*
 * Adds n to the count of a cluster, if it is counted; it stays at UINT64_MAX when it would grow
 * beyond.  Errors: IMG_E_NOMEM; IMG_E_RANGE when all counts together would take more than 2 GiB.
 */
bool qcow2_counts_add(struct qcow2_counts *counts, uint64_t cluster, uint64_t n,
		      struct img_err *err) IMG_MUST_CHECK;
/* The same for n_clusters neighbours. */
bool qcow2_counts_add_run(struct qcow2_counts *counts, uint64_t cluster, uint64_t n_clusters,
			  uint64_t n, struct img_err *err) IMG_MUST_CHECK;
/* Adds all of `from`, which is empty then.  Errors as above. */
bool qcow2_counts_merge(struct qcow2_counts *counts, struct qcow2_counts *from,
			struct img_err *err) IMG_MUST_CHECK;
uint64_t qcow2_counts_get(const struct qcow2_counts *counts, uint64_t cluster);
/* The counts of n clusters from `cluster` on. */
void qcow2_counts_get_many(const struct qcow2_counts *counts, uint64_t cluster, uint64_t *out,
			   size_t n);
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
