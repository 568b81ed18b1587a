/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking leave of a cluster that answers, and of one that does not. */
#include <semaphore.h>
#include "scratch.h"
#include "store/rbd.h"

static struct {
	bool answers;
	sem_t answer;			/* if it does not, until somebody posts this */
	atomic_uint closes, left_pools, shutdowns;
} cluster;

static int close_image(rbd_image_t image)
{
	cr_assert_eq(image, &cluster);
	if (!cluster.answers)
		sem_wait(&cluster.answer);
	cluster.closes++;
	return 0;
}

static void leave_pool(rados_ioctx_t pool)
{
	(void)pool;
	cluster.left_pools++;
}

static void shutdown_client(rados_t of)
{
	(void)of;
	cluster.shutdowns++;
}

static struct img_rbd open_image(unsigned patience, bool answers)
{
	cluster.answers = answers;
	sem_init(&cluster.answer, 0, 0);
	return (struct img_rbd){
		.lib = { .close = close_image, .pool_close = leave_pool, .shutdown = shutdown_client },
		.cluster = &cluster, .pool = &cluster, .image = &cluster, .patience = patience,
	};
}

Test(rbd_leave, who_answers_is_told_of_the_end)
{
	struct img_rbd rbd = open_image(60, true);

	cr_expect(img_rbd_close(&rbd));
	img_rbd_disconnect(&rbd);
	cr_expect(cluster.closes == 1 && cluster.left_pools == 1 && cluster.shutdowns == 1);
}

/* All that would wait for an answer is left alone, and one that comes in spite of it does no harm. */
Test(rbd_leave, of_one_that_is_silent_is_bounded, .timeout = 60)
{
	struct img_rbd rbd = open_image(1, false);

	cr_expect_not(img_rbd_close(&rbd));
	cr_expect_not(img_rbd_close(&rbd));
	img_rbd_disconnect(&rbd);
	cr_expect(!cluster.closes && !cluster.left_pools && !cluster.shutdowns);
	sem_post(&cluster.answer);
	while (!cluster.closes)
		continue;
}

static void nap_and_tell(struct img_rbd_errand *errand, void *naps)
{
	const struct timespec nap = { .tv_nsec = 250 * 1000 * 1000 };

	for (int i = 0; i < *(int *)naps; i++) {
		nanosleep(&nap, NULL);
		img_rbd_goes_on(errand);
	}
	cluster.closes++;
}

Test(rbd_leave, what_goes_on_is_waited_for_beyond_its_bound, .timeout = 60)
{
	struct img_rbd rbd = open_image(2, true);
	int naps = 10;

	rbd.is_silent = true;
	cr_expect(img_rbd_within_bounds(&rbd, nap_and_tell, &naps));
	cr_expect_eq(cluster.closes, 1);
}

Test(rbd_leave, without_a_bound_nobody_is_told)
{
	struct img_rbd rbd = open_image(0, true);
	int naps = 1;

	cr_expect(img_rbd_within_bounds(&rbd, nap_and_tell, &naps));
	cr_expect_eq(cluster.closes, 1);
}
