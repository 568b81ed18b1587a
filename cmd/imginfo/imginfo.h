/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of imginfo know of each other. */
#ifndef CMD_IMGINFO_H
#define CMD_IMGINFO_H

#include "libimg.h"

/* What this build can do with each format: a table, or a report for programs. */
bool formats_print(enum img_style style, struct img_err *err) IMG_MUST_CHECK;

#endif
