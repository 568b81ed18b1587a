/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One run: a load through an open image, by the clock. */
#ifndef CMD_IMGBENCH_RUN_H
#define CMD_IMGBENCH_RUN_H

#include "imgbench/latency.h"
#include "imgbench/load.h"

#define RUN_MAX_DEPTH 1024u

struct run_how {
	const struct load *load;
	unsigned depth;			/* threads, each with one request at a time */
	unsigned seconds;		/* then no further request starts; 0: no limit */
	bool no_flush;			/* leave the flushes out */
	const struct img_job *job;
	uint64_t done_before, total;	/* bytes, for the job's progress */
};

struct run_kind {
	uint64_t bytes;
	struct latency latency;
};

/* Some 100 KB: not for the stack. */
struct run_result {
	uint32_t n_done;	/* requests of the load, with the flushes that were left out */
	double wall;		/* seconds from the first request to the end of img_finish() */
	double data;		/* of these, that a thread was busy making up data, on average */
	double seconds;		/* wall less data: what the image took */
	double finish;		/* of these, the last sync and whatever else img_finish() does */
	struct run_kind kinds[REQUEST_KINDS];
	struct img_traffic traffic;
};

/*
 * Sends all requests of the load, and finishes the image when something was changed; the image must
 * be open for writing then.  Errors: as the requests; IMG_E_CANCELLED.
 */
bool run_load(struct img *im, const struct run_how *how, struct run_result *result,
	      struct img_err *err) IMG_MUST_CHECK;

#endif
