/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A report with something of everything, and its text in a style. */
#ifndef TESTS_UNIT_REPORT_TREE_H
#define TESTS_UNIT_REPORT_TREE_H

#include "libimg.h"

/* Free with img_node_free(). */
struct img_node *sample_tree(void);
/* What img_report_write() gives for a tree that it must accept; free with free(). */
char *text_of(const struct img_node *root, enum img_style style);

#endif
