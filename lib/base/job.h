/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a long operation asks of who wants it. */
#ifndef IMG_BASE_JOB_H
#define IMG_BASE_JOB_H

#include <stdbool.h>
#include "libimg.h"

/* job: or NULL.  IMG_E_CANCELLED: it is to stop. */
bool img_job_goes_on(const struct img_job *job, struct img_err *err);

#endif
