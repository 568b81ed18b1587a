/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Failures for those who know nothing but errno: clients of a disk that is served. */
#ifndef CMD_SYSTEM_ERROR_H
#define CMD_SYSTEM_ERROR_H

#include "libimg.h"

/* The errno that says best what err says. */
int system_error(const struct img_err *err);

#endif
