/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mutex that is released at the end of the block. */
#ifndef IMG_BASE_LOCK_H
#define IMG_BASE_LOCK_H

#include <pthread.h>

static inline pthread_mutex_t *img_lock(pthread_mutex_t *mutex)
{
	pthread_mutex_lock(mutex);
	return mutex;
}

static inline void img_unlock_scope(pthread_mutex_t **held)
{
	if (*held)
		pthread_mutex_unlock(*held);
}

/* `IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&x->lock);` */
#define IMG_AUTO_UNLOCK __attribute__((cleanup(img_unlock_scope), unused))

#endif
