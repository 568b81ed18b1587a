/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking leave of a cluster that answers, and of one that does not. */
#include <stdio.h>
#include "scratch.h"
#include "store/rbd.h"

static struct {
	const char *seconds;		/* that an answer may take, as the configuration says */
	bool answers;
	rbd_callback_t told;
	void *arg;
	unsigned closes, released, left_pools, shutdowns;
} cluster;

static int get_conf(rados_t of, const char *name, char *text, size_t room)
{
	(void)of;
	cr_assert_str_eq(name, "rados_osd_op_timeout");
	return snprintf(text, room, "%s", cluster.seconds) < 0;
}

static int completion(void *arg, rbd_callback_t told, rbd_completion_t *out)
{
	cluster.told = told;
	cluster.arg = arg;
	*out = &cluster;
	return 0;
}

static void release(rbd_completion_t which)
{
	cr_assert_eq(which, &cluster);
	cluster.released++;
}

static int close_slowly(rbd_image_t image, rbd_completion_t which)
{
	(void)image;
	cluster.closes++;
	if (cluster.answers)
		cluster.told(which, cluster.arg);
	return 0;
}

static int close_now(rbd_image_t image)
{
	(void)image;
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

static struct img_rbd open_image(const char *seconds, bool answers)
{
	cluster.seconds = seconds;
	cluster.answers = answers;
	return (struct img_rbd){
		.lib = {
			.get_conf = get_conf, .completion = completion, .release = release,
			.aio_close = close_slowly, .close = close_now, .pool_close = leave_pool,
			.shutdown = shutdown_client,
		},
		.cluster = &cluster, .pool = &cluster, .image = &cluster,
	};
}

Test(rbd_leave, who_answers_is_told_of_the_end)
{
	struct img_rbd rbd = open_image("5", true);

	img_rbd_disconnect(&rbd);
	cr_expect(cluster.closes == 1 && cluster.released == 1);
	cr_expect(cluster.left_pools == 1 && cluster.shutdowns == 1);
}

Test(rbd_leave, without_a_bound_it_is_waited_for)
{
	struct img_rbd rbd = open_image("0", false);

	img_rbd_disconnect(&rbd);
	cr_expect(cluster.closes == 1 && !cluster.told);
	cr_expect(cluster.left_pools == 1 && cluster.shutdowns == 1);
}

/* All that would wait for an answer is left alone, and one that comes in spite of it does no harm. */
Test(rbd_leave, of_one_that_is_silent_is_bounded, .timeout = 60)
{
	struct img_rbd rbd = open_image("1", false);

	cr_expect_not(img_rbd_close(&rbd));
	img_rbd_disconnect(&rbd);
	cr_expect_eq(cluster.closes, 1);
	cr_expect(!cluster.left_pools && !cluster.shutdowns);
	cluster.told(&cluster, cluster.arg);
	cr_expect_eq(cluster.released, 1);
}
