/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"
#include <signal.h>
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
