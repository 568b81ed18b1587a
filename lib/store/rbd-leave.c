/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taking leave of a cluster.  Closing an image is a dozen talks with it, each of which may wait as long as it
 * was told to; with one that has gone silent all of them together are to be bounded as well.
 */
#include "store/rbd.h"

#include <stdlib.h>
#include <time.h>
#include "base/lock.h"
#include "base/mem.h"

/* So many times as long as one answer may take all that closing needs is waited for. */
enum { ANSWERS = 3 };

/* Whoever comes last of the two, who waits and who is told of the end, frees it. */
struct farewell {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	struct img_rbd_library lib;
	bool is_over;
	bool is_given_up;
};

static void free_farewell(struct farewell *farewell)
{
	pthread_cond_destroy(&farewell->ended);
	pthread_mutex_destroy(&farewell->lock);
	free(farewell);
}

static struct farewell *new_farewell(const struct img_rbd_library *lib)
{
	struct farewell *farewell = img_calloc(1, sizeof(*farewell), NULL);
	pthread_condattr_t clock;

	if (!farewell)
		return NULL;
	farewell->lib = *lib;
	pthread_mutex_init(&farewell->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&farewell->ended, &clock);
	pthread_condattr_destroy(&clock);
	return farewell;
}

/* In a thread of librbd. */
static void closing_ended(rbd_completion_t completion, void *arg)
{
	struct farewell *farewell = arg;
	bool is_given_up;

	farewell->lib.release(completion);
	pthread_mutex_lock(&farewell->lock);
	farewell->is_over = true;
	is_given_up = farewell->is_given_up;
	pthread_cond_signal(&farewell->ended);
	pthread_mutex_unlock(&farewell->lock);
	if (is_given_up)
		free_farewell(farewell);
}

/* Whether it is over by then; if not the farewell is given up. */
static bool wait_until_over(struct farewell *farewell, unsigned seconds)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&farewell->lock);
	struct timespec until;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	while (!farewell->is_over && !ret)
		ret = pthread_cond_timedwait(&farewell->ended, &farewell->lock, &until);
	farewell->is_given_up = !farewell->is_over;
	return farewell->is_over;
}

/* Seconds that an answer may take; 0: any number. */
static unsigned answer_time(struct img_rbd *rbd)
{
	char text[32];

	if (rbd->lib.get_conf(rbd->cluster, "rados_osd_op_timeout", text, sizeof(text)) < 0)
		return 0;
	return (unsigned)strtoul(text, NULL, 10);
}

static bool close_within(struct img_rbd *rbd, unsigned seconds)
{
	struct farewell *farewell = new_farewell(&rbd->lib);
	rbd_completion_t completion;

	if (!farewell || rbd->lib.completion(farewell, closing_ended, &completion) < 0 ||
	    rbd->lib.aio_close(rbd->image, completion) < 0)
		return false;		/* what is there is left to the end of the process */
	if (!wait_until_over(farewell, seconds))
		return false;
	free_farewell(farewell);
	return true;
}

bool img_rbd_close(struct img_rbd *rbd)
{
	const unsigned seconds = rbd->image ? answer_time(rbd) : 0;

	if (rbd->image && !seconds)
		(void)rbd->lib.close(rbd->image);	/* what was written is durable, or not asked for */
	else if (rbd->image)
		rbd->is_silent = !close_within(rbd, seconds * ANSWERS);
	rbd->image = NULL;
	return !rbd->is_silent;
}

void img_rbd_disconnect(struct img_rbd *rbd)
{
	if (img_rbd_close(rbd)) {
		if (rbd->pool)
			rbd->lib.pool_close(rbd->pool);
		if (rbd->cluster)
			rbd->lib.shutdown(rbd->cluster);
	}
	img_rbd_name_clear(&rbd->name);
	rbd->pool = NULL;
	rbd->cluster = NULL;
}
