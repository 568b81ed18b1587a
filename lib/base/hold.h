/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes in memory that requests still need when who made them has gone on. */
#ifndef IMG_BASE_HOLD_H
#define IMG_BASE_HOLD_H

#include <pthread.h>
#include <stdbool.h>

/* The owner of the bytes waits with *lock, which must not be held by who calls these, for n to be 0. */
struct img_hold {
	pthread_mutex_t *lock;		/* guards n */
	pthread_cond_t *changed;	/* told when n becomes 0 */
	unsigned n;			/* requests */
	bool is_lost;			/* one was given up, which may use the bytes yet: they must stay */
};

/* Any thread. */
void img_hold_add(struct img_hold *hold);
void img_hold_drop(struct img_hold *hold);
/* Drops it for a request of which nobody knows when it ends. */
void img_hold_lose(struct img_hold *hold);

#endif
