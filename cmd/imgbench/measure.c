/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See measure.h. */
#include "common/signals.h"
#include "common/text.h"
#include "imgbench/measure.h"
#include "imgbench/verify.h"

struct img *bench_open(const struct bench *bench, const struct bench_image *image, unsigned flags,
		       struct img_err *err)
{
	struct source_options how = bench->opt->source;

	how.format = image->format;
	how.cache = image->cache;
	return source_open_again(&how, image->path, flags, err);
}

/* What a guess would destroy is not written on a guess. */
static bool check_doubt(const struct measure *m, const struct img *im, struct img_err *err)
{
	struct load_summary sum;
	const char *why;

	load_sum_up(&m->load, &sum);
	if (sum.changes && !m->bench->opt->verify_only && img_probe_doubtful(im, &why))
		return img_fail(err, IMG_E_ARGUMENT, _("is not overwritten: it looks like raw, but "
				"%s; -f says what it is"), why);
	source_warn_of_doubt(m->bench->cli, m->image.path, im);
	source_warn(m->bench->cli, im);
	return true;
}

bool measure_plan(struct measure *m, struct img_err *err)
{
	struct img *im = bench_open(m->bench, &m->image, 0, err);
	bool ok = im != NULL;

	if (!ok)
		return false;
	m->size = img_size(im);
	/* Writing must not find out again, from bytes that a guest may have written. */
	m->image.format = img_format_name(img_layer_format(im, 0));
	ok = m->size != IMG_SIZE_UNKNOWN ||
	     img_fail(err, IMG_E_UNSUPPORTED, _("a pipe has no places to go to"));
	ok = ok && load_plan(&m->load, &m->bench->opt->load, m->bench->trace, m->size, err) &&
	     check_doubt(m, im, err);
	if (!ok)
		img_within(err, "%s", m->image.path);
	img_close(im);
	return ok;
}

static bool send_all(struct measure *m, const struct run_how *how, struct img_err *err)
{
	struct load_summary sum;
	struct img *im;
	bool ok;

	load_sum_up(how->load, &sum);
	im = bench_open(m->bench, &m->image, sum.changes ? IMG_OPEN_WRITE : 0, err);
	ok = im && run_load(im, how, &m->run, err);
	img_close(im);
	return ok;
}

static bool run(struct measure *m, struct img_err *err)
{
	const struct bench_options *opt = m->bench->opt;
	const struct run_how how = {
		.load = &m->load, .depth = opt->depth, .seconds = opt->load.seconds,
		.no_flush = opt->no_flush, .job = m->job, .done_before = m->done_before,
		.total = m->total,
	};

	return send_all(m, &how, err);
}

/* Every block that the pattern may go to, once; the contents are others than the load's. */
static bool fill(struct measure *m, struct img_err *err)
{
	const struct img_job job = { .cancelled = signals_cancelled };
	const struct pattern *p = &m->load.pattern;
	const struct load all = {
		.pattern = {
			.change = REQUEST_WRITE, .block_size = p->block_size, .start = p->start,
			.n_blocks = p->n_blocks,
		},
		.seed = ~m->load.seed,
		.n = (uint32_t)(p->n_blocks < REQUEST_N_MAX ? p->n_blocks : REQUEST_N_MAX),
	};
	const struct run_how how = { .load = &all, .depth = 1, .job = &job };
	const enum img_cache cache = m->image.cache;
	bool ok;

	m->image.cache = IMG_CACHE_WRITEBACK;
	ok = send_all(m, &how, err);
	m->image.cache = cache;
	return ok;
}

static bool look_whether_blank(struct measure *m, bool *blank, struct img_err *err)
{
	struct img *im = bench_open(m->bench, &m->image, 0, err);
	const bool ok = im && verify_is_blank(im, blank, err);

	img_close(im);
	return ok;
}

static bool read_back(struct measure *m, bool blank, struct img_err *err)
{
	const struct img_job job = { .cancelled = signals_cancelled };
	struct verify v = {
		.load = &m->load, .n_done = m->run.n_done, .blank = blank, .job = &job,
	};
	struct img *im = bench_open(m->bench, &m->image, 0, err);

	m->verified = im && verify_image(&v, im, err);
	m->verified_bytes = v.bytes;
	img_close(im);
	return m->verified;
}

bool measure_run(struct measure *m, struct img_err *err)
{
	const struct bench_options *opt = m->bench->opt;
	bool blank = false;

	m->verified = false;
	if (opt->verify_only) {
		m->run.n_done = m->load.n;
		return read_back(m, false, err);
	}
	if (opt->fill && !fill(m, err))
		return false;
	if (opt->verify && !look_whether_blank(m, &blank, err))
		return false;
	return run(m, err) && (!opt->verify || read_back(m, blank, err));
}
