/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random numbers that nobody can guess. */
#ifndef IMG_BASE_RANDOM_H
#define IMG_BASE_RANDOM_H

#include "libimg.h"

/* Fills bytes[0, len) from the kernel's generator.  IMG_E_IO: there is none. */
bool img_random(void *bytes, size_t len, struct img_err *err) IMG_MUST_CHECK;

#endif
