/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A load: requests with numbers from 0 on, from a trace or from a pattern.  Request n is a pure
 * function of the load and n, so that any thread may ask for any of them, none of a pattern's has
 * to be kept, and reading back needs no record of what was done.
 */
#ifndef CMD_IMGBENCH_LOAD_H
#define CMD_IMGBENCH_LOAD_H

#include "common/cli.h"
#include "imgbench/trace.h"

/* As --help shows them; fio's names. */
#define LOAD_PATTERNS "read|write|trim|randread|randwrite|randtrim|rw|randrw"

/* What the command line says. */
struct load_options {
	const char *trace, *pattern;
	unsigned read_share;		/* percent of rw and randrw */
	uint64_t block_size, start, length, bytes;	/* 0: not given */
	unsigned requests, seconds, flush_every;	/* 0: not given */
	uint64_t seed;
};

struct pattern {
	bool random;
	enum request_kind change;	/* of the requests that are no reads */
	unsigned read_share;		/* percent */
	uint32_t block_size;
	uint64_t start, n_blocks;	/* where on the disk */
	uint32_t flush_every;		/* so many others stand before each flush; 0: no flushes */
};

struct load {
	const struct trace *trace;	/* NULL: the pattern */
	struct pattern pattern;
	uint64_t seed;
	uint32_t n;			/* requests */
	bool timed;			/* n is a limit that time cuts short */
};

/*
 * The load that options ask for on a disk of so many bytes; trace: as read, or NULL.
 * IMG_E_ARGUMENT when they make no sense, IMG_E_RANGE when the disk is too small.
 */
bool load_plan(struct load *load, const struct load_options *options, const struct trace *trace,
	       uint64_t disk, struct img_err *err) IMG_MUST_CHECK;
/* Whether the options fit each other; needs no disk. */
bool load_check(const struct load_options *options, struct img_err *err) IMG_MUST_CHECK;
/* number < load->n */
void load_get(const struct load *load, uint32_t number, struct request *out);

/* What a load is, all in all; each looks at every request of a trace. */
struct load_summary {
	bool changes;		/* something is written, zeroed or discarded */
	uint32_t longest;	/* bytes of the largest read or write */
	uint32_t grain;		/* divides all offsets and lengths of changes: sector or block */
	uint64_t bytes;		/* that requests are about; timed: IMG_SIZE_UNKNOWN */
};
void load_sum_up(const struct load *load, struct load_summary *out);

#endif
