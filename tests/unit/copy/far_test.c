/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A copy from another machine has several reads under way, however few cores there are; one to it may go on
 * while its bytes are needed.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
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

/* ---- Bytes that the target needs when the write has returned ------------------------------------- */

enum { PIECES = 6 };

static struct {
	struct img_store *st;
	uint64_t at;
	const void *bytes;
	size_t len;
	struct img_hold *hold;
} late[PIECES];
static atomic_uint n_late;

/* What was handed over is written later, one after the other. */
static void *write_all(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < PIECES; i++) {
		struct img_err err = { 0 };

		do
			usleep(20000);
		while (n_late <= i);
		cr_assert(meeting.ops->write(late[i].st, late[i].at, late[i].bytes, late[i].len, &err));
		img_hold_drop(late[i].hold);
	}
	return NULL;
}

static bool hand_over(struct img_store *st, uint64_t at, const void *buf, size_t len,
		      struct img_hold *hold, struct img_err *err)
{
	const unsigned i = n_late;

	(void)err;
	cr_assert_lt(i, PIECES);
	img_hold_add(hold);
	late[i].st = st;
	late[i].at = at;
	late[i].bytes = buf;
	late[i].len = len;
	late[i].hold = hold;
	n_late = i + 1;
	return true;
}

Test(far, what_is_held_is_not_used_again, .timeout = 60)
{
	struct img *src = fake_disk("abcdef", MEBI, 0);
	struct img *dst = fake_target(img_size(src), MEBI, 0);
	struct img_store *st = dst->layers[0].store;
	const struct img_copy what = { .src = src, .dst = dst, .threads = 1, .memory = 2 * MEBI };
	uint8_t *want = fake_content("abcdef", MEBI, img_size(src)), *seen;
	struct img_store_ops ops = *st->ops;
	struct img_copy_stats stats;
	struct img_err err = { 0 };
	pthread_t writer;

	meeting.ops = st->ops;
	ops.write_held = hand_over;
	st->ops = &ops;
	cr_assert_not(pthread_create(&writer, NULL, write_all, NULL));
	cr_assert(img_copy_run(&what, NULL, &stats, &err), "%s", err.text);
	pthread_join(writer, NULL);
	seen = fake_target_content(dst, img_size(src));
	cr_expect_not(memcmp(seen, want, img_size(src)));
	st->ops = meeting.ops;
	free(seen);
	free(want);
	img_close(src);
	img_close(dst);
}
