/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Into the background.  The process that goes there is made before it opens anything, since a child has none
 * of the threads that some libraries work with; its parent stays until it is known how that went.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/exit.h"
#include "common/signals.h"
#include "common/text.h"
#include "imgmount/imgmount.h"

/* Until the child is ready, or else ends as it has; what asks us to stop is meant for it. */
static _Noreturn void stand_by(pid_t child, int ready)
{
	int status = 0;
	ssize_t got;
	char byte;

	while ((got = read(ready, &byte, 1)) < 0 && errno == EINTR)
		kill(child, SIGTERM);
	if (got == 1)
		_exit(CMD_DONE);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		kill(child, SIGTERM);
	if (WIFSIGNALED(status))
		signals_die(WTERMSIG(status));
	_exit(WEXITSTATUS(status));
}

bool background_begin(int *ready, struct img_err *err)
{
	pid_t child;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return img_fail_os(err, "pipe");
	child = fork();
	if (child > 0) {
		close(ends[1]);
		stand_by(child, ends[0]);
	}
	close(ends[0]);
	if (child < 0) {
		img_fail_os(err, "fork");
		close(ends[1]);
		return false;
	}
	*ready = ends[1];
	return true;
}

static bool leave_terminal(void)
{
	const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	const bool ok = nothing >= 0 && setsid() >= 0 && !chdir("/") && dup2(nothing, STDIN_FILENO) >= 0 &&
			dup2(nothing, STDOUT_FILENO) >= 0 && dup2(nothing, STDERR_FILENO) >= 0;

	if (nothing > STDERR_FILENO)
		close(nothing);
	return ok;
}

bool background_enter(int ready, struct img_err *err)
{
	const bool ok = (leave_terminal() && write(ready, "", 1) == 1) ||
			img_fail_os(err, "%s", _("cannot go into the background"));

	close(ready);
	return ok;
}
