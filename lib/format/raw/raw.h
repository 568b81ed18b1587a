/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the guest of a raw image has written about the disk that it was on. */
#ifndef IMG_FORMAT_RAW_RAW_H
#define IMG_FORMAT_RAW_RAW_H

#include "store/store.h"

/*
 * Where the disk ends according to the header of its GUID partition table (UEFI 2.10, §5.3.2), in
 * bytes; 0: there is none whose checksum is right.  st can seek.  Errors: those of reading.
 */
bool raw_gpt_end(struct img_store *st, uint64_t *end, struct img_err *err) IMG_MUST_CHECK;

#endif
