/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

TestSuite(file, .init = scratch_enter, .fini = scratch_leave);

Test(file, reads_what_is_there)
{
	struct img_store *st;
	uint8_t buf[100];
	uint64_t size;

	make_file("f", 1000);
	ok(st = img_store_file("f", 0, IMG_CACHE_DEFAULT, &err));
	cr_assert_eq(st->cache, IMG_CACHE_WRITEBACK);
	cr_assert_eq(st->align, 1);
	ok(img_store_size(st, &size, &err));
	cr_assert_eq(size, 1000);
	ok(img_store_read(st, 900, buf, 100, &err));
	cr_assert(is_pattern(buf, 900, 100));
	fails(img_store_read(st, 901, buf, 100, &err), IMG_E_INCOMPLETE);
	fails(img_store_read(st, 5000, buf, 100, &err), IMG_E_INCOMPLETE);
	img_store_close(st);
}

Test(file, tells_when_it_was_changed)
{
	const struct timespec times[2] = { { .tv_sec = 5 }, { .tv_sec = 1000000000 } };
	struct img_store *st, *memory;
	int64_t seconds;

	make_file("f", 10);
	cr_assert_not(utimensat(AT_FDCWD, "f", times, 0));
	ok(st = img_store_file("f", 0, IMG_CACHE_DEFAULT, &err));
	ok(img_store_time(st, &seconds, &err));
	cr_assert_eq(seconds, 1000000000);
	ok(memory = img_store_mem("x", 1, &err));
	fails(img_store_time(memory, &seconds, &err), IMG_E_UNSUPPORTED);
	img_store_close(memory);
	img_store_close(st);
}

Test(file, opened_for_reading_is_not_written)
{
	struct img_store *st;

	make_file("f", 10);
	ok(st = img_store_file("f", 0, IMG_CACHE_DEFAULT, &err));
	fails(img_store_write(st, 0, "x", 1, &err), IMG_E_DENIED);
	fails(img_store_zero(st, 0, 1, false, &err), IMG_E_DENIED);
	fails(img_store_resize(st, 0, &err), IMG_E_UNSUPPORTED);
	cr_assert_str_eq(err.text, "f: cannot change its size");
	img_store_close(st);
}

Test(file, every_cache_mode_writes_grows_and_syncs)
{
	for (enum img_cache cache = IMG_CACHE_DEFAULT; cache <= IMG_CACHE_UNSAFE; cache++) {
		struct img_store *st;
		uint8_t buf[10000];
		uint64_t size;

		make_file("f", 10);
		ok(st = img_store_file("f", IMG_OPEN_WRITE, cache, &err));
		fill_pattern(buf, 5000, sizeof(buf));
		ok(img_store_write(st, 5000, buf, sizeof(buf), &err));
		ok(img_store_sync(st, &err));
		ok(img_store_size(st, &size, &err));
		cr_assert_eq(size, 15000);
		ok(img_store_resize(st, 14000, &err));
		ok(img_store_read(st, 0, buf, 10, &err));
		cr_assert(is_pattern(buf, 0, 10));
		ok(img_store_read(st, 10, buf, 4990, &err));
		cr_assert(is_zero(buf, 4990));
		ok(img_store_read(st, 5000, buf, 9000, &err));
		cr_assert(is_pattern(buf, 5000, 9000));
		fails(img_store_read(st, 5000, buf, 9001, &err), IMG_E_INCOMPLETE);
		ok(img_store_publish(st, &err));
		img_store_close(st);
	}
}

Test(file, what_is_no_file_is_refused)
{
	const struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "socket" };
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	cr_assert(!bind(fd, (const struct sockaddr *)&name, sizeof(name)));
	fails(img_store_file(".", 0, IMG_CACHE_DEFAULT, &err), IMG_E_ARGUMENT);
	cr_assert_str_eq(err.text, ".: is a directory");
	fails(img_store_file("/dev/null", 0, IMG_CACHE_DEFAULT, &err), IMG_E_ARGUMENT);
	fails(img_store_file("socket", 0, IMG_CACHE_DEFAULT, &err), IMG_E_IO);
	fails(img_store_file("nothing", 0, IMG_CACHE_DEFAULT, &err), IMG_E_IO);
	cr_assert_str_eq(err.text, "nothing: cannot open: No such file or directory");
	close(fd);
}

Test(file, a_disk_quota_is_no_space)
{
	const struct rlimit limit = { 1000, 1000 };
	struct img_store *st;
	static char buf[4096];

	make_file("f", 10);
	signal(SIGXFSZ, SIG_IGN);
	ok(st = img_store_file("f", IMG_OPEN_WRITE, IMG_CACHE_DEFAULT, &err));
	cr_assert(!setrlimit(RLIMIT_FSIZE, &limit));
	fails(img_store_write(st, 0, buf, sizeof(buf), &err), IMG_E_NOSPACE);
	cr_assert_eq(err.os_errno, EFBIG);
	fails(img_store_resize(st, 1001, &err), IMG_E_NOSPACE);
	img_store_close(st);
}

Test(file, a_full_disk_is_no_space)
{
	struct img_store *st;
	static char buf[1 << 20];

	mkdir("small", 0755);
	if (mount("none", "small", "tmpfs", 0, "size=256k"))
		cr_skip("cannot mount");
	make_file("small/f", 10);
	ok(st = img_store_file("small/f", IMG_OPEN_WRITE, IMG_CACHE_DEFAULT, &err));
	memset(buf, 1, sizeof(buf));
	fails(img_store_write(st, 0, buf, sizeof(buf), &err), IMG_E_NOSPACE);
	fails(img_store_preallocate(st, 0, sizeof(buf), IMG_PREALLOC_FULL, &err),
	      IMG_E_NOSPACE);
	img_store_close(st);
	umount("small");
}

#define N_THREADS 4
#define PER_THREAD (256 * 1024)

struct worker {
	struct img_store *st;
	uint64_t at;
	bool ok;
};

/* Pieces of odd length, so that neighbours share blocks. */
static void *write_and_read(void *arg)
{
	struct worker *me = arg;
	uint8_t buf[4099];

	me->ok = true;
	for (size_t done = 0, n; me->ok && done < PER_THREAD; done += n) {
		n = PER_THREAD - done < sizeof(buf) ? PER_THREAD - done : sizeof(buf);
		fill_pattern(buf, me->at + done, n);
		me->ok = img_store_write(me->st, me->at + done, buf, n, NULL);
	}
	for (size_t done = 0, n; me->ok && done < PER_THREAD; done += n) {
		n = PER_THREAD - done < 4001 ? PER_THREAD - done : 4001;
		me->ok = img_store_read(me->st, me->at + done, buf, n, NULL) &&
			 is_pattern(buf, me->at + done, n);
	}
	return NULL;
}

Test(file, many_threads_at_once)
{
	const enum img_cache modes[] = { IMG_CACHE_WRITEBACK, IMG_CACHE_NONE };

	for (size_t mode = 0; mode < 2; mode++) {
		struct worker workers[N_THREADS];
		pthread_t threads[N_THREADS];
		struct img_store *st;
		uint64_t size;

		ok(st = img_store_file_new("f", modes[mode], &err));
		for (size_t i = 0; i < N_THREADS; i++) {
			workers[i] = (struct worker){ st, i * PER_THREAD + 13, false };
			pthread_create(&threads[i], NULL, write_and_read, &workers[i]);
		}
		for (size_t i = 0; i < N_THREADS; i++) {
			pthread_join(threads[i], NULL);
			cr_assert(workers[i].ok);
		}
		ok(img_store_size(st, &size, &err));
		cr_assert_eq(size, N_THREADS * PER_THREAD + 13);
		img_store_close(st);
	}
}
