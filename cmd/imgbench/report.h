/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said about a run, and about a table of them. */
#ifndef CMD_IMGBENCH_REPORT_H
#define CMD_IMGBENCH_REPORT_H

#include "imgbench/measure.h"

/* Prints one run. */
bool report_run(const struct measure *m, struct img_err *err) IMG_MUST_CHECK;

struct report_times {
	double seconds, wall, data, finish;
};

/* A format in a cache mode. */
struct report_cell {
	const char *format, *cache;
	unsigned n;				/* runs */
	struct report_times *times;		/* n of them, in the order of the runs */
	double median, least, most, ratio;	/* of times->seconds */
	struct img_traffic traffic;		/* of the run in the middle by bytes written */
	struct run_kind *kinds;			/* REQUEST_KINDS of them: all runs together */
};

/* Prints a table of cells that all ran the load of m, which is the last one of them. */
bool report_matrix(const struct measure *m, const struct report_cell *cells, size_t n,
		  struct img_err *err) IMG_MUST_CHECK;

#endif
