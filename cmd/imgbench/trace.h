/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Recorded block traces.  Text, plain or gzipped, one request a line in the order of arrival:
 *
 *	# recdisk 1 size BYTES
 *	W offset length map pct t q	write
 *	R offset length t q		read
 *	Z offset length u|k t q		write zeros; u: the space may be given back
 *	F t q				flush
 *
 * map says which blocks of 4 KiB were zero: "d" none, "z" all, or runs such as "d3z13d240"; pct is
 * what a fast compressor left of the others, in percent.  t (microseconds since the first request)
 * and q (requests in flight) are checked and not used.
 */
#ifndef CMD_IMGBENCH_TRACE_H
#define CMD_IMGBENCH_TRACE_H

#include "libimg.h"
#include "imgbench/request.h"

struct trace {
	uint64_t size;			/* bytes of the disk */
	struct request *requests;
	size_t n, room;
};

/*
 * Reads all of a trace ("-": standard input).  Free with trace_free(), also after a failure.
 * IMG_E_CORRUPT, with file and line, for what is not as above or lies beyond the disk; IMG_E_IO,
 * IMG_E_NOMEM.
 */
bool trace_read(struct trace *trace, const char *path, struct img_err *err) IMG_MUST_CHECK;
void trace_free(struct trace *trace);

#endif
