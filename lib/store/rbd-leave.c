/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taking leave of a cluster.  What has to be done for that is a dozen talks with it, each of which may wait
 * as long as it was told to; with one that has gone silent all of them together are to be bounded as well.
 * So a thread does it, whose end we need not see.
 */
#include "store/rbd.h"

#include <stdlib.h>
#include "base/deadline.h"
#include "base/lock.h"
#include "base/mem.h"

/* So many times as long as one answer may take all of an errand is waited for. */
enum { ANSWERS = 3 };

/* ---- Errands ------------------------------------------------------------------------------------- */

/* Whoever comes last of the two, who does it and who waits for that, frees it. */
struct img_rbd_errand {
	img_rbd_errand_fn *what;
	void *arg;
	unsigned patience;		/* seconds */
	pthread_mutex_t lock;		/* guards all below */
	pthread_cond_t ended;
	struct timespec until;		/* it is waited for */
	bool is_over;
	bool is_given_up;
};

static void free_errand(struct img_rbd_errand *errand)
{
	pthread_cond_destroy(&errand->ended);
	pthread_mutex_destroy(&errand->lock);
	free(errand);
}

static struct img_rbd_errand *new_errand(unsigned patience, img_rbd_errand_fn *what, void *arg)
{
	struct img_rbd_errand *errand = img_calloc(1, sizeof(*errand), NULL);

	if (!errand)
		return NULL;
	*errand = (struct img_rbd_errand){
		.what = what, .arg = arg, .patience = patience, .until = img_deadline_in(patience),
	};
	pthread_mutex_init(&errand->lock, NULL);
	img_deadline_init_cond(&errand->ended);
	return errand;
}

static void *run(void *arg)
{
	struct img_rbd_errand *errand = arg;
	bool is_given_up;

	errand->what(errand, errand->arg);
	pthread_mutex_lock(&errand->lock);
	errand->is_over = true;
	is_given_up = errand->is_given_up;
	pthread_cond_signal(&errand->ended);
	pthread_mutex_unlock(&errand->lock);
	if (is_given_up)
		free_errand(errand);
	return NULL;
}

/* False: it is given up. */
static bool wait_until_over(struct img_rbd_errand *errand)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&errand->lock);

	while (!errand->is_over && !img_deadline_is_over(errand->until)) {
		const struct timespec until = errand->until;	/* which changes meanwhile */

		(void)pthread_cond_timedwait(&errand->ended, &errand->lock, &until);
	}
	errand->is_given_up = !errand->is_over;
	return errand->is_over;
}

void img_rbd_goes_on(struct img_rbd_errand *errand)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = NULL;

	if (!errand)
		return;
	held = img_lock(&errand->lock);
	errand->until = img_deadline_in(errand->patience);
}

/* Seconds that all of an errand may take; 0: any number. */
static unsigned bound_of(const struct img_rbd *rbd)
{
	return rbd->is_silent ? rbd->patience : rbd->patience * ANSWERS;
}

bool img_rbd_within_bounds(struct img_rbd *rbd, img_rbd_errand_fn *what, void *arg)
{
	const unsigned patience = bound_of(rbd);
	struct img_rbd_errand *errand = patience ? new_errand(patience, what, arg) : NULL;
	pthread_t thread;

	if (errand && !pthread_create(&thread, NULL, run, errand)) {
		pthread_detach(thread);
		if (!wait_until_over(errand))
			return false;
		free_errand(errand);
		return true;
	}
	if (errand)
		free_errand(errand);
	what(NULL, arg);
	return true;
}

/* ---- Images -------------------------------------------------------------------------------------- */

/* What closing needs when whoever wanted it is gone. */
struct closing {
	struct img_rbd_library lib;
	rbd_image_t image;
};

static void close_image(struct img_rbd_errand *errand, void *arg)
{
	struct closing *closing = arg;

	(void)errand;
	(void)closing->lib.close(closing->image);	/* what was written is durable, or not asked for */
	free(closing);
}

bool img_rbd_close(struct img_rbd *rbd)
{
	struct closing *closing = rbd->image ? img_calloc(1, sizeof(*closing), NULL) : NULL;

	if (closing) {
		*closing = (struct closing){ .lib = rbd->lib, .image = rbd->image };
		rbd->is_left = !img_rbd_within_bounds(rbd, close_image, closing);
	} else {
		rbd->is_left |= rbd->image != NULL;	/* to the end of the process */
	}
	rbd->image = NULL;
	return !rbd->is_left;
}

static int one_more_is_gone(uint64_t n, uint64_t of, void *errand)
{
	(void)n, (void)of;
	img_rbd_goes_on(errand);
	return 0;
}

int img_rbd_remove(struct img_rbd *rbd, const char *image, struct img_rbd_errand *errand)
{
	return rbd->lib.remove(rbd->pool, image, one_more_is_gone, errand);
}

void img_rbd_disconnect(struct img_rbd *rbd)
{
	if (rbd->image)
		(void)rbd->lib.close(rbd->image);
	if (rbd->pool && !rbd->is_left)
		rbd->lib.pool_close(rbd->pool);
	if (rbd->cluster && !rbd->is_left)
		rbd->lib.shutdown(rbd->cluster);
	img_rbd_name_clear(&rbd->name);
	free(rbd->temporary);
	rbd->temporary = NULL;
	rbd->image = NULL;
	rbd->pool = NULL;
	rbd->cluster = NULL;
}
