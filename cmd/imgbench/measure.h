/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One image measured: opened, filled if asked, run, closed, opened again and read back. */
#ifndef CMD_IMGBENCH_MEASURE_H
#define CMD_IMGBENCH_MEASURE_H

#include "imgbench/imgbench.h"

struct measure {
	const struct bench *bench;
	struct bench_image image;
	const struct img_job *job;
	uint64_t done_before, total;	/* for the job's progress */
	/* Result: */
	uint64_t size;			/* guest bytes */
	struct load load;
	bool verified;
	uint64_t verified_bytes;
	struct run_result run;
};

/* Looks at the image, and plans the load for its size. */
bool measure_plan(struct measure *m, struct img_err *err) IMG_MUST_CHECK;
/* After measure_plan().  With --verify-only the run is left out. */
bool measure_run(struct measure *m, struct img_err *err) IMG_MUST_CHECK;

#endif
