/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See hold.h. */
#include "base/hold.h"

void img_hold_add(struct img_hold *hold)
{
	pthread_mutex_lock(hold->lock);
	hold->n++;
	pthread_mutex_unlock(hold->lock);
}

static void drop(struct img_hold *hold, bool is_lost)
{
	pthread_mutex_t *lock = hold->lock;	/* with the last one *hold may go */

	pthread_mutex_lock(lock);
	hold->is_lost |= is_lost;
	if (!--hold->n)
		pthread_cond_broadcast(hold->changed);
	pthread_mutex_unlock(lock);
}

void img_hold_drop(struct img_hold *hold)
{
	drop(hold, false);
}

void img_hold_lose(struct img_hold *hold)
{
	drop(hold, true);
}
