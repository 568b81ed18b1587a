/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A shelf of contexts: making one costs more than a small piece of work with it. */
#include "base/shelf.h"

#include <assert.h>
#include "base/lock.h"
#include "base/mem.h"

struct img_shelf {
	const struct img_shelf_kind *kind;
	const void *owner;

	pthread_mutex_t lock;	/* guards all below */
	void **idle;		/* room for every context made, so that putting back cannot fail */
	size_t n_idle;
	size_t n_made;
};

struct img_shelf *img_shelf_new(const struct img_shelf_kind *kind, const void *owner,
				struct img_err *err)
{
	struct img_shelf *shelf = img_calloc(1, sizeof(*shelf), err);

	if (!shelf)
		return NULL;
	shelf->kind = kind;
	shelf->owner = owner;
	pthread_mutex_init(&shelf->lock, NULL);
	return shelf;
}

/* An idle context, or NULL with *room set to whether one more may be made. */
static void *take_idle(struct img_shelf *shelf, bool *room, struct img_err *err)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&shelf->lock);
	void **idle;

	if (shelf->n_idle)
		return shelf->idle[--shelf->n_idle];
	idle = img_grow(shelf->idle, shelf->n_made + 1, sizeof(*idle), err);
	*room = idle;
	if (idle) {
		shelf->idle = idle;
		shelf->n_made++;
	}
	return NULL;
}

void *img_shelf_get(struct img_shelf *shelf, struct img_err *err)
{
	bool room = false;
	void *cx = take_idle(shelf, &room, err);

	/* Made outside the lock: it may take long.  A failure leaves unused room, nothing else. */
	if (!cx && room)
		cx = shelf->kind->make(shelf->owner, err);
	return cx;
}

void img_shelf_put(struct img_shelf *shelf, void *cx)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&shelf->lock);

	assert(shelf->n_idle < shelf->n_made);
	shelf->idle[shelf->n_idle++] = cx;
}

void img_shelf_free(struct img_shelf *shelf)
{
	if (!shelf)
		return;
	while (shelf->n_idle)
		shelf->kind->drop(shelf->owner, shelf->idle[--shelf->n_idle]);
	pthread_mutex_destroy(&shelf->lock);
	free(shelf->idle);
	free(shelf);
}
