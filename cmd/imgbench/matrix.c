/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Formats beside cache modes: a fresh image for each run, in a folder of its own.  All cells run
 * once before any runs twice, and every other round goes backwards, so that a machine which becomes
 * slower or faster meanwhile does so for all of them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/memory.h"
#include "common/optlist.h"
#include "common/text.h"
#include "imgbench/measure.h"
#include "imgbench/report.h"

struct matrix {
	const struct bench *bench;
	char *folder;			/* where the images are; ours alone */
	struct report_cell *cells;	/* formats of the first cache mode, of the second ... */
	struct img_traffic *traffic;	/* of each run of each cell */
	size_t n_cells;
	uint64_t size;			/* of the disks */
	struct measure *m;
};

static const struct img_format *format_of(const struct matrix *x, size_t cell)
{
	return x->bench->opt->formats.formats[cell % x->bench->opt->formats.n];
}

static enum img_cache cache_of(const struct matrix *x, size_t cell)
{
	return x->bench->opt->caches.caches[cell / x->bench->opt->formats.n];
}

/* ---- The folder ------------------------------------------------------------------------------ */

static bool make_folder(struct matrix *x, struct img_err *err)
{
	if (asprintf(&x->folder, "%s/imgbench.XXXXXX", x->bench->opt->dir) < 0) {
		x->folder = NULL;
		return out_of_memory(err);
	}
	if (mkdtemp(x->folder))
		return true;
	img_fail_os(err, _("%s: no folder can be made in it"), x->bench->opt->dir);
	free(x->folder);
	x->folder = NULL;
	return false;
}

/* Images, and files that these have made beside themselves. */
static void empty_folder(const char *folder)
{
	DIR *dir = opendir(folder);

	for (const struct dirent *entry; dir && (entry = readdir(dir)); )
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

/* What cannot be removed is the user's to see: it stays where --dir said. */
static void remove_folder(const struct matrix *x, bool keep)
{
	if (!x->folder || keep)
		return;
	empty_folder(x->folder);
	(void)rmdir(x->folder);
}

/* ---- One image ------------------------------------------------------------------------------- */

/* The caller frees it; NULL: memory is out. */
static char *image_path(const struct matrix *x, size_t cell)
{
	char *path;

	if (asprintf(&path, "%s/%s-%s.img", x->folder, img_format_name(format_of(x, cell)),
		     bench_cache_name(cache_of(x, cell))) < 0)
		return NULL;
	return path;
}

static bool make_image(const struct matrix *x, size_t cell, const char *path, struct img_err *err)
{
	const struct img_format *format = format_of(x, cell);
	const char *given = x->bench->opt->create_options;
	char *options = optlist_keep(given ? given : "", format);
	const struct img_create what = {
		.path = path, .format = img_format_name(format), .size = x->size,
		.options = options, .key = secret_first(&x->bench->opt->secrets),
	};
	struct img *im;
	bool ok;

	if (!options)
		return out_of_memory(err);
	im = img_create(&what, err);
	ok = im && img_finish(im, err);
	img_close(im);
	free(options);
	return ok;
}

static void keep_result(struct matrix *x, size_t index, unsigned round)
{
	const struct run_result *run = &x->m->run;
	struct report_cell *cell = &x->cells[index];

	cell->times[round] = (struct report_times){
		.seconds = run->seconds, .wall = run->wall, .data = run->data,
		.finish = run->finish,
	};
	x->traffic[index * cell->n + round] = run->traffic;
	for (unsigned k = 0; k < REQUEST_KINDS; k++) {
		cell->kinds[k].bytes += run->kinds[k].bytes;
		latency_merge(&cell->kinds[k].latency, &run->kinds[k].latency);
	}
}

static bool run_image(struct matrix *x, size_t cell, const char *path, unsigned round,
		      struct img_err *err)
{
	struct measure *m = x->m;
	bool ok;

	m->image = (struct bench_image){
		.path = path, .format = img_format_name(format_of(x, cell)),
		.cache = cache_of(x, cell),
	};
	ok = make_image(x, cell, path, err) && measure_plan(m, err) && measure_run(m, err);
	if (ok)
		keep_result(x, cell, round);
	if (!x->bench->opt->keep)
		empty_folder(x->folder);
	return ok;
}

static bool run_cell(struct matrix *x, size_t cell, unsigned round, struct img_err *err)
{
	char *path = image_path(x, cell);
	const bool ok = path ? run_image(x, cell, path, round, err) : out_of_memory(err);

	free(path);
	return ok;
}

/* ---- All of them ----------------------------------------------------------------------------- */

static bool run_all(struct matrix *x, uint64_t bytes, struct img_err *err)
{
	for (unsigned round = 0; round < x->bench->opt->repeat; round++)
		for (size_t i = 0; i < x->n_cells; i++) {
			const size_t cell = round % 2 ? x->n_cells - 1 - i : i;

			if (!run_cell(x, cell, round, err))
				return false;
			if (bytes != IMG_SIZE_UNKNOWN)
				x->m->done_before += bytes;
		}
	return true;
}

/* A format that cannot be written in place is found out before the first of the long runs. */
static bool try_formats(const struct matrix *x, bool changes, struct img_err *err)
{
	for (size_t cell = 0; cell < x->bench->opt->formats.n; cell++) {
		char *path = image_path(x, cell);
		const struct bench_image image = {
			.path = path, .format = img_format_name(format_of(x, cell)),
		};
		struct img *im = NULL;
		bool ok;

		if (!path)
			return out_of_memory(err);
		ok = make_image(x, cell, path, err);
		if (ok)
			im = bench_open(x->bench, &image, changes ? IMG_OPEN_WRITE : 0, err);
		ok = im && (!changes || img_finish(im, err));
		img_close(im);
		empty_folder(x->folder);
		free(path);
		if (!ok)
			return false;
	}
	return true;
}

static bool run_with_progress(struct matrix *x, struct img_err *err)
{
	const struct bench_options *opt = x->bench->opt;
	struct load_summary sum;
	struct progress progress;
	struct load load;
	bool ok;

	if (!load_plan(&load, &opt->load, x->bench->trace, x->size, err))
		return false;
	load_sum_up(&load, &sum);
	if (!try_formats(x, sum.changes, err))
		return false;
	x->m->bench = x->bench;
	x->m->total = IMG_SIZE_UNKNOWN;
	if (sum.bytes != IMG_SIZE_UNKNOWN)
		x->m->total = sum.bytes * x->n_cells * opt->repeat;
	x->m->job = progress_start(&progress, x->bench->cli,
				   progress_unless(opt->quiet, &opt->progress), "run");
	ok = run_all(x, sum.bytes, err);
	progress_end(&progress, ok);
	return ok;
}

/* ---- Medians --------------------------------------------------------------------------------- */

static int compare_real(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int compare_traffic(const void *a, const void *b)
{
	const struct img_traffic *x = a, *y = b;

	if (x->written_bytes != y->written_bytes)
		return x->written_bytes > y->written_bytes ? 1 : -1;
	return (x->syncs > y->syncs) - (x->syncs < y->syncs);
}

static bool sum_up_cell(const struct matrix *x, size_t index, struct img_err *err)
{
	struct report_cell *cell = &x->cells[index];
	struct img_traffic *traffic = &x->traffic[index * cell->n];
	double *seconds = calloc(cell->n, sizeof(*seconds));

	if (!seconds)
		return out_of_memory(err);
	for (unsigned i = 0; i < cell->n; i++)
		seconds[i] = cell->times[i].seconds;
	qsort(seconds, cell->n, sizeof(*seconds), compare_real);
	cell->least = seconds[0];
	cell->most = seconds[cell->n - 1];
	cell->median = (seconds[(cell->n - 1) / 2] + seconds[cell->n / 2]) / 2;
	free(seconds);
	qsort(traffic, cell->n, sizeof(*traffic), compare_traffic);
	cell->traffic = traffic[(cell->n - 1) / 2];
	return true;
}

/* The place of raw among the formats; where it is not, all are compared with the first. */
static size_t base_format(const struct format_list *formats)
{
	for (size_t i = 0; i < formats->n; i++)
		if (!strcmp(img_format_name(formats->formats[i]), "raw"))
			return i;
	return 0;
}

static bool sum_up(const struct matrix *x, struct img_err *err)
{
	const size_t n_formats = x->bench->opt->formats.n;
	const size_t base = base_format(&x->bench->opt->formats);

	for (size_t i = 0; i < x->n_cells; i++)
		if (!sum_up_cell(x, i, err))
			return false;
	for (size_t i = 0; i < x->n_cells; i++) {
		const double beside = x->cells[i / n_formats * n_formats + base].median;

		x->cells[i].ratio = beside > 0 ? x->cells[i].median / beside : 0;
	}
	return true;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static bool init(struct matrix *x, struct img_err *err)
{
	const struct bench_options *opt = x->bench->opt;

	x->n_cells = (size_t)opt->formats.n * opt->caches.n;
	x->m = calloc(1, sizeof(*x->m));
	x->cells = calloc(x->n_cells, sizeof(*x->cells));
	x->traffic = calloc(x->n_cells * opt->repeat, sizeof(*x->traffic));
	if (!x->m || !x->cells || !x->traffic)
		return out_of_memory(err);
	for (size_t i = 0; i < x->n_cells; i++) {
		struct report_cell *cell = &x->cells[i];

		cell->format = img_format_name(format_of(x, i));
		cell->cache = bench_cache_name(cache_of(x, i));
		cell->n = opt->repeat;
		cell->times = calloc(opt->repeat, sizeof(*cell->times));
		cell->kinds = calloc(REQUEST_KINDS, sizeof(*cell->kinds));
		if (!cell->times || !cell->kinds)
			return out_of_memory(err);
	}
	return make_folder(x, err);
}

static void uninit(struct matrix *x)
{
	for (size_t i = 0; x->cells && i < x->n_cells; i++) {
		free(x->cells[i].times);
		free(x->cells[i].kinds);
	}
	free(x->cells);
	free(x->traffic);
	free(x->m);
	free(x->folder);
}

bool bench_matrix(const struct bench *bench, struct img_err *err)
{
	struct matrix x = { .bench = bench, .size = bench->opt->size };
	bool ok;

	if (!x.size && bench->trace)
		x.size = bench->trace->size;
	ok = init(&x, err) && run_with_progress(&x, err) && sum_up(&x, err);
	remove_folder(&x, ok && bench->opt->keep);
	ok = ok && (bench->opt->quiet || report_matrix(x.m, x.cells, x.n_cells, err));
	uninit(&x);
	return ok;
}
