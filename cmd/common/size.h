/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes as users write and read them. */
#ifndef CMD_SIZE_H
#define CMD_SIZE_H

#include "libimg.h"

/* Long enough for size_text(). */
#define SIZE_TEXT_BYTES 32

/*
 * "4096", "64k", "1.5G": k M G T P E are powers of 1024, in either case; "b" is bytes.  A fraction
 * must come out as whole bytes or is cut to them.  IMG_E_ARGUMENT, IMG_E_RANGE.
 */
bool size_parse(const char *text, uint64_t *bytes, struct img_err *err) IMG_MUST_CHECK;
/* "1.5 GiB": in the largest unit that fits, to one decimal, cut rather than rounded up. */
const char *size_text(uint64_t bytes, char text[SIZE_TEXT_BYTES]);

#endif
