/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How failures of libimg reach nbdkit, its log and the client. */
#ifndef CMD_NBDKIT_IMG_TELL_H
#define CMD_NBDKIT_IMG_TELL_H

#include "libimg.h"

/* As a callback ends: 0, or -1 once nbdkit knows what failed. */
int tell(bool ok, const struct img_err *err);

#endif
