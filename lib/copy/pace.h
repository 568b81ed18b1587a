/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Work that must not be done faster than somebody allows. */
#ifndef IMG_COPY_PACE_H
#define IMG_COPY_PACE_H

#include "image/image.h"

/* One thread at a time. */
struct img_pace {
	uint64_t rate;		/* bytes a second at most; 0: no limit */
	uint64_t done;		/* bytes that were begun so far */
	uint64_t start;		/* in nanoseconds */
};

/* Bytes count from now on. */
struct img_pace img_pace_start(uint64_t rate);
/* Waits while what was done is ahead of the rate.  False, IMG_E_CANCELLED: the job, or NULL, was stopped. */
bool img_pace_keep(const struct img_pace *pace, const struct img_job *job, struct img_err *err)
	IMG_MUST_CHECK;

#endif
