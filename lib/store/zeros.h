/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Zeros to be written where a store has no cheaper way. */
#ifndef IMG_STORE_ZEROS_H
#define IMG_STORE_ZEROS_H

#include "store/store.h"

#define IMG_ZEROS_BYTES 65536

/* Aligned for direct I/O. */
extern const uint8_t img_zeros[IMG_ZEROS_BYTES];

/* Writes len zeros at `at` through st->ops->write; its errors, unnamed. */
bool img_store_write_zeros(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err)
	IMG_MUST_CHECK;

#endif
