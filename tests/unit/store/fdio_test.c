/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include "store/fdio.h"

TestSuite(fdio, .init = scratch_enter, .fini = scratch_leave);

Test(fdio, reads_to_the_end_and_no_further)
{
	uint8_t buf[200];
	int fd;

	make_file("f", 100);
	fd = open("f", O_RDWR);
	cr_assert_eq(img_fd_read_at(fd, 0, buf, 200, 1), 100);
	cr_assert_eq(img_fd_read_at(fd, 90, buf, 10, 1), 10);
	cr_assert(is_pattern(buf, 90, 10));
	cr_assert_eq(img_fd_read_at(fd, 100, buf, 10, 1), 0);
	cr_assert_eq(img_fd_read_at(-1, 0, buf, 10, 1), -1);
	close(fd);
}

#define PIECE (64UL << 20)

/* len bytes of addresses with PIECE bytes of memory behind them, again and again. */
static uint8_t *map_folded(size_t len)
{
	const int fd = memfd_create("folded", MFD_CLOEXEC);
	uint8_t *all = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert(fd >= 0 && !ftruncate(fd, PIECE) && all != MAP_FAILED);
	for (size_t at = 0; at < len; at += PIECE)
		cr_assert(mmap(all + at, PIECE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			       0) != MAP_FAILED);
	close(fd);
	return all;
}

/* The kernel moves no more than 2 GiB - 4096 in one call.  Holes in memory take no room. */
Test(fdio, moves_more_than_2_GiB)
{
	const size_t len = (2UL << 30) + 5, room = (2UL << 30) + PIECE;
	uint8_t *buf = map_folded(room);
	const int fd = memfd_create("long", MFD_CLOEXEC);

	cr_assert(fd >= 0 && !ftruncate(fd, (off_t)len) && pwrite(fd, "end", 3, (off_t)len - 3) == 3);
	cr_assert_eq(img_fd_read_at(fd, 0, buf, len, 1), (ssize_t)len);
	cr_assert(!memcmp(buf + len - 3, "end", 3));
	munmap(buf, room);
	close(fd);
}

Test(fdio, a_full_disk_is_an_error)
{
	const struct rlimit limit = { 1000, 1000 };
	static char buf[4096];
	struct stat sb;
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	signal(SIGXFSZ, SIG_IGN);
	cr_assert(fd >= 0 && !setrlimit(RLIMIT_FSIZE, &limit));
	cr_assert_not(img_fd_write_at(fd, 0, buf, sizeof(buf)));
	cr_assert_eq(errno, EFBIG);
	cr_assert(!fstat(fd, &sb) && sb.st_size == 1000);	/* the first call was cut short */
	close(fd);
}
