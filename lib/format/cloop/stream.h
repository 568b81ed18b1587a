/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Streams of zlib and xz in a file, found without an index: they say where they end, and have a
 * checksum.  Those of lz4 and lzo do not.
 */
#ifndef CLOOP_STREAM_H
#define CLOOP_STREAM_H

#include "format/cloop/cloop.h"

/* Blocks that are longer, compressed or not, are not found. */
enum { CLOOP_WINDOW = 8 << 20, CLOOP_FOUND_MAX = 4 << 20 };

struct cloop_stream {
	enum cloop_compressor compressor;
	uint64_t host, len;		/* in the file */
	size_t got;			/* bytes that it gives; 0: there is none */
};

/* A look through a file.  One thread. */
struct cloop_scan {
	struct img_store *file;
	void *contexts[CLOOP_COMPRESSORS];
	uint8_t *window, *out;		/* bytes of the file from `at` on, and what a stream gives */
	uint64_t at;
	size_t len;
	uint64_t tried, passed;		/* candidates that were none, and bytes that were gone over */
};

bool cloop_scan_init(struct cloop_scan *scan, struct img_store *file, struct img_err *err)
	IMG_MUST_CHECK;
/* Accepts a zeroed one. */
void cloop_scan_clear(struct cloop_scan *scan);
/* The stream that begins at host and ends at limit at most, which is inside of the file. */
bool cloop_scan_here(struct cloop_scan *scan, uint64_t host, uint64_t limit,
		     struct cloop_stream *out, struct img_err *err) IMG_MUST_CHECK;
/* The first one at or behind host. */
bool cloop_scan_next(struct cloop_scan *scan, uint64_t host, uint64_t limit,
		     struct cloop_stream *out, struct img_err *err) IMG_MUST_CHECK;
/* Whether a stream seems to begin here, and of what.  Pure. */
bool cloop_is_stream(const uint8_t *raw, size_t len, enum cloop_compressor *id);
/* Whether two bytes look like the start of a stream of zlib. */
static inline bool cloop_is_zlib(const uint8_t *raw)
{
	return raw[0] == 0x78 && ((unsigned)raw[0] << 8 | raw[1]) % 31 == 0 && !(raw[1] & 0x20);
}

#endif
