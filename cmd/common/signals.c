/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See signals.h.  The two flags are the only variables that a signal handler can write; any thread
 * may look at them.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include "common/signals.h"

static atomic_int stop_signal;
static atomic_int progress_wanted;

static void on_stop(int signo)
{
	stop_signal = signo;
}

static void on_progress(int signo)
{
	(void)signo;
	progress_wanted = 1;
}

/* A signal that the caller had ignored (nohup) stays ignored. */
static void catch(int signo, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags }, old;

	sigemptyset(&action.sa_mask);
	if (!sigaction(signo, NULL, &old) && old.sa_handler != SIG_IGN)
		sigaction(signo, &action, NULL);
}

void signals_catch(void)
{
	/* The second Ctrl-C ends the program at once, whatever it waits for. */
	catch(SIGHUP, on_stop, SA_RESETHAND);
	catch(SIGINT, on_stop, SA_RESETHAND);
	catch(SIGTERM, on_stop, SA_RESETHAND);
	catch(SIGUSR1, on_progress, SA_RESTART);
	/* Whoever writes is told, too, and can say it, and clean up. */
	catch(SIGPIPE, SIG_IGN, 0);
	catch(SIGXFSZ, SIG_IGN, 0);
}

bool signals_cancelled(void *ctx)
{
	(void)ctx;
	return stop_signal != 0;
}

bool signals_wait_readable(int fd)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };
	sigset_t stopping, outside;
	int n;

	sigemptyset(&stopping);
	sigaddset(&stopping, SIGHUP);
	sigaddset(&stopping, SIGINT);
	sigaddset(&stopping, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &stopping, &outside);
	do
		n = signals_cancelled(NULL) ? 0 : ppoll(&wanted, 1, NULL, &outside);
	while (n < 0 && errno == EINTR);
	pthread_sigmask(SIG_SETMASK, &outside, NULL);
	return n > 0;
}

bool signals_progress_wanted(void)
{
	const bool wanted = progress_wanted;

	progress_wanted = 0;
	return wanted;
}

void signals_die(int signo)
{
	signal(signo, SIG_DFL);
	raise(signo);
}

void signals_die_if_asked(void)
{
	if (stop_signal)
		signals_die(stop_signal);
}
