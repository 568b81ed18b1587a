/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See streams.h. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "common/streams.h"

bool streams_fill(struct img_err *err)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFL) >= 0 || errno != EBADF)
			continue;
		/* Those below are open, so it gets this number; in the direction that nobody uses. */
		if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return img_fail_os(err, "/dev/null");
	}
	return true;
}
