/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signals set a flag and nothing else; long operations look at it through struct img_job.  The
 * program cleans up and then dies of the signal, as its caller expects.
 */
#ifndef CMD_SIGNALS_H
#define CMD_SIGNALS_H

#include <stdbool.h>

/* From now on: HUP, INT and TERM ask to stop, USR1 asks for progress, PIPE is a failed write. */
void signals_catch(void);
/* As a member of struct img_job; ctx is not used. */
bool signals_cancelled(void *ctx);
/*
 * Waits until fd can be read, or somebody asks to stop; a signal between a look at
 * signals_cancelled() and a read() would be noticed only after the read.  Whether fd can be read.
 */
bool signals_wait_readable(int fd);
/* Whether somebody asked for progress since the last call. */
bool signals_progress_wanted(void);
/* Dies of the signal that asked to stop, if one did. */
void signals_die_if_asked(void);
/* Dies of that signal. */
void signals_die(int signo);

#endif
