/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See progress.h.  Rates are averages since the start: they do not jump, nor does what is left. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/progress.h"
#include "common/signals.h"
#include "common/size.h"
#include "common/text.h"

/* Seconds between two lines. */
static const double interval_terminal = 0.2, interval_file = 10, interval_json = 0.4;

/* What is not open yet would become the image that is opened next. */
static bool check_fd(int fd, const char *text, struct img_err *err)
{
	const int mode = fcntl(fd, F_GETFL);

	if (mode < 0)
		return img_fail(err, IMG_E_ARGUMENT, _("\"%s\" names no file descriptor"), text);
	return (mode & O_ACCMODE) != O_RDONLY ||
	       img_fail(err, IMG_E_ARGUMENT, _("%s: is open for reading only"), text);
}

bool progress_set(const struct cli_option *row, void *field, const char *text, struct img_err *err)
{
	struct progress_options *how = field;
	unsigned long fd = STDERR_FILENO;
	char *end = NULL;

	(void)row;
	how->mode = text ? PROGRESS_JSON : PROGRESS_TEXT;
	if (text && !strncmp(text, "json:", 5)) {
		fd = strtoul(text + 5, &end, 10);
		if (!check_fd(end == text + 5 || *end || fd > INT_MAX ? -1 : (int)fd, text, err))
			return false;
	} else if (text && strcmp(text, "json")) {
		return img_fail(err, IMG_E_ARGUMENT, _("\"%s\" is none of %s"), text,
				"json|json:FD");
	}
	how->fd = (int)fd;
	return true;
}

static double seconds_between(const struct timespec *from, const struct timespec *to)
{
	return (double)(to->tv_sec - from->tv_sec) + (double)(to->tv_nsec - from->tv_nsec) / 1e9;
}

/* Bytes a second; 0: not known yet. */
static uint64_t rate_of(const struct progress *p, double seconds)
{
	return seconds > 0 ? (uint64_t)((double)p->done / seconds) : 0;
}

void progress_text(const struct progress *p, double seconds, char text[PROGRESS_TEXT_BYTES])
{
	char done[SIZE_TEXT_BYTES], total[SIZE_TEXT_BYTES], per_second[SIZE_TEXT_BYTES];
	const uint64_t rate = rate_of(p, seconds);

	size_text(p->done, done);
	size_text(rate, per_second);
	if (p->total == IMG_SIZE_UNKNOWN || p->done > p->total) {
		/* TRANSLATORS: amount done so far, amount a second */
		snprintf(text, PROGRESS_TEXT_BYTES, _("%s  %s/s"), done, per_second);
		return;
	}
	const double percent = p->total ? 100.0 * (double)p->done / (double)p->total : 100;
	const uint64_t left = rate ? (p->total - p->done) / rate : 0;

	/* TRANSLATORS: percent, amount done, amount in all, amount a second, minutes:seconds */
	snprintf(text, PROGRESS_TEXT_BYTES, _("%5.1f%%  %s of %s  %s/s  %" PRIu64 ":%02u left"),
		 percent, done, size_text(p->total, total), per_second, left / 60,
		 (unsigned)(left % 60));
}

void progress_json(const struct progress *p, double seconds, char text[PROGRESS_TEXT_BYTES])
{
	const uint64_t rate = rate_of(p, seconds);
	char total[24] = "null", eta[24] = "null";

	if (p->total != IMG_SIZE_UNKNOWN && p->done <= p->total) {
		snprintf(total, sizeof(total), "%" PRIu64, p->total);
		if (rate || p->done == p->total)
			snprintf(eta, sizeof(eta), "%" PRIu64,
				 rate ? (p->total - p->done) / rate : 0);
	}
	snprintf(text, PROGRESS_TEXT_BYTES,
		 "{\"done\":%" PRIu64 ",\"total\":%s,\"rate\":%" PRIu64
		 ",\"eta\":%s,\"phase\":\"%s\"}", p->done, total, rate, eta, p->phase);
}

/* Nobody needs to listen: a failed write ends nothing. */
static void write_line(int fd, const char *line, size_t len)
{
	ssize_t n;

	while (len && ((n = write(fd, line, len)) > 0 || (n < 0 && errno == EINTR)))
		if (n > 0) {
			line += n;
			len -= (size_t)n;
		}
}

static void show(struct progress *p, double seconds, bool last)
{
	const bool renew = p->how.mode == PROGRESS_TEXT && isatty(STDERR_FILENO);
	char text[PROGRESS_TEXT_BYTES], line[PROGRESS_TEXT_BYTES + 8];
	int len;

	if (p->how.mode == PROGRESS_JSON)
		progress_json(p, seconds, text);
	else
		progress_text(p, seconds, text);
	if (renew)
		len = snprintf(line, sizeof(line), "\r%s\033[K%s", text, last ? "\n" : "");
	else
		len = snprintf(line, sizeof(line), "%s\n", text);
	write_line(p->how.mode == PROGRESS_JSON ? p->how.fd : STDERR_FILENO, line, (size_t)len);
	p->line_open = renew && !last;
}

static double interval_of(const struct progress *p)
{
	if (p->how.mode == PROGRESS_JSON)
		return interval_json;
	return isatty(STDERR_FILENO) ? interval_terminal : interval_file;
}

static void on_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct progress *p = ctx;
	const bool asked = signals_progress_wanted();
	struct timespec now;

	p->done = done;
	p->total = total;
	if (p->how.mode == PROGRESS_OFF && !asked)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!asked && seconds_between(&p->shown, &now) < interval_of(p))
		return;
	p->shown = now;
	show(p, seconds_between(&p->start, &now), false);
}

static void on_warning(void *ctx, const char *text)
{
	struct progress *p = ctx;

	if (p->line_open)
		write_line(STDERR_FILENO, "\n", 1);
	p->line_open = false;
	cli_warn(p->cli, text);
}

const struct img_job *progress_start(struct progress *p, const struct cli *cli,
				     const struct progress_options *how, const char *phase)
{
	*p = (struct progress){ .cli = cli, .how = *how, .phase = phase };
	p->job = (struct img_job){
		.progress = on_progress, .cancelled = signals_cancelled, .warn = on_warning,
		.ctx = p,
	};
	clock_gettime(CLOCK_MONOTONIC, &p->start);
	p->shown = p->start;
	return &p->job;
}

void progress_end(struct progress *p, bool complete)
{
	struct timespec now;

	if (p->how.mode == PROGRESS_OFF)
		return;
	/* All is done, also where the amount was an estimate or came from a pipe. */
	if (complete)
		p->total = p->done;
	clock_gettime(CLOCK_MONOTONIC, &now);
	show(p, seconds_between(&p->start, &now), true);
}
