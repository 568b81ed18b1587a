/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deflate through ISA-L, where it is built in: the quickest there is, and a few percent larger. */
#ifndef IMG_CODEC_ISAL_H
#define IMG_CODEC_ISAL_H

#include "libimg.h"

extern const bool img_isal_is_built_in;

struct img_isal;
/* NULL with IMG_E_UNSUPPORTED: it is not built in, or not on this machine. */
struct img_isal *img_isal_open(struct img_err *err);
/* Raw deflate, or in the wrapping of zlib; 0: it does not fit in cap. */
size_t img_isal_deflate(struct img_isal *cx, bool zlib, const void *in, size_t n, void *out,
			size_t cap);
/* Accepts NULL. */
void img_isal_close(struct img_isal *cx);

#endif
