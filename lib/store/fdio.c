/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System calls made whole: the kernel may stop early at a signal, at 2 GiB, or on a full disk, and
 * callers want all or an error.
 */
#include "store/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

ssize_t img_fd_read_at(int fd, uint64_t at, void *buf, size_t len, uint32_t block)
{
	size_t done = 0;

	while (done < len) {
		const ssize_t n = pread(fd, (char *)buf + done, len - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		done += (size_t)n;
		if (n == 0 || n % block)
			break;
	}
	return (ssize_t)done;
}

bool img_fd_write_at(int fd, uint64_t at, const void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		const ssize_t n = pwrite(fd, (const char *)buf + done, len - done,
					 (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0) {	/* no file system should; trying again could last for ever */
			errno = EIO;
			return false;
		}
		done += (size_t)n;
	}
	return true;
}

bool img_fd_allocate(int fd, int mode, uint64_t at, uint64_t len)
{
	int failed;

	do
		failed = fallocate(fd, mode, (off_t)at, (off_t)len);
	while (failed && errno == EINTR);
	return !failed;
}

bool img_fd_truncate(int fd, uint64_t bytes)
{
	int failed;

	do
		failed = ftruncate(fd, (off_t)bytes);
	while (failed && errno == EINTR);
	return !failed;
}

bool img_fd_unsupported(int os_errno)
{
	return os_errno == EOPNOTSUPP || os_errno == ENOSYS || os_errno == ENOTTY ||
	       os_errno == EINVAL;
}
