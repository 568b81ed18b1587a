/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secrets inside the library: those of libimg-crypt.h, and scratch memory that frees itself. */
#ifndef IMG_BASE_SECRET_H
#define IMG_BASE_SECRET_H

#include "libimg.h"

/* An empty secret that is already len bytes long, zeros.  IMG_E_NOMEM. */
struct img_secret *img_secret_zeros(size_t len, struct img_err *err);

static inline void img_free_secret_scratch(struct img_secret **secret)
{
	img_secret_free(*secret);
}

#define IMG_AUTO_SECRET __attribute__((cleanup(img_free_secret_scratch)))

#endif
