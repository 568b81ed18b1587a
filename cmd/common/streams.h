/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Standard input, output and error as a program finds them when it starts. */
#ifndef CMD_STREAMS_H
#define CMD_STREAMS_H

#include "libimg.h"

/*
 * Before anything is opened: a file that took the number of one that is closed would get what is said
 * there.  From now on each is open, and using one that was not gives EBADF as before.  IMG_E_IO.
 */
bool streams_fill(struct img_err *err) IMG_MUST_CHECK;

#endif
