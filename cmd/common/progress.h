/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How far a long operation is: a line for people that renews itself, or JSON lines for programs.
 * Also what every long operation of a command needs: the struct img_job with cancelling in it.
 */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include <stdatomic.h>
#include <time.h>
#include "common/cli.h"

enum progress_mode {
	PROGRESS_OFF,	/* a line when SIGUSR1 asks for one */
	PROGRESS_TEXT,
	PROGRESS_JSON,
};

/* What --progress sets. */
struct progress_options {
	enum progress_mode mode;
	int fd;
};

/* The value of --progress as --help shows it. */
#define PROGRESS_VALUE "[=json[:FD]]"
cli_set progress_set;		/* struct progress_options */

/* What was asked for, unless the command is to be quiet. */
static inline const struct progress_options *progress_unless(bool quiet,
							     const struct progress_options *how)
{
	static const struct progress_options silent = { .mode = PROGRESS_OFF };

	return quiet ? &silent : how;
}

struct progress {
	const struct cli *cli;
	struct progress_options how;
	const char *phase;		/* "copy"; for programs */
	struct timespec start, shown;
	uint64_t done, total;		/* bytes; total: IMG_SIZE_UNKNOWN of a pipe */
	atomic_bool line_open;		/* a line waits for its end; also set by warnings */
	struct img_job job;
};

/* Starts the clock; the job is valid as long as *p, which must not move. */
const struct img_job *progress_start(struct progress *p, const struct cli *cli,
				     const struct progress_options *how, const char *phase);
/* The last word; complete: all was done. */
void progress_end(struct progress *p, bool complete);

/* Long enough for the two below. */
#define PROGRESS_TEXT_BYTES 200
/* "42.3%  1.2 GiB of 2.8 GiB  350 MiB/s  0:05 left" in the user's language. */
void progress_text(const struct progress *p, double seconds, char text[PROGRESS_TEXT_BYTES]);
/* {"done":…,"total":…,"rate":…,"eta":…,"phase":"…"}; null for what is not known. */
void progress_json(const struct progress *p, double seconds, char text[PROGRESS_TEXT_BYTES]);

#endif
