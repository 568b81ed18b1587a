/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See pace.h. */
#include "copy/pace.h"

#include <time.h>
#include "base/job.h"
#include "base/num.h"

#define SECOND_NS 1000000000
#define NAP_NS 200000000	/* between two looks whether the job is cancelled */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

struct img_pace img_pace_start(uint64_t rate)
{
	return (struct img_pace){ .rate = rate, .start = now_ns() };
}

bool img_pace_keep(const struct img_pace *pace, const struct img_job *job, struct img_err *err)
{
	const uint64_t rate = pace->rate;
	const uint64_t due = !rate ? 0 : pace->start + pace->done / rate * SECOND_NS +
		(uint64_t)((double)(pace->done % rate) / (double)rate * SECOND_NS);

	if (!img_job_goes_on(job, err))
		return false;
	if (!rate)
		return true;
	for (uint64_t now = now_ns(); now < due; now = now_ns()) {
		const struct timespec nap = { .tv_nsec = (long)img_min_u64(due - now, NAP_NS) };

		(void)nanosleep(&nap, NULL);	/* cut short it is not the last one */
		if (!img_job_goes_on(job, err))
			return false;
	}
	return true;
}
