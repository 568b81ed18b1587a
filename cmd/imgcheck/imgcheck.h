/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of imgcheck share. */
#ifndef CMD_IMGCHECK_H
#define CMD_IMGCHECK_H

#include "common/cli.h"

/* How users and programs call a severity; the latter is stable. */
const char *severity_name(enum img_severity severity);

/* sentences.c: what was found in the image, as text on standard output. */
void print_findings(const char *path, const struct img_check_result *result);
/* All that can be found, of all formats. */
void print_kinds(void);

/* report.c: the same for programs. */
void report_findings(const char *path, const struct img_check_result *result,
		     struct img_node *to);
void report_kinds(struct img_node *root);

/* Entries and clusters of these severities, listed or not. */
static inline uint64_t errors_of(const struct img_check_result *result)
{
	return result->totals[IMG_CORRUPT] + result->totals[IMG_FATAL];
}

#endif
