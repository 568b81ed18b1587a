/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the two deflate codecs share: they write differently and read the same. */
#ifndef IMG_CODEC_DEFLATE_H
#define IMG_CODEC_DEFLATE_H

#include <libdeflate.h>
#include "libimg.h"

/*
 * Raw deflate with any window up to 32 KiB: exactly want bytes, what follows the stream is ignored.
 * *reader is made at the first call and is the caller's to free.  IMG_E_CORRUPT, IMG_E_NOMEM.
 */
bool img_deflate_read(struct libdeflate_decompressor **reader, const void *in, size_t n,
		      void *out, size_t want, struct img_err *err) IMG_MUST_CHECK;

#endif
