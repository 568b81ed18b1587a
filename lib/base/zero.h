/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The search for zeros in data. */
#ifndef IMG_BASE_ZERO_H
#define IMG_BASE_ZERO_H

#include <stdbool.h>
#include <stddef.h>

/* True when all of buf[0, len) is zero.  As fast as memory allows. */
bool img_is_zero(const void *buf, size_t len);

/*
 * Length of the run at the start of buf[0, len) whose grains are all zero (*zero = true) or all
 * not zero (*zero = false); grain > 0, the last grain may be short.  len > 0.
 */
size_t img_zero_run(const void *buf, size_t len, size_t grain, bool *zero);

#endif
