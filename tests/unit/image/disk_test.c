/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing in place, above the drivers: what is refused, when a flush makes a sync, and when space
 * may be used again.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "unit/fake/fake.h"
#include "unit/fake/files.h"

#define BLOCK 4096
#define DISK_BYTES (64 * 1024)

TestSuite(disk, .init = files_enter, .fini = files_leave, .timeout = 60);

static struct img_err err;

#define ok(call) cr_assert((call), "%s: %s", #call, err.text)
#define fails(call, why)                                                             \
	do {                                                                         \
		err = (struct img_err){ 0 };                                         \
		cr_assert(!(call), "%s did not fail", #call);                        \
		cr_assert_eq(err.code, why, "%s: %d, %s", #call, (int)err.code, err.text); \
	} while (0)

/* ---- A raw file ---------------------------------------------------------------------------------- */

static struct img *open_raw(unsigned flags, enum img_cache cache)
{
	const struct img_open how = {
		.path = "disk", .format = "raw", .flags = flags, .cache = cache,
	};
	uint8_t *bytes = malloc(DISK_BYTES);
	struct img *im;

	memset(bytes, 'x', DISK_BYTES);
	files_write("disk", bytes, DISK_BYTES);
	free(bytes);
	ok(im = img_open(&how, &err));
	return im;
}

static uint64_t syncs_of(const struct img *im)
{
	struct img_traffic traffic;

	img_get_traffic(im, &traffic);
	return traffic.syncs;
}

Test(disk, requests_do_what_they_say)
{
	struct img *im = open_raw(IMG_OPEN_WRITE, IMG_CACHE_WRITEBACK);
	char text[13] = "";
	uint8_t *found;
	size_t len;

	ok(img_write(im, 1000, "written", 7, &err));
	ok(img_write_zeros(im, 1007, 2, false, &err));
	ok(img_write_zeros(im, 8192, 8192, true, &err));
	ok(img_discard(im, 32768, 4096, &err));
	ok(img_read(im, 998, text, 12, &err));
	cr_assert_arr_eq(text, "xxwritten\0\0x", 12);
	ok(img_finish(im, &err));
	img_close(im);
	found = files_read("disk", &len);
	cr_assert_eq(len, DISK_BYTES);
	cr_assert_arr_eq(found + 998, "xxwritten\0\0x", 12);
	cr_assert(found[8191] == 'x' && !found[8192] && !found[16383] && found[16384] == 'x');
	cr_assert(found[32767] == 'x' && found[36864] == 'x' && found[32768] == found[36863]);
	free(found);
}

Test(disk, what_is_outside_is_refused)
{
	static const struct { uint64_t at, len; } outside[] = {
		{ 0, DISK_BYTES + 1 }, { DISK_BYTES, 1 }, { DISK_BYTES - 1, 2 }, { UINT64_MAX, 1 },
		{ UINT64_MAX - 1, 4 }, { DISK_BYTES + 1, 0 },
	};
	struct img *im = open_raw(IMG_OPEN_WRITE, IMG_CACHE_WRITEBACK);
	static const uint8_t bytes[DISK_BYTES + 1];
	struct img_traffic traffic;

	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		const uint64_t at = outside[i].at, len = outside[i].len;

		fails(img_write(im, at, bytes, len, &err), IMG_E_RANGE);
		fails(img_write_zeros(im, at, len, true, &err), IMG_E_RANGE);
		fails(img_discard(im, at, len, &err), IMG_E_RANGE);
	}
	ok(img_write(im, DISK_BYTES, bytes, 0, &err));
	ok(img_write_zeros(im, 0, 0, false, &err));
	ok(img_discard(im, 0, 0, &err));
	ok(img_flush(im, &err));
	img_get_traffic(im, &traffic);
	cr_assert(!traffic.writes && !traffic.zeros && !traffic.syncs);
	img_close(im);
}

Test(disk, who_only_reads_cannot_write)
{
	struct img *im = open_raw(0, IMG_CACHE_DEFAULT);

	fails(img_write(im, 0, "a", 1, &err), IMG_E_DENIED);
	cr_assert_str_eq(err.text, "disk: is not open for writing");
	fails(img_write_zeros(im, 0, 1, false, &err), IMG_E_DENIED);
	fails(img_discard(im, 0, 1, &err), IMG_E_DENIED);
	ok(img_flush(im, &err));
	img_close(im);
}

Test(disk, nothing_is_written_after_the_end)
{
	struct img *im = open_raw(IMG_OPEN_WRITE, IMG_CACHE_WRITEBACK);

	ok(img_write(im, 0, "a", 1, &err));
	ok(img_finish(im, &err));
	cr_assert_eq(syncs_of(im), 1);
	fails(img_write(im, 0, "b", 1, &err), IMG_E_DENIED);
	ok(img_flush(im, &err));
	ok(img_finish(im, &err));
	cr_assert_eq(syncs_of(im), 1);
	img_close(im);
}

/* ---- Syncs --------------------------------------------------------------------------------------- */

Test(disk, a_flush_syncs_what_was_written_since_the_last)
{
	struct img *im = open_raw(IMG_OPEN_WRITE, IMG_CACHE_WRITEBACK);
	char c;

	ok(img_flush(im, &err));
	ok(img_read(im, 0, &c, 1, &err));
	ok(img_flush(im, &err));
	cr_assert_eq(syncs_of(im), 0);
	ok(img_write(im, 0, "a", 1, &err));
	ok(img_write(im, 9, "b", 1, &err));
	cr_assert_eq(syncs_of(im), 0);
	ok(img_flush(im, &err));
	ok(img_flush(im, &err));
	cr_assert_eq(syncs_of(im), 1);
	ok(img_discard(im, 0, 4096, &err));
	ok(img_flush(im, &err));
	cr_assert_eq(syncs_of(im), 2);
	ok(img_write_zeros(im, 0, 4096, false, &err));
	ok(img_flush(im, &err));
	cr_assert_eq(syncs_of(im), 3);
	img_close(im);
}

static const struct { enum img_cache cache; unsigned of_requests, of_flush; } modes[] = {
	{ IMG_CACHE_DEFAULT, 0, 1 },	  { IMG_CACHE_WRITEBACK, 0, 1 },
	{ IMG_CACHE_NONE, 0, 1 },	  { IMG_CACHE_WRITETHROUGH, 3, 0 },
	{ IMG_CACHE_DIRECTSYNC, 3, 0 },	  { IMG_CACHE_UNSAFE, 0, 0 },
};

Test(disk, cache_modes_say_when_to_sync)
{
	static const uint8_t bytes[BLOCK];

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct img *im = open_raw(IMG_OPEN_WRITE, modes[i].cache);
		unsigned before;

		ok(img_write(im, BLOCK, bytes, BLOCK, &err));
		ok(img_write_zeros(im, 0, BLOCK, true, &err));
		ok(img_discard(im, 3 * BLOCK, BLOCK, &err));
		before = (unsigned)syncs_of(im);
		cr_assert_eq(before, modes[i].of_requests, "mode %d", (int)modes[i].cache);
		ok(img_flush(im, &err));
		cr_assert_eq(syncs_of(im) - before, modes[i].of_flush, "mode %d",
			     (int)modes[i].cache);
		img_close(im);
	}
}

/* im, whose top layer then fails as script says. */
static struct img *with_faults(struct img *im, const char *script)
{
	struct img_layer *ly = &im->layers[0];

	ok(ly->store = img_store_fault(ly->store, script, &err));
	return im;
}

Test(disk, after_a_failed_sync_nothing_is_promised)
{
	struct img *im = with_faults(open_raw(IMG_OPEN_WRITE, IMG_CACHE_WRITEBACK), "sync:1");

	ok(img_write(im, 0, "a", 1, &err));
	fails(img_flush(im, &err), IMG_E_IO);
	cr_assert(strstr(err.text, "disk: "), "%s", err.text);
	fails(img_flush(im, &err), IMG_E_IO);
	ok(img_write(im, 0, "b", 1, &err));
	fails(img_flush(im, &err), IMG_E_IO);
	fails(img_finish(im, &err), IMG_E_IO);
	cr_assert_eq(syncs_of(im), 1);
	img_close(im);
}

Test(disk, through_a_failed_sync_is_a_failed_request)
{
	struct img *im = with_faults(open_raw(IMG_OPEN_WRITE, IMG_CACHE_WRITETHROUGH), "sync:2");

	ok(img_write(im, 0, "a", 1, &err));
	fails(img_write(im, 1, "b", 1, &err), IMG_E_IO);
	fails(img_write_zeros(im, 1, 1, false, &err), IMG_E_IO);
	img_close(im);
}

Test(disk, a_failed_request_may_have_written)
{
	struct img *im = with_faults(open_raw(IMG_OPEN_WRITE, IMG_CACHE_WRITEBACK),
				     "write:1=short,sync:2");

	fails(img_write(im, 0, "abcd", 4, &err), IMG_E_IO);
	ok(img_flush(im, &err));
	cr_assert_eq(syncs_of(im), 1);
	img_close(im);
}

/* ---- Layers below -------------------------------------------------------------------------------- */

static struct img *open_stack(const char *const *drawings, size_t n)
{
	struct img *im = fake_stack(drawings, n, BLOCK);

	ok(img_disk_new(im, IMG_CACHE_WRITEBACK, &err));
	return im;
}

Test(disk, below_is_the_stack_without_the_top)
{
	static const char *const drawings[] = { "aaaaaa", ".b.0", "cCc" };
	struct img *im = open_stack(drawings, 3);
	const struct img_below *below = im->layers[0].below;
	uint8_t *want = fake_content("cbc0..", BLOCK, 0), found[6 * BLOCK];
	struct img_extent ex;

	memset(found, 1, sizeof(found));
	ok(below->read(below, 0, found, sizeof(found), &err));
	cr_assert_arr_eq(found, want, sizeof(found));
	ok(below->extent(below, 0, 6 * BLOCK, &ex, &err));
	cr_assert(ex.kind == IMG_EXTENT_DATA && ex.len == BLOCK && ex.depth == 2);
	ok(below->extent(below, 4 * BLOCK, 6 * BLOCK, &ex, &err));
	cr_assert(ex.kind == IMG_EXTENT_HOLE && ex.len == 2 * BLOCK);
	free(want);
	img_close(im);
}

Test(disk, a_single_layer_has_nothing_below)
{
	static const char *const drawing[] = { "a" };
	struct img *im = open_stack(drawing, 1);

	cr_assert_null(im->layers[0].below);
	img_close(im);
}

Test(disk, without_its_backing_file_it_is_not_written)
{
	struct img *im = fake_disk("ab", BLOCK, 0);

	im->layers[0].backing = strdup("base.img");
	ok(img_disk_new(im, IMG_CACHE_WRITEBACK, &err));
	fails(img_write(im, 0, "a", 1, &err), IMG_E_DENIED);
	cr_assert(strstr(err.text, "base.img"), "%s", err.text);
	fails(img_write_zeros(im, 0, 1, false, &err), IMG_E_DENIED);
	fails(img_discard(im, 0, 1, &err), IMG_E_DENIED);
	img_close(im);
}

/* ---- Flushes beside requests --------------------------------------------------------------------- */

/* A driver that waits where it is told to. */
struct slow {
	sem_t entered, go;		/* a slow step has begun; it may end */
	_Atomic bool wait_in_write, wait_in_flush, wait_in_extent;
	bool frees;
	_Atomic unsigned inside, flushes, reclaims;
	_Atomic bool reclaimed_too_early;
	unsigned fail_flush;		/* which flush fails, from 1; 0: none */
};

static void stop_here(struct slow *slow, _Atomic bool *where)
{
	if (!atomic_exchange(where, false))
		return;
	sem_post(&slow->entered);
	sem_wait(&slow->go);
}

static bool slow_write(struct img_layer *ly, uint64_t at, const void *buf, size_t len,
		       struct img_err *why)
{
	struct slow *slow = ly->priv;

	(void)at, (void)buf, (void)len, (void)why;
	slow->inside++;
	stop_here(slow, &slow->wait_in_write);
	slow->inside--;
	return true;
}

static bool slow_extent(struct img_layer *ly, uint64_t at, uint64_t limit, struct img_extent *out,
			struct img_err *why)
{
	struct slow *slow = ly->priv;

	(void)why;
	*out = (struct img_extent){ .start = at, .len = limit - at, .kind = IMG_EXTENT_ZERO };
	slow->inside++;
	stop_here(slow, &slow->wait_in_extent);
	slow->inside--;
	return true;
}

static bool slow_flush(struct img_layer *ly, bool *freed, struct img_err *why)
{
	struct slow *slow = ly->priv;

	*freed = slow->frees;
	stop_here(slow, &slow->wait_in_flush);
	return ++slow->flushes != slow->fail_flush || img_fail(why, IMG_E_IO, "slow");
}

static bool slow_reclaim(struct img_layer *ly, struct img_err *why)
{
	struct slow *slow = ly->priv;

	(void)why;
	if (!slow->flushes || slow->inside)
		slow->reclaimed_too_early = true;
	slow->reclaims++;
	return true;
}

static bool slow_finish(struct img_layer *ly, struct img_err *why)
{
	(void)ly, (void)why;
	return true;
}

static const struct img_disk_ops slow_ops = {
	.write = slow_write, .flush = slow_flush, .reclaim = slow_reclaim, .finish = slow_finish,
};
static const struct img_format slow_format = {
	.name = "slow", .disk = &slow_ops, .extent = slow_extent,
};

static struct img *open_slow(struct slow *slow)
{
	struct img *im = calloc(1, sizeof(*im));

	*slow = (struct slow){ 0 };
	sem_init(&slow->entered, 0, 0);
	sem_init(&slow->go, 0, 0);
	im->layers = calloc(1, sizeof(*im->layers));
	im->n_layers = 1;
	im->layers[0] = (struct img_layer){
		.format = &slow_format, .priv = slow, .size = DISK_BYTES,
		.store = &fake_store_new(0, 0, IMG_STORE_WRITE | IMG_STORE_SEEK)->head,
	};
	ok(img_disk_new(im, IMG_CACHE_WRITEBACK, &err));
	return im;
}

static void *do_write(void *im)
{
	cr_assert(img_write(im, 0, "a", 1, NULL));
	return NULL;
}

static void *do_extent(void *im)
{
	struct img_extent ex;

	cr_assert(img_extent(im, 0, DISK_BYTES, &ex, NULL));
	return NULL;
}

static void *do_flush(void *im)
{
	cr_assert(img_flush(im, NULL));
	return NULL;
}

static pthread_t start(void *(*what)(void *), struct img *im)
{
	pthread_t thread;

	cr_assert_not(pthread_create(&thread, NULL, what, im));
	return thread;
}

/* Somebody flushes while `what` is under way, which is told by *wait where to stop. */
static void flush_beside(struct img *im, struct slow *slow, void *(*what)(void *),
			 _Atomic bool *wait)
{
	pthread_t other, flusher;

	slow->frees = true;
	ok(img_write(im, 0, "a", 1, &err));
	*wait = true;
	other = start(what, im);
	sem_wait(&slow->entered);
	flusher = start(do_flush, im);
	while (!slow->flushes)
		usleep(100);
	usleep(20000);		/* long enough for one that does not wait */
	cr_assert_eq(slow->reclaims, 0);
	sem_post(&slow->go);
	pthread_join(other, NULL);
	pthread_join(flusher, NULL);
	cr_assert(slow->reclaims == 1 && !slow->reclaimed_too_early);
}

Test(disk, space_is_reclaimed_when_older_requests_are_out)
{
	struct slow slow;
	struct img *im = open_slow(&slow);

	flush_beside(im, &slow, do_write, &slow.wait_in_write);
	img_close(im);
}

Test(disk, tables_are_reclaimed_when_nobody_looks_at_them)
{
	struct slow slow;
	struct img *im = open_slow(&slow);

	flush_beside(im, &slow, do_extent, &slow.wait_in_extent);
	img_close(im);
}

Test(disk, nothing_is_reclaimed_where_nothing_was_freed)
{
	struct slow slow;
	struct img *im = open_slow(&slow);

	ok(img_write(im, 0, "a", 1, &err));
	ok(img_flush(im, &err));
	cr_assert(slow.flushes == 1 && !slow.reclaims);
	img_close(im);
}

Test(disk, one_flush_answers_all_who_wait)
{
	struct slow slow;
	struct img *im = open_slow(&slow);
	pthread_t flushers[5];

	ok(img_write(im, 0, "a", 1, &err));
	slow.wait_in_flush = true;
	for (size_t i = 0; i < 5; i++)
		flushers[i] = start(do_flush, im);
	sem_wait(&slow.entered);
	usleep(20000);
	sem_post(&slow.go);
	for (size_t i = 0; i < 5; i++)
		pthread_join(flushers[i], NULL);
	cr_assert_eq(slow.flushes, 1);
	img_close(im);
}

Test(disk, a_flush_under_way_does_not_answer_for_what_ends_later)
{
	struct slow slow;
	struct img *im = open_slow(&slow);
	pthread_t flusher;

	ok(img_write(im, 0, "a", 1, &err));
	slow.wait_in_flush = true;
	flusher = start(do_flush, im);
	sem_wait(&slow.entered);
	ok(img_write(im, 0, "b", 1, &err));
	sem_post(&slow.go);
	ok(img_flush(im, &err));
	pthread_join(flusher, NULL);
	cr_assert_eq(slow.flushes, 2);
	img_close(im);
}

Test(disk, a_flush_that_failed_is_tried_again)
{
	struct slow slow;
	struct img *im = open_slow(&slow);

	slow.fail_flush = 1;
	slow.frees = true;
	ok(img_write(im, 0, "a", 1, &err));
	fails(img_flush(im, &err), IMG_E_IO);
	cr_assert_eq(slow.reclaims, 0);
	ok(img_flush(im, &err));
	cr_assert(slow.flushes == 2 && slow.reclaims == 1);
	img_close(im);
}
