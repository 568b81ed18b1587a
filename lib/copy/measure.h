/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a compressed image would be, known from a part of its units. */
#ifndef IMG_COPY_MEASURE_H
#define IMG_COPY_MEASURE_H

#include "copy/copy.h"

/* A unit of a sample that did not get smaller; one that is all zeros has 0. */
#define IMG_SAMPLE_PLAIN UINT32_MAX

struct img_sample {
	size_t n, units;	/* grains that were compressed, and units of each */
	uint32_t *stored;	/* owned: bytes of each unit, grain behind grain */
	double error;		/* bytes, of all units together; 19 of 20 estimates are that good */
};

/* Grains that the ranges hold; the last one of each may be short. */
uint64_t img_sample_grains(const struct img_ranges *data, uint64_t grain);
/*
 * Compresses n of all grains of data, one of each n-th part, as what->dst would have them; 0 < n <= all.
 * out is for img_sample_free(), also after a failure.  Errors: of reading, of the codec, IMG_E_NOMEM,
 * IMG_E_CANCELLED.
 */
bool img_sample_take(const struct img_copy *what, const struct img_ranges *data, uint64_t n,
		     const struct img_job *job, struct img_sample *out, struct img_err *err)
	IMG_MUST_CHECK;
void img_sample_free(struct img_sample *sample);
/* The grain of the sample that stands for number `index` of `all`. */
const uint32_t *img_sample_of(const struct img_sample *sample, uint64_t index, uint64_t all);

#endif
