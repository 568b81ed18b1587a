/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libimg: how large a new image would be.  A part of libimg.h. */
#ifndef LIBIMG_MEASURE_H
#define LIBIMG_MEASURE_H

#include "libimg.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct img_measure {
	/* What it would hold, not a stream; NULL: a disk of target->size bytes, all holes. */
	struct img *src;
	const struct img_create *target;	/* path: the name that it would have */
	uint32_t zero_grain;	/* as in struct img_copy */
	/*
	 * Reads the data, to leave out zeros in it.  Otherwise the map of src alone counts, for units
	 * that are not compressed and do not stand on a backing file.
	 */
	bool read;
	/* Of data that will be compressed, bytes that are, evenly spread; 0: IMG_MEASURE_SAMPLE. */
	uint64_t sample;
	unsigned threads;	/* 0: one for each core */
};

#define IMG_MEASURE_SAMPLE (UINT64_C(64) << 20)

enum img_exactness {
	IMG_EXACT,
	IMG_AT_MOST,		/* the data were not read, and may hold zeros that are left out */
	IMG_ESTIMATED,		/* by a sample */
};

struct img_measured {
	enum img_exactness exactness;
	uint64_t length;	/* bytes of all files of the image, holes and all */
	uint64_t blocks;	/* bytes that these take in blocks of 4 KiB */
	/* Length, if the whole disk held data that do not compress; IMG_SIZE_UNKNOWN: none can. */
	uint64_t full;
	/* Bytes for the bitmaps of src, which a copy leaves out; IMG_SIZE_UNKNOWN: damaged, or no place. */
	uint64_t bitmaps;
	/* IMG_ESTIMATED: in 19 of 20 cases length is wrong by no more bytes than that. */
	uint64_t error;
	uint64_t sampled, data;	/* bytes of the source that were compressed, of those there are */
};

/*
 * Finds out what img_create() and img_copy_run() would make, by the same code; nothing is written.
 * job may be NULL.  Errors: those of the two; IMG_E_UNSUPPORTED: src is a stream.
 */
bool img_measure_run(const struct img_measure *what, const struct img_job *job,
		     struct img_measured *out, struct img_err *err) IMG_MUST_CHECK;

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
