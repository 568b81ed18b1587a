/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

TestSuite(fd, .init = scratch_enter, .fini = scratch_leave, .timeout = 30);

static struct img_store *reader_of(int fd)
{
	struct img_store *st;

	ok(st = img_store_fd(fd, 0, "stdin", &err));
	return st;
}

static struct img_store *writer_of(int fd)
{
	struct img_store *st;

	ok(st = img_store_fd(fd, IMG_OPEN_WRITE, "stdout", &err));
	return st;
}

Test(fd, pipes_are_read_in_order)
{
	struct img_store *st;
	char buf[8] = "";
	uint64_t size;
	size_t got;
	int ends[2];

	cr_assert(!pipe(ends) && write(ends[1], "0123456789", 10) == 10 && !close(ends[1]));
	st = reader_of(ends[0]);
	cr_assert_eq(st->caps, 0);
	ok(img_store_read(st, 0, buf, 4, &err));
	cr_assert_str_eq(buf, "0123");
	fails(img_store_read(st, 5, buf, 1, &err), IMG_E_UNSUPPORTED);
	cr_assert_str_eq(err.text, "stdin: cannot seek from offset 4 to 5");
	fails(img_store_read(st, 0, buf, 1, &err), IMG_E_UNSUPPORTED);
	ok(img_store_size(st, &size, &err));
	cr_assert_eq(size, IMG_SIZE_UNKNOWN);
	ok(img_store_read_some(st, 4, buf, 8, &got, &err));
	cr_assert(got == 6 && !memcmp(buf, "456789", 6));
	ok(img_store_size(st, &size, &err));
	cr_assert_eq(size, 10);
	fails(img_store_write(st, 10, "x", 1, &err), IMG_E_DENIED);
	img_store_close(st);
	cr_assert_eq(close(ends[0]), 0);	/* it was left open */
}

Test(fd, a_look_ahead_takes_nothing_away)
{
	static uint8_t bytes[100000], buf[100000];
	struct img_store *st;
	size_t got;
	int ends[2];

	fill_pattern(bytes, 0, sizeof(bytes));
	cr_assert(!pipe(ends) && fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) > 0);
	cr_assert(write(ends[1], bytes, sizeof(bytes)) == sizeof(bytes) && !close(ends[1]));
	st = reader_of(ends[0]);
	ok(img_store_peek(st, buf, 10, &got, &err));
	cr_assert(got == 10 && is_pattern(buf, 0, 10));
	ok(img_store_peek(st, buf, sizeof(buf), &got, &err));
	cr_assert(got == 65536 && is_pattern(buf, 0, got));
	ok(img_store_peek(st, buf, 5, &got, &err));
	cr_assert(got == 5);
	ok(img_store_read(st, 0, buf, 1000, &err));
	cr_assert(is_pattern(buf, 0, 1000));
	ok(img_store_read(st, 1000, buf, 99000, &err));
	cr_assert(is_pattern(buf, 1000, 99000));
	img_store_close(st);
}

Test(fd, a_look_ahead_at_a_short_stream)
{
	struct img_store *st;
	char buf[10];
	uint64_t size;
	size_t got;
	int ends[2];

	cr_assert(!pipe(ends) && write(ends[1], "abc", 3) == 3 && !close(ends[1]));
	st = reader_of(ends[0]);
	ok(img_store_peek(st, buf, 10, &got, &err));
	cr_assert(got == 3 && !memcmp(buf, "abc", 3));
	ok(img_store_size(st, &size, &err));
	cr_assert_eq(size, 3);
	fails(img_store_read(st, 0, buf, 4, &err), IMG_E_INCOMPLETE);
	img_store_close(st);
}

Test(fd, pipes_are_written_in_order)
{
	char buf[8] = "";
	struct img_store *st;
	int ends[2];

	cr_assert(!pipe(ends));
	st = writer_of(ends[1]);
	cr_assert(st->caps & IMG_STORE_FRESH);
	ok(img_store_write(st, 0, "abc", 3, &err));
	fails(img_store_write(st, 4, "x", 1, &err), IMG_E_UNSUPPORTED);
	fails(img_store_zero(st, 4, 1, false, &err), IMG_E_UNSUPPORTED);
	ok(img_store_zero(st, 3, 2, false, &err));
	ok(img_store_write(st, 5, "d", 1, &err));
	ok(img_store_publish(st, &err));
	cr_assert(read(ends[0], buf, 8) == 6 && !memcmp(buf, "abc\0\0d", 6));
	img_store_close(st);
}

/* Reads a pipe to its end in another process; its exit status tells whether `len` zeros came. */
static pid_t count_zeros(int from, int close_it, size_t len)
{
	const pid_t child = fork();

	if (child == 0) {
		static uint8_t buf[65536];
		ssize_t n;

		close(close_it);
		while ((n = read(from, buf, sizeof(buf))) > 0 && is_zero(buf, (size_t)n))
			len -= (size_t)n;
		_exit(n != 0 || len != 0);
	}
	close(from);
	return child;
}

Test(fd, many_zeros_through_a_pipe)
{
	const size_t len = 5 * 1024 * 1024 + 77;
	struct img_store *st;
	int ends[2], status;

	cr_assert(!pipe(ends));
	const pid_t child = count_zeros(ends[0], ends[1], len);

	st = writer_of(ends[1]);
	ok(img_store_zero(st, 0, len, false, &err));
	img_store_close(st);
	close(ends[1]);
	cr_assert(waitpid(child, &status, 0) == child && status == 0);
}

Test(fd, nobody_reads_the_pipe)
{
	struct img_store *st;
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	cr_assert(!pipe(ends) && !close(ends[0]));
	st = writer_of(ends[1]);
	fails(img_store_write(st, 0, "abc", 3, &err), IMG_E_IO);
	cr_assert_eq(err.os_errno, EPIPE);
	fails(img_store_zero(st, 0, 1 << 20, false, &err), IMG_E_IO);
	cr_assert_eq(err.os_errno, EPIPE);
	img_store_close(st);
}

static void on_alarm(int number)
{
	(void)number;
}

/* A signal every millisecond, and a reader or writer that is slow. */
static void interrupt(void)
{
	const struct sigaction action = { .sa_handler = on_alarm };	/* no SA_RESTART */
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } };

	cr_assert(!sigaction(SIGALRM, &action, NULL) && !setitimer(ITIMER_REAL, &often, NULL));
}

Test(fd, signals_do_not_disturb_reading)
{
	uint8_t buf[100];
	struct img_store *st;
	int ends[2];

	cr_assert(!pipe(ends));
	if (fork() == 0) {
		fill_pattern(buf, 0, 100);
		for (size_t i = 0; i < 100; i += 10) {
			usleep(5000);
			if (write(ends[1], buf + i, 10) != 10)
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	st = reader_of(ends[0]);
	interrupt();
	ok(img_store_read(st, 0, buf, 100, &err));
	cr_assert(is_pattern(buf, 0, 100));
	img_store_close(st);
}

Test(fd, descriptors_that_do_not_wait_are_waited_for)
{
	uint8_t buf[100];
	struct img_store *st;
	int ends[2];

	cr_assert(!pipe2(ends, O_NONBLOCK));
	if (fork() == 0) {
		fill_pattern(buf, 0, 100);
		for (size_t i = 0; i < 100; i += 50) {
			usleep(5000);
			if (write(ends[1], buf + i, 50) != 50)
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	st = reader_of(ends[0]);
	ok(img_store_read(st, 0, buf, 100, &err));
	cr_assert(is_pattern(buf, 0, 100));
	img_store_close(st);
}

Test(fd, a_file_at_its_start_can_seek)
{
	struct img_store *st;
	uint8_t buf[10];
	uint64_t size;
	int fd;

	make_file("f", 1000);
	fd = open("f", O_RDONLY);
	st = reader_of(fd);
	cr_assert(st->caps & IMG_STORE_SEEK);
	ok(img_store_size(st, &size, &err));
	cr_assert_eq(size, 1000);
	ok(img_store_read(st, 500, buf, 10, &err));
	cr_assert(is_pattern(buf, 500, 10));
	img_store_close(st);
	cr_assert_eq(close(fd), 0);
}

Test(fd, a_file_that_was_begun_goes_on_from_there)
{
	struct img_store *st;
	uint8_t buf[10];
	int fd;

	make_file("f", 1000);
	fd = open("f", O_RDWR);
	cr_assert_eq(lseek(fd, 512, SEEK_SET), 512);
	st = reader_of(fd);
	cr_assert_not(st->caps & IMG_STORE_SEEK);
	ok(img_store_read(st, 0, buf, 10, &err));
	cr_assert(is_pattern(buf, 512, 10));
	img_store_close(st);
	st = writer_of(fd);
	ok(img_store_write(st, 0, "abc", 3, &err));
	img_store_close(st);
	cr_assert(pread(fd, buf, 3, 522) == 3 && !memcmp(buf, "abc", 3));
	close(fd);
}

Test(fd, the_next_writer_writes_behind)
{
	struct img_store *st;
	char buf[16] = "";
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	st = writer_of(fd);
	cr_assert(st->caps & IMG_STORE_SEEK && st->caps & IMG_STORE_FRESH);
	ok(img_store_write(st, 3, "second", 6, &err));
	ok(img_store_write(st, 0, "1st", 3, &err));
	ok(img_store_publish(st, &err));
	img_store_close(st);
	cr_assert_eq(write(fd, "!", 1), 1);
	cr_assert(pread(fd, buf, 15, 0) == 10);
	cr_assert_str_eq(buf, "1stsecond!");
	close(fd);
}

Test(fd, appending_cannot_seek)
{
	struct img_store *st;
	struct stat sb;
	int fd;

	make_file("f", 10);
	fd = open("f", O_WRONLY | O_APPEND);
	st = writer_of(fd);
	cr_assert_not(st->caps & IMG_STORE_SEEK);
	ok(img_store_write(st, 0, "abc", 3, &err));
	img_store_close(st);
	cr_assert(!fstat(fd, &sb) && sb.st_size == 13);
	close(fd);
}

Test(fd, wrong_descriptors_are_refused)
{
	const int folder = open(".", O_RDONLY);
	int ends[2];

	cr_assert(!pipe(ends));
	fails(img_store_fd(ends[1], 0, "stdin", &err), IMG_E_ARGUMENT);
	fails(img_store_fd(ends[0], IMG_OPEN_WRITE, "stdout", &err), IMG_E_ARGUMENT);
	cr_assert_str_eq(err.text, "stdout: is open for reading only");
	fails(img_store_fd(folder, 0, "stdin", &err), IMG_E_ARGUMENT);
	fails(img_store_fd(-1, 0, "stdin", &err), IMG_E_IO);
}
