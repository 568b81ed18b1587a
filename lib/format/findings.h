/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Findings of a check, and what a salvage notes, as they are made. */
#ifndef IMG_FORMAT_FINDINGS_H
#define IMG_FORMAT_FINDINGS_H

#include "libimg.h"

/* One thread. */
struct img_findings {
	struct img_finding *v;		/* owned, and their details */
	size_t n, cap;
	size_t most;			/* of each kind that are listed */
	struct img_finding_tally *tallies;	/* owned: how many of each kind there were */
	size_t n_tallies, cap_tallies;
};

/*
 * Takes over one.detail, even on failure.  Neighbours that differ in nothing but their place, each
 * `step` bytes of the file (of the disk, when host is nowhere) behind the one before, become one.
 * step 0: never.  IMG_E_NOMEM.
 */
bool img_findings_add(struct img_findings *to, struct img_finding one, uint64_t step,
		      struct img_err *err) IMG_MUST_CHECK;
/* Puts all of `from` behind `to` and leaves it empty. */
bool img_findings_append(struct img_findings *to, struct img_findings *from, struct img_err *err)
	IMG_MUST_CHECK;
/* Sorts them by kind, as in kinds (NULL behind the last), and by place in the file. */
void img_findings_sort(struct img_findings *findings, const struct img_finding_kind *const *kinds);
/* How many were found of that severity, listed or not. */
uint64_t img_findings_total(const struct img_findings *findings, enum img_severity severity);
/* How many of one kind. */
uint64_t img_findings_count(const struct img_findings *findings,
			    const struct img_finding_kind *kind);
/* Of each kind that was found, n_tallies of them; *counts is owned by the caller. */
bool img_findings_counts(const struct img_findings *findings, struct img_finding_count **counts,
			 struct img_err *err) IMG_MUST_CHECK;
void img_findings_clear(struct img_findings *findings);

#endif
