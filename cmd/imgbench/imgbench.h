/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the command line of imgbench says, and the two things it can ask for. */
#ifndef CMD_IMGBENCH_H
#define CMD_IMGBENCH_H

#include "common/progress.h"
#include "common/source.h"
#include "imgbench/load.h"
#include "imgbench/run.h"

enum { BENCH_MAX_CACHES = 16, BENCH_MAX_FORMATS = 16 };

struct cache_list {
	enum img_cache caches[BENCH_MAX_CACHES];
	unsigned n;
};

struct format_list {
	const struct img_format *formats[BENCH_MAX_FORMATS];
	unsigned n;
};

struct bench_options {
	struct load_options load;
	unsigned depth, repeat;
	bool no_flush, fill, verify, verify_only;
	struct source_options source;	/* of one image; cache, cache_size: of each */
	struct secrets secrets;
	struct format_list formats;	/* a table: what stands in it */
	struct cache_list caches;
	const char *dir;
	char *create_options;		/* -o, or NULL */
	uint64_t size;			/* of the new disks; 0: the trace's */
	bool keep;
	bool quiet;
	struct progress_options progress;
	enum img_style style;
};

/* What every part needs. */
struct bench {
	const struct cli *cli;
	const struct bench_options *opt;
	const struct trace *trace;	/* or NULL: a pattern */
};

/* One image and how to open it. */
struct bench_image {
	const char *path, *format;	/* format: NULL finds it out */
	enum img_cache cache;
};

struct img *bench_open(const struct bench *bench, const struct bench_image *image, unsigned flags,
		       struct img_err *err);
/* "writeback", for a cache mode. */
const char *bench_cache_name(enum img_cache cache);

/* One run on the image called path, or with --verify-only none, and what is said about it. */
bool bench_single(const struct bench *bench, const char *path, struct img_err *err) IMG_MUST_CHECK;
/* The table of formats and cache modes. */
bool bench_matrix(const struct bench *bench, struct img_err *err) IMG_MUST_CHECK;

/*
 * Whether the options fit each other and the number of operands; fills in what was not said.
 * IMG_E_ARGUMENT.
 */
bool bench_check(struct bench_options *opt, int n_operands, struct img_err *err) IMG_MUST_CHECK;

/* Options of more than one word. */
cli_set bench_set_caches;	/* struct cache_list */
cli_set bench_set_share;	/* unsigned, percent; may be 0 */
cli_set bench_set_seed;		/* uint64_t */
cli_set bench_set_formats;	/* struct format_list */

#endif
