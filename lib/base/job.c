/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See job.h. */
#include "base/job.h"

#include "base/err.h"

bool img_job_goes_on(const struct img_job *job, struct img_err *err)
{
	return !job || !job->cancelled || !job->cancelled(job->ctx) ||
	       img_fail(err, IMG_E_CANCELLED, _("cancelled"));
}
