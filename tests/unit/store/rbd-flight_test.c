/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests to a cluster: how they are cut, how many are under way, and that failures come out. */
#include <errno.h>
#include "scratch.h"
#include "store/rbd.h"

enum { KIBI = 1024, MEBI = 1024 * KIBI, OBJECT = 4 * MEBI, MOST = 64 };

struct request {
	uint64_t at;
	size_t len;
	uint8_t *to;
	rbd_callback_t told;
	void *arg;
};

static struct {
	struct request v[MOST];		/* in turn; those that ended are used again */
	unsigned n, under_way, most;
	uint64_t bad;			/* the request with this byte fails */
	bool crosses;			/* one touched two objects */
	bool silent;			/* no write ever ends by itself */
} cluster = { .bad = UINT64_MAX };

static int completion(void *arg, rbd_callback_t told, rbd_completion_t *out)
{
	struct request *request = &cluster.v[cluster.n++ % MOST];

	*request = (struct request){ .told = told, .arg = arg };
	*out = request;
	if (++cluster.under_way > cluster.most)
		cluster.most = cluster.under_way;
	return 0;
}

static void begin(struct request *request, uint64_t at, size_t len)
{
	request->at = at;
	request->len = len;
	cluster.crosses |= at / OBJECT != (at + len - 1) / OBJECT;
}

static int begin_read(rbd_image_t image, uint64_t at, size_t len, char *to, rbd_completion_t which,
		      int flags)
{
	struct request *request = which;

	(void)image, (void)flags;
	begin(request, at, len);
	request->to = (uint8_t *)to;
	return 0;
}

static int begin_write(rbd_image_t image, uint64_t at, size_t len, const char *from,
		       rbd_completion_t which)
{
	struct request *request = which;

	(void)image, (void)from;
	begin(request, at, len);
	if (!cluster.silent)
		request->told(which, request->arg);
	return 0;
}

static int wait_for(rbd_completion_t which)
{
	const struct request *request = which;

	fill_pattern(request->to, request->at, request->len);
	return 0;
}

static ssize_t result(rbd_completion_t which)
{
	const struct request *request = which;

	return cluster.bad >= request->at && cluster.bad < request->at + request->len ? -EIO : 0;
}

static void release(rbd_completion_t which)
{
	(void)which;
	cluster.under_way--;
}

static struct img_rbd open_image(void)
{
	return (struct img_rbd){
		.lib = {
			.completion = completion, .aio_read2 = begin_read, .aio_write = begin_write,
			.wait = wait_for, .result = result, .release = release,
		},
		.image = &cluster,
	};
}

Test(rbd_flight, reads_are_under_way_together_and_stay_in_objects)
{
	const uint64_t at = OBJECT - 5 * KIBI;
	const size_t len = 40 * MEBI + 7;
	struct img_rbd rbd = open_image();
	uint8_t *seen = malloc(len);

	ok(img_rbd_read(&rbd, at, seen, len, &err));
	cr_expect(is_pattern(seen, at, len));
	cr_expect_not(cluster.crosses);
	cr_expect(cluster.most > 1 && cluster.most < cluster.n, "%u of %u", cluster.most, cluster.n);
	cr_expect_eq(cluster.under_way, 0);
	free(seen);
}

Test(rbd_flight, a_read_that_fails_is_told_when_none_is_under_way)
{
	struct img_rbd rbd = open_image();
	uint8_t *seen = malloc(40 * MEBI);

	cluster.bad = 3 * MEBI;
	fails(img_rbd_read(&rbd, 0, seen, 40 * MEBI, &err), IMG_E_IO);
	cr_expect_eq(cluster.under_way, 0);
	cr_expect_lt(cluster.n, 20);
	free(seen);
}

Test(rbd_flight, a_write_that_failed_is_told_by_all_that_follow)
{
	static const uint8_t bytes[KIBI];
	struct img_rbd_change change = { .from = bytes, .len = sizeof(bytes) };
	struct img_rbd rbd = open_image();
	struct img_rbd_flights flights;

	img_rbd_flights_init(&flights, &rbd);
	ok(img_rbd_change(&flights, &change, &err));
	ok(img_rbd_land(&flights, &err));
	cluster.bad = KIBI;
	change.at = KIBI;
	ok(img_rbd_change(&flights, &change, &err));
	change.at = 8 * KIBI;
	fails(img_rbd_change(&flights, &change, &err), IMG_E_IO);
	fails(img_rbd_land(&flights, &err), IMG_E_IO);
	cr_expect_eq(cluster.n, 2);
	img_rbd_flights_end(&flights);
}

/* Who made them is free at once, and an answer that comes in spite of it does no harm. */
Test(rbd_flight, what_never_ends_is_given_up, .timeout = 60)
{
	static const uint8_t bytes[KIBI];
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
	struct img_hold hold = { .lock = &lock, .changed = &changed };
	struct img_rbd_change change = { .from = bytes, .len = sizeof(bytes), .hold = &hold };
	struct img_rbd rbd = open_image();
	struct img_rbd_flights flights;

	rbd.patience = 1;
	cluster.silent = true;
	img_rbd_flights_init(&flights, &rbd);
	ok(img_rbd_change(&flights, &change, &err));
	change.hold = NULL;
	change.at = KIBI;
	ok(img_rbd_change(&flights, &change, &err));
	pthread_mutex_lock(&lock);
	while (hold.n)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	cr_expect(hold.is_lost && rbd.is_silent);
	fails(img_rbd_land(&flights, &err), IMG_E_IO);
	img_rbd_flights_end(&flights);
	for (unsigned i = 0; i < cluster.n; i++)
		cluster.v[i].told(&cluster.v[i], cluster.v[i].arg);
	cr_expect_eq(cluster.under_way, 0);
}
