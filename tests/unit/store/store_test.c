/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"
#include <pthread.h>
#include <semaphore.h>

Test(store, names_itself_in_errors)
{
	struct img_store *st;
	char buf[4];

	ok(st = img_store_mem("abc", 3, &err));
	fails(img_store_read(st, 1, buf, 4, &err), IMG_E_INCOMPLETE);
	cr_assert_str_eq(err.text, "memory: ends at offset 3, but 4 bytes at offset 1 are needed");
	cr_assert_str_eq(img_store_name(st), "memory");
	img_store_close(st);
}

Test(store, read_some_stops_at_the_end)
{
	struct img_store *st;
	char buf[4];
	size_t got = 99;

	ok(st = img_store_mem("abc", 3, &err));
	ok(img_store_read_some(st, 1, buf, 4, &got, &err));
	cr_assert_eq(got, 2);
	ok(img_store_read_some(st, 7, buf, 4, &got, &err));
	cr_assert_eq(got, 0);
	img_store_close(st);
}

Test(store, refuses_offsets_that_no_file_has)
{
	struct img_store *st;
	char buf[4] = "";

	ok(st = img_store_mem("abc", 3, &err));
	fails(img_store_read(st, UINT64_MAX, buf, 4, &err), IMG_E_RANGE);
	fails(img_store_read(st, INT64_MAX, buf, 4, &err), IMG_E_RANGE);
	fails(img_store_write(st, UINT64_MAX - 3, buf, 4, &err), IMG_E_RANGE);
	fails(img_store_zero(st, 1, UINT64_MAX, false, &err), IMG_E_RANGE);
	img_store_close(st);
}

Test(store, writes_zeros_where_nothing_is_cheaper)
{
	static uint8_t bytes[200000];
	struct img_store *st;

	memset(bytes, 1, sizeof(bytes));
	ok(st = img_store_mem(bytes, sizeof(bytes), &err));
	cr_assert_not(st->caps & IMG_STORE_ZERO);
	ok(img_store_zero(st, 10, 150000, false, &err));
	ok(img_store_read(st, 0, bytes, sizeof(bytes), &err));
	cr_assert(bytes[9] == 1 && is_zero(bytes + 10, 150000) && bytes[150010] == 1);
	img_store_close(st);
}

Test(store, all_is_data_where_it_cannot_tell)
{
	struct img_store *st;
	struct img_extent ex;

	ok(st = img_store_mem("abcdef", 6, &err));
	ok(img_store_extent(st, 1, 5, &ex, &err));
	cr_assert(ex.kind == IMG_EXTENT_DATA && ex.start == 1 && ex.len == 4);
	cr_assert(ex.store == st && ex.host == 1 && ex.host_len == 4);
	img_store_close(st);
}

Test(store, preallocation_off_does_nothing_full_writes)
{
	struct img_store *st;
	uint64_t size;

	ok(st = img_store_mem(NULL, 0, &err));
	ok(img_store_preallocate(st, 0, 10, IMG_PREALLOC_OFF, &err));
	ok(img_store_size(st, &size, &err));
	cr_assert_eq(size, 0);
	fails(img_store_preallocate(st, 0, 10, IMG_PREALLOC_FALLOC, &err), IMG_E_UNSUPPORTED);
	ok(img_store_preallocate(st, 0, 10, IMG_PREALLOC_FULL, &err));
	ok(img_store_size(st, &size, &err));
	cr_assert_eq(size, 10);
	img_store_close(st);
}

Test(store, what_it_lacks_is_no_failure)
{
	struct img_store *st, *from;
	uint64_t done = 99;
	char buf[4] = "";
	size_t got;

	ok(st = img_store_mem(NULL, 0, &err));
	ok(from = img_store_mem("abc", 3, &err));
	img_store_expect(st, 100);
	ok(img_store_sync(st, &err));
	ok(img_store_publish(st, &err));
	ok(img_store_copy(st, 0, from, 0, 3, &done, &err));
	cr_assert_eq(done, 0);
	cr_assert_not(img_store_clones(st, from));
	ok(img_store_peek(from, buf, 2, &got, &err));
	cr_assert(got == 2 && !strcmp(buf, "ab"));
	img_store_close(from);
	img_store_close(st);
	img_store_close(NULL);
}

Test(store, counts_what_is_asked_of_it)
{
	static uint8_t bytes[300];
	struct img_traffic sum = { .reads = 1000 };
	struct img_store *st;
	size_t got;

	ok(st = img_store_mem("abc", 3, &err));
	img_store_add_traffic(st, &sum);
	cr_assert(sum.reads == 1000 && sum.writes == 1 && sum.written_bytes == 3);
	ok(img_store_write(st, 0, bytes, 300, &err));
	ok(img_store_write(st, 0, bytes, 0, &err));
	ok(img_store_read(st, 0, bytes, 20, &err));
	ok(img_store_read_some(st, 290, bytes, 20, &got, &err));
	ok(img_store_zero(st, 10, 50, false, &err));
	ok(img_store_preallocate(st, 0, 8, IMG_PREALLOC_FULL, &err));
	ok(img_store_sync(st, &err));
	fails(img_store_read(st, UINT64_MAX, bytes, 2, &err), IMG_E_RANGE);
	sum = (struct img_traffic){ 0 };
	img_store_add_traffic(st, &sum);
	cr_assert(sum.reads == 2 && sum.read_bytes == 40);
	cr_assert(sum.writes == 2 && sum.written_bytes == 303);
	cr_assert(sum.zeros == 2 && sum.zeroed_bytes == 58);
	cr_assert_eq(sum.syncs, 0, "memory has nothing to sync");
	img_store_close(st);
}

/* The system forgets what it could not write: a sync that works later would be a lie. */
Test(store, a_sync_that_failed_fails_for_ever)
{
	struct img_store *st, *mem;
	struct img_traffic sum = { 0 };

	ok(mem = img_store_mem("abc", 3, &err));
	ok(st = img_store_fault(mem, "sync:2=ENOSPC", &err));
	ok(img_store_sync(st, &err));
	fails(img_store_sync(st, &err), IMG_E_NOSPACE);
	for (int i = 0; i < 2; i++) {
		fails(img_store_sync(st, &err), IMG_E_NOSPACE);
		cr_assert(strstr(err.text, "an earlier attempt"), "%s", err.text);
	}
	cr_assert_not(img_store_sync(st, NULL));
	img_store_add_traffic(st, &sum);
	cr_assert_eq(sum.syncs, 2);
	img_store_close(st);
}

/* Two syncs at once, of which the second to begin ends when the first has failed. */
struct twice {
	struct img_store st;
	sem_t both, failed;
	_Atomic unsigned syncs;
};

static bool twice_sync(struct img_store *st, struct img_err *why)
{
	struct twice *twice = (struct twice *)st;

	if (twice->syncs++ == 0) {
		sem_wait(&twice->both);
		return img_fail(why, IMG_E_IO, "twice");
	}
	sem_post(&twice->both);
	sem_wait(&twice->failed);
	return true;
}

static void *sync_first(void *arg)
{
	struct twice *twice = arg;
	const bool done = img_store_sync(&twice->st, NULL);

	sem_post(&twice->failed);
	return done ? arg : NULL;
}

/* The system tells one of them, and that may concern what the other relies on. */
Test(store, a_sync_that_fails_fails_for_all_under_way, .timeout = 30)
{
	static const struct img_store_ops ops = { .kind = "twice", .sync = twice_sync };
	struct twice twice = { .st = { .ops = &ops, .name = (char[]){ "twice" } } };
	pthread_t thread;
	void *done;

	sem_init(&twice.both, 0, 0);
	sem_init(&twice.failed, 0, 0);
	pthread_create(&thread, NULL, sync_first, &twice);
	while (!twice.syncs)
		usleep(100);
	fails(img_store_sync(&twice.st, &err), IMG_E_IO);
	pthread_join(thread, &done);
	cr_assert_null(done);
}

Test(store, held_by_two_is_closed_by_the_second)
{
	struct img_store *st;
	uint8_t byte;

	ok(st = img_store_mem("abc", 3, &err));
	cr_assert_eq(img_store_hold(st), st);
	img_store_close(st);
	ok(img_store_read(st, 2, &byte, 1, &err));
	cr_assert_eq(byte, 'c');
	img_store_close(st);
}
