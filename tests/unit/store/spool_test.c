/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"
#include "base/num.h"
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

TestSuite(spool, .init = scratch_enter, .fini = scratch_leave, .timeout = 30);

#define BYTES (3 * 1024 * 1024 + 77)
#define LIMIT (1024 * 1024)

/* The reading end of a pipe through which `len` bytes of the pattern come. */
static int feed(size_t len)
{
	int ends[2];

	cr_assert(!pipe(ends));
	if (fork() == 0) {
		uint8_t *buf = malloc(len);

		close(ends[0]);
		fill_pattern(buf, 0, len);
		for (size_t at = 0; at < len; ) {
			const ssize_t n = write(ends[1], buf + at, len - at);

			if (n <= 0)
				_exit(1);
			at += (size_t)n;
		}
		_exit(0);
	}
	close(ends[1]);
	return ends[0];
}

static struct img_store *spool_of(int fd, uint64_t limit)
{
	struct img_store *stream, *st;

	ok(stream = img_store_fd(fd, 0, "stdin", &err));
	ok(st = img_store_spool(stream, limit, &err));
	cr_assert(st->caps & IMG_STORE_SEEK);
	return st;
}

static void check_read(struct img_store *st, uint64_t at, size_t len)
{
	uint8_t *buf = malloc(len);

	ok(img_store_read(st, at, buf, len, &err));
	cr_assert(is_pattern(buf, at, len));
	free(buf);
}

Test(spool, reads_forth_and_back)
{
	const uint64_t limits[] = { 0, LIMIT, LIMIT + 1, BYTES + 1 };

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const int fd = feed(BYTES);
		struct img_store *st = spool_of(fd, limits[i]);
		uint64_t size;

		check_read(st, 2 * LIMIT + 5, 1000);
		check_read(st, 0, 1000);
		check_read(st, LIMIT - 10, 20);
		check_read(st, 0, BYTES);
		ok(img_store_size(st, &size, &err));
		cr_assert_eq(size, BYTES);
		uint8_t buf[10];

		fails(img_store_read(st, BYTES - 9, buf, 10, &err), IMG_E_INCOMPLETE);
		cr_assert(strncmp(err.text, "stdin: ends", 11) == 0, "%s", err.text);
		img_store_close(st);
		close(fd);
	}
	cr_assert_eq(count_files(), 0);
}

Test(spool, the_size_is_known_when_all_was_read)
{
	const int fd = feed(BYTES);
	struct img_store *st = spool_of(fd, LIMIT);
	uint64_t size;

	ok(img_store_size(st, &size, &err));
	cr_assert_eq(size, BYTES);
	check_read(st, 0, BYTES);
	img_store_close(st);
	close(fd);
}

/* The writer of the pipe would wait for ever if more than the first bytes were wanted. */
Test(spool, reads_no_further_than_asked)
{
	struct img_store *st;
	char buf[4];
	int ends[2];

	cr_assert(!pipe(ends) && write(ends[1], "abcd", 4) == 4);
	st = spool_of(ends[0], LIMIT);
	alarm(10);
	ok(img_store_read(st, 0, buf, 4, &err));
	img_store_close(st);
}

Test(spool, an_error_stays)
{
	struct img_store *mem, *st;
	uint8_t *bytes = malloc(BYTES);
	char buf[4];

	fill_pattern(bytes, 0, BYTES);
	ok(mem = img_store_mem(bytes, BYTES, &err));
	ok(mem = img_store_fault(mem, "read:2", &err));
	ok(st = img_store_spool(mem, LIMIT, &err));
	check_read(st, 0, 1000);
	for (int i = 0; i < 3; i++)
		fails(img_store_read(st, LIMIT, buf, 4, &err), IMG_E_IO);
	fails(img_store_size(st, &(uint64_t){ 0 }, &err), IMG_E_IO);
	check_read(st, 0, 1000);
	img_store_close(st);
	free(bytes);
}

/* Reads on from `from` to `to` and forgets what it has read, but for the last 5000 bytes. */
static void read_and_forget(struct img_store *st, uint64_t from, uint64_t to)
{
	const size_t step = 9973;

	for (uint64_t at = from; at < to; at += step) {
		check_read(st, at, img_min_u64(step, to - at));
		if (at > 5000)
			img_store_forget(st, at - 5000);
	}
}

/* No file can be made: all goes through memory that is much smaller. */
Test(spool, what_is_forgotten_needs_no_room)
{
	const struct rlimit none = { 0, 0 };
	const int fd = feed(BYTES);
	struct img_store *st = spool_of(fd, 40960);
	uint8_t buf[10];

	signal(SIGXFSZ, SIG_IGN);
	cr_assert(!setrlimit(RLIMIT_FSIZE, &none));
	read_and_forget(st, 0, BYTES);
	check_read(st, BYTES - 5000, 5000);
	fails(img_store_read(st, 100, buf, 10, &err), IMG_E_UNSUPPORTED);
	fails(img_store_read(st, BYTES - 5, buf, 10, &err), IMG_E_INCOMPLETE);
	img_store_close(st);
	close(fd);
}

/* More is wanted at once than memory holds: the file takes it, and what follows. */
Test(spool, what_is_not_forgotten_in_time_goes_to_the_file)
{
	const int fd = feed(BYTES);
	struct img_store *st = spool_of(fd, 40960);

	read_and_forget(st, 0, LIMIT);
	check_read(st, LIMIT, LIMIT);
	read_and_forget(st, LIMIT, BYTES);
	check_read(st, BYTES - 5000, 5000);
	img_store_close(st);
	close(fd);
}

Test(spool, is_drained_to_the_end_of_the_stream)
{
	const struct rlimit none = { 0, 0 };
	const int fd = feed(BYTES);
	struct img_store *st = spool_of(fd, 40960);
	char byte;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert(!setrlimit(RLIMIT_FSIZE, &none));
	check_read(st, 0, 100);
	ok(img_store_drain(st, 50, &err));
	cr_assert_eq(read(fd, &byte, 1), 0);
	img_store_close(st);
	close(fd);
}

static void *read_all(void *st)
{
	static __thread uint8_t buf[10007];
	size_t got = 1;
	uint64_t at;

	for (at = 0; got > 0; at += got)
		if (!img_store_read_some(st, at, buf, sizeof(buf), &got, NULL) ||
		    !is_pattern(buf, at, got))
			return NULL;
	return at == BYTES ? st : NULL;
}

/* What was read and could not be kept has not come in. */
Test(spool, a_full_disk_is_no_end_of_the_stream)
{
	const struct rlimit none = { 0, 0 };
	const int fd = feed(LIMIT);
	struct img_store *st = spool_of(fd, 0);
	uint8_t buf[1000];

	signal(SIGXFSZ, SIG_IGN);
	cr_assert(!setrlimit(RLIMIT_FSIZE, &none));
	for (int i = 0; i < 2; i++) {
		err = (struct img_err){ 0 };
		cr_assert(!img_store_read(st, 0, buf, sizeof(buf), &err));
		cr_assert(err.code != IMG_E_INCOMPLETE, "%s", err.text);
		cr_assert_eq(err.os_errno, EFBIG);
	}
	img_store_close(st);
	close(fd);
}

Test(spool, many_threads_at_once)
{
	const int fd = feed(BYTES);
	struct img_store *st = spool_of(fd, LIMIT);
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		cr_assert(!pthread_create(&threads[i], NULL, read_all, st));
	for (size_t i = 0; i < 4; i++) {
		void *result;

		cr_assert(!pthread_join(threads[i], &result));
		cr_assert_eq(result, st);
	}
	img_store_close(st);
	close(fd);
}
