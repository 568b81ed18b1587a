/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of imgcmp know of each other. */
#ifndef CMD_IMGCMP_H
#define CMD_IMGCMP_H

#include "libimg.h"

/* What was found, and how it is told. */
struct verdict {
	enum img_style style;
	bool quiet, all, strict;
	const char *a, *b;			/* names of the files */
	uint64_t size_a, size_b;		/* guest bytes */
	struct img_compare_stats stats;
	struct img_node *report, *ranges;	/* not for people, or when quiet: NULL */
};

/* Before the comparison.  IMG_E_NOMEM. */
bool verdict_start(struct verdict *v, struct img_err *err) IMG_MUST_CHECK;
/* img_compare's differs callback; ctx is a struct verdict. */
void verdict_differs(void *ctx, uint64_t at, uint64_t len);
/* Prints it. */
bool verdict_tell(struct verdict *v, struct img_err *err) IMG_MUST_CHECK;
void verdict_free(struct verdict *v);

#endif
