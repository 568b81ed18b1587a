/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One request to a disk, as traces hold it and as patterns make it up. */
#ifndef CMD_IMGBENCH_REQUEST_H
#define CMD_IMGBENCH_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

enum request_kind {
	REQUEST_READ, REQUEST_WRITE, REQUEST_ZERO, REQUEST_DISCARD, REQUEST_FLUSH,
	REQUEST_KINDS,
};

#define REQUEST_SECTOR 512u		/* everything is a multiple of it */
#define REQUEST_BLOCK 4096u		/* what the map of a write counts in */
#define REQUEST_MOVED_MAX (64u << 20)	/* bytes that one read or write may move */
#define REQUEST_N_MAX (UINT32_MAX - 1)	/* requests of one load */

struct request {
	uint64_t at;
	/*
	 * WRITE: lengths of runs of blocks that are data, zeros, data ... and add up to the whole;
	 * NULL: all data.  Belongs to the trace.
	 */
	const uint32_t *runs;
	uint32_t len;
	uint8_t kind;		/* enum request_kind */
	uint8_t percent;	/* WRITE: what a fast compressor leaves of the data */
	bool unmap;		/* ZERO: the space may be given back */
};

static inline bool request_moves_data(const struct request *r)
{
	return r->kind == REQUEST_READ || r->kind == REQUEST_WRITE;
}

/* Whether the disk is not the same afterwards. */
static inline bool request_changes(const struct request *r)
{
	return r->kind != REQUEST_READ && r->kind != REQUEST_FLUSH;
}

#endif
