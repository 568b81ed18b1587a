/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A copy from another machine has several reads under way, however few cores there are. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <time.h>
#include "base/lock.h"
#include "copy/copy.h"
#include "unit/fake/fake.h"

enum { MEBI = 1024 * 1024, READERS = 8, PATIENCE = 20 };

/* Who reads waits here until there are as many as are expected, or patience is at its end. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t met;
	const struct img_store_ops *ops;	/* what reads in the end */
	unsigned inside, most;
	bool is_over;
} meeting = { .lock = PTHREAD_MUTEX_INITIALIZER, .met = PTHREAD_COND_INITIALIZER };

static void meet(void)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&meeting.lock);
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE;
	if (++meeting.inside > meeting.most)
		meeting.most = meeting.inside;
	meeting.is_over |= meeting.inside == READERS;
	while (!meeting.is_over && !pthread_cond_timedwait(&meeting.met, &meeting.lock, &until))
		;
	meeting.is_over = true;
	meeting.inside--;
	pthread_cond_broadcast(&meeting.met);
}

static bool read_together(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
			  struct img_err *err)
{
	meet();
	return meeting.ops->read(st, at, buf, len, got, err);
}

Test(far, eight_reads_wait_together, .timeout = 60)
{
	struct img *src = fake_disk("abcdefghijklabcdefghijkl", MEBI, 0);
	struct img *dst = fake_target(img_size(src), MEBI, 0);
	struct img_store *st = &fake_store_of(src)->head;
	const struct img_copy what = { .src = src, .dst = dst };
	struct img_store_ops ops = *st->ops;
	struct img_copy_stats stats;
	struct img_err err = { 0 };

	meeting.ops = st->ops;
	ops.read = read_together;
	st->ops = &ops;
	st->caps |= IMG_STORE_FAR;
	cr_assert(img_copy_run(&what, NULL, &stats, &err), "%s", err.text);
	cr_expect_geq(meeting.most, READERS);
	st->ops = meeting.ops;
	img_close(src);
	img_close(dst);
}
