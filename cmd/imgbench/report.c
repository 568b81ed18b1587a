/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See report.h.  Programs get numbers as they are; people get them rounded, and in tables as texts
 * of one width, so that the points stand below each other.
 */
#include <stdio.h>
#include <stdlib.h>
#include "common/size.h"
#include "common/text.h"
#include "imgbench/report.h"

/* ---- Numbers --------------------------------------------------------------------------------- */

static void add_seconds(struct img_node *map, const char *key, double value, enum img_style style)
{
	if (style == IMG_STYLE_HUMAN)
		value = (double)(uint64_t)(value * 1000 + 0.5) / 1000;
	img_node_real(map, key, value, IMG_UNIT_SECONDS);
}

/* A number in a table. */
static void add_real(struct img_node *map, const char *key, double value, int decimals,
		     enum img_style style)
{
	char text[64];

	if (style != IMG_STYLE_HUMAN) {
		img_node_real(map, key, value, IMG_UNIT_NONE);
		return;
	}
	snprintf(text, sizeof(text), "%*.*f", decimals + 6, decimals, value);
	img_node_text(map, key, text);
}

/* Bytes in a table. */
static void add_bytes(struct img_node *map, const char *key, uint64_t bytes, enum img_style style)
{
	char text[SIZE_TEXT_BYTES];

	if (style == IMG_STYLE_HUMAN)
		img_node_text(map, key, size_text(bytes, text));
	else
		img_node_u64(map, key, bytes, IMG_UNIT_BYTES);
}

/* ---- What was run ---------------------------------------------------------------------------- */

static void add_load(struct img_node *root, const struct measure *m)
{
	const struct bench_options *opt = m->bench->opt;

	if (opt->load.trace) {
		img_node_text(root, "trace", opt->load.trace);
		img_node_label(root, _("trace"));
	} else {
		img_node_text(root, "pattern", opt->load.pattern);
		img_node_label(root, _("pattern"));
	}
	img_node_u64(root, "seed", opt->load.seed, IMG_UNIT_NONE);
	img_node_label(root, _("seed"));
	img_node_u64(root, "depth", opt->depth, IMG_UNIT_NONE);
	img_node_label(root, _("requests at a time"));
	img_node_u64(root, "disk-size", m->size, IMG_UNIT_BYTES);
	img_node_label(root, _("size of the disk"));
}

static const char *const kind_names[REQUEST_KINDS] = {
	[REQUEST_READ] = "read", [REQUEST_WRITE] = "write", [REQUEST_ZERO] = "zero",
	[REQUEST_DISCARD] = "discard", [REQUEST_FLUSH] = "flush",
};

static void add_latencies(struct img_node *map, const struct latency *l, enum img_style style)
{
	const struct { const char *key; uint64_t ns; const char *label; } values[] = {
		{ "least-us", l->min, N_("least us") },
		{ "median-us", latency_quantile(l, 500), N_("median us") },
		{ "p90-us", latency_quantile(l, 900), N_("90 % us") },
		{ "p99-us", latency_quantile(l, 990), N_("99 % us") },
		{ "p999-us", latency_quantile(l, 999), N_("99.9 % us") },
		{ "most-us", l->max, N_("most us") },
		{ "mean-us", l->n ? l->sum / l->n : 0, N_("mean us") },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		add_real(map, values[i].key, (double)values[i].ns / 1000, 1, style);
		img_node_label(map, _(values[i].label));
	}
}

static void add_kinds(struct img_node *root, const struct run_kind kinds[REQUEST_KINDS],
		      enum img_style style)
{
	struct img_node *list = img_node_list(root, "kinds");

	img_node_label(root, _("how long requests took, in microseconds"));
	for (unsigned k = 0; k < REQUEST_KINDS; k++) {
		const struct run_kind *kind = &kinds[k];
		struct img_node *map;

		if (!kind->latency.n)
			continue;
		map = img_node_map(list, "kind");
		img_node_text(map, "kind", kind_names[k]);
		img_node_label(map, _("kind"));
		img_node_u64(map, "requests", kind->latency.n, IMG_UNIT_NONE);
		img_node_label(map, _("requests"));
		add_bytes(map, "bytes", kind->bytes, style);
		img_node_label(map, _("bytes"));
		add_latencies(map, &kind->latency, style);
	}
}

static void add_rates(struct img_node *root, const struct run_result *run)
{
	uint64_t requests = 0, bytes = 0;
	double rate;

	for (unsigned k = 0; k < REQUEST_KINDS; k++) {
		requests += run->kinds[k].latency.n;
		bytes += run->kinds[k].bytes;
	}
	rate = run->seconds > 0 ? 1 / run->seconds : 0;
	img_node_u64(root, "requests", requests, IMG_UNIT_NONE);
	img_node_label(root, _("requests"));
	img_node_u64(root, "bytes", bytes, IMG_UNIT_BYTES);
	img_node_label(root, _("bytes"));
	img_node_u64(root, "requests-per-second", (uint64_t)((double)requests * rate),
		     IMG_UNIT_NONE);
	img_node_label(root, _("requests a second"));
	img_node_u64(root, "bytes-per-second", (uint64_t)((double)bytes * rate), IMG_UNIT_BYTES);
	img_node_label(root, _("bytes a second"));
}

static void add_times(struct img_node *map, const struct report_times *times,
		      enum img_style style)
{
	add_seconds(map, "seconds", times->seconds, style);
	img_node_label(map, _("time"));
	add_seconds(map, "finish-seconds", times->finish, style);
	img_node_label(map, _("of it, to finish the image"));
	add_seconds(map, "data-seconds", times->data, style);
	img_node_label(map, _("besides, to make up data"));
	add_seconds(map, "wall-seconds", times->wall, style);
	img_node_label(map, _("by the clock"));
}

static void add_traffic(struct img_node *root, const struct img_traffic *t)
{
	struct img_node *map = img_node_map(root, "file");
	const struct {
		const char *key;
		uint64_t n;
		enum img_unit unit;
		const char *label;
	} rows[] = {
		{ "syncs", t->syncs, IMG_UNIT_NONE, N_("syncs") },
		{ "writes", t->writes, IMG_UNIT_NONE, N_("writes") },
		{ "written-bytes", t->written_bytes, IMG_UNIT_BYTES, N_("bytes written") },
		{ "zeros", t->zeros, IMG_UNIT_NONE, N_("ranges zeroed or set aside") },
		{ "zeroed-bytes", t->zeroed_bytes, IMG_UNIT_BYTES, N_("bytes in these") },
		{ "reads", t->reads, IMG_UNIT_NONE, N_("reads") },
		{ "read-bytes", t->read_bytes, IMG_UNIT_BYTES, N_("bytes read") },
	};

	img_node_label(root, _("what the file was asked for"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		img_node_u64(map, rows[i].key, rows[i].n, rows[i].unit);
		img_node_label(map, _(rows[i].label));
	}
}

/* ---- One run --------------------------------------------------------------------------------- */

static bool print(struct img_node *root, enum img_style style, struct img_err *err)
{
	const bool ok = img_report_write(root, style, stdout, err);

	img_node_free(root);
	return ok;
}

bool report_run(const struct measure *m, struct img_err *err)
{
	const enum img_style style = m->bench->opt->style;
	const struct report_times times = {
		.seconds = m->run.seconds, .wall = m->run.wall, .data = m->run.data,
		.finish = m->run.finish,
	};
	struct img_node *root = img_node_root("imgbench");

	img_node_text(root, "image", m->image.path);
	img_node_label(root, _("image"));
	img_node_text(root, "format", m->image.format);
	img_node_label(root, _("format"));
	img_node_text(root, "cache", bench_cache_name(m->image.cache));
	img_node_label(root, _("cache"));
	add_load(root, m);
	if (!m->bench->opt->verify_only) {
		add_times(root, &times, style);
		add_rates(root, &m->run);
		add_kinds(root, m->run.kinds, style);
		add_traffic(root, &m->run.traffic);
	}
	if (m->verified) {
		img_node_u64(root, "verified-bytes", m->verified_bytes, IMG_UNIT_BYTES);
		img_node_label(root, _("read back and found right"));
	}
	return print(root, style, err);
}

/* ---- A table --------------------------------------------------------------------------------- */

static void add_runs(struct img_node *map, const struct report_cell *cell, enum img_style style)
{
	struct img_node *list = img_node_list(map, "runs");

	for (unsigned i = 0; i < cell->n; i++)
		add_times(img_node_map(list, "run"), &cell->times[i], style);
}

/* For people all in one unit, with a decimal: formats differ by a few percent. */
static void add_written(struct img_node *map, uint64_t bytes, enum img_style style)
{
	if (style != IMG_STYLE_HUMAN) {
		img_node_u64(map, "written-bytes", bytes, IMG_UNIT_BYTES);
		return;
	}
	add_real(map, "written-bytes", (double)bytes / (1 << 20), 1, style);
	img_node_label(map, _("MiB written"));
}

static void add_cell(struct img_node *list, const struct report_cell *cell, enum img_style style)
{
	struct img_node *map = img_node_map(list, "cell");
	const struct img_traffic *t = &cell->traffic;

	img_node_text(map, "cache", cell->cache);
	img_node_label(map, _("cache"));
	img_node_text(map, "format", cell->format);
	img_node_label(map, _("format"));
	add_real(map, "seconds", cell->median, 3, style);
	img_node_label(map, _("seconds"));
	add_real(map, "least-seconds", cell->least, 3, style);
	img_node_label(map, _("least"));
	add_real(map, "most-seconds", cell->most, 3, style);
	img_node_label(map, _("most"));
	add_real(map, "ratio", cell->ratio, 2, style);
	img_node_label(map, _("ratio"));
	img_node_u64(map, "syncs", t->syncs, IMG_UNIT_NONE);
	img_node_label(map, _("syncs"));
	img_node_u64(map, "writes", t->writes, IMG_UNIT_NONE);
	img_node_label(map, _("writes"));
	add_written(map, t->written_bytes, style);
	img_node_u64(map, "zeros", t->zeros, IMG_UNIT_NONE);
	img_node_label(map, _("zeroed"));
	/* A table for people has no lists in it. */
	if (style == IMG_STYLE_HUMAN)
		return;
	add_kinds(map, cell->kinds, style);
	add_runs(map, cell, style);
}

bool report_matrix(const struct measure *m, const struct report_cell *cells, size_t n,
		  struct img_err *err)
{
	const enum img_style style = m->bench->opt->style;
	struct img_node *root = img_node_root("imgbench");
	struct img_node *list;

	add_load(root, m);
	img_node_u64(root, "repeat", m->bench->opt->repeat, IMG_UNIT_NONE);
	img_node_label(root, _("runs of each"));
	if (m->verified || style != IMG_STYLE_HUMAN) {
		img_node_flag(root, "verified", m->verified);
		img_node_label(root, _("read back and found right"));
	}
	list = img_node_list(root, "cells");
	img_node_label(root, _("medians"));
	for (size_t i = 0; i < n; i++)
		add_cell(list, &cells[i], style);
	return print(root, style, err);
}
