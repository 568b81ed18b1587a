/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One run on an image that is there. */
#include <stdlib.h>
#include "common/memory.h"
#include "imgbench/imgbench.h"
#include "imgbench/measure.h"
#include "imgbench/report.h"

static bool measure(struct measure *m, struct img_err *err)
{
	const struct bench *bench = m->bench;
	struct load_summary sum;
	struct progress progress;
	bool ok;

	if (!measure_plan(m, err))
		return false;
	load_sum_up(&m->load, &sum);
	m->total = sum.bytes;
	m->job = progress_start(&progress, bench->cli,
				progress_unless(bench->opt->quiet, &bench->opt->progress), "run");
	ok = measure_run(m, err);
	progress_end(&progress, ok);
	return ok;
}

bool bench_single(const struct bench *bench, const char *path, struct img_err *err)
{
	struct measure *m = calloc(1, sizeof(*m));
	bool ok;

	if (!m)
		return out_of_memory(err);
	m->bench = bench;
	m->image = (struct bench_image){
		.path = path, .format = bench->opt->source.format, .cache = bench->opt->source.cache,
	};
	ok = measure(m, err) && (bench->opt->quiet || report_run(m, err));
	free(m);
	return ok;
}
