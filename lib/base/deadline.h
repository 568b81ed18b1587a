/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Points in time by which something is to have happened, by CLOCK_MONOTONIC. */
#ifndef IMG_BASE_DEADLINE_H
#define IMG_BASE_DEADLINE_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

static inline struct timespec img_deadline_in_ms(unsigned ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	return until;
}

static inline struct timespec img_deadline_in(unsigned seconds)
{
	struct timespec until = img_deadline_in_ms(0);

	until.tv_sec += seconds;
	return until;
}

static inline bool img_deadline_is_over(struct timespec until)
{
	const struct timespec now = img_deadline_in(0);

	return now.tv_sec > until.tv_sec || (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec);
}

/* For pthread_cond_timedwait() with a deadline. */
static inline void img_deadline_init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t clock;

	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &clock);
	pthread_condattr_destroy(&clock);
}

#endif
