/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which bytes of the top layer of an image are stored although they need not be. */
#ifndef IMG_COPY_HOLLOW_H
#define IMG_COPY_HOLLOW_H

#include "image/image.h"
#include "libimg-compact.h"

struct img_hollow {
	struct img *im;
	const struct img_compact *what;	/* spans and threads */
	const struct img_job *job;	/* or NULL */
	bool with_holes;		/* also what lies in a hole of the file has a place there */
	/* Told of each run, in guest order: zeros, or what is not needed. */
	bool (*found)(void *ctx, uint64_t at, uint64_t len, struct img_err *err);
	void *ctx;
};

/*
 * Reads all that the top layer stores.  What is lost is not hollow, nor what lies below.  Errors beside
 * those of found and of reading: IMG_E_ARGUMENT (not such spans), IMG_E_CANCELLED.
 */
bool img_hollow_find(const struct img_hollow *how, struct img_err *err) IMG_MUST_CHECK;

#endif
