/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes as users read them. */
#ifndef CMD_SIZE_H
#define CMD_SIZE_H

#include "libimg.h"

/* Long enough for size_text(). */
#define SIZE_TEXT_BYTES 32

/* "1.5 GiB": in the largest unit that fits, to one decimal, cut rather than rounded up. */
const char *size_text(uint64_t bytes, char text[SIZE_TEXT_BYTES]);

#endif
