/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libimg: whether two disks are the same.  A part of libimg.h. */
#ifndef LIBIMG_COMPARE_H
#define LIBIMG_COMPARE_H

#include "libimg.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct img_compare {
	struct img *a, *b;
	unsigned threads;	/* 0: one for each core, eight at least to read from a cluster */
	bool strict;		/* sizes and allocation must agree too */
	bool all;		/* go on after the first difference */
	uint64_t rate;		/* bytes of data a second at most, from each side; 0: no limit */
	const char *digest;	/* name of a hash of the content of a, or NULL; IMG_E_UNSUPPORTED */
	/* Each differing range in guest order, merged; exact to the byte.  May be NULL. */
	void (*differs)(void *ctx, uint64_t at, uint64_t len);
	void *differs_ctx;
};

struct img_compare_stats {
	bool same;
	uint64_t first;		/* guest offset of the first difference, when !same */
	uint64_t differing;	/* bytes; exact when all is set */
	bool sizes_differ;	/* the tail of the longer one was compared with zeros */
	bool allocation_differs;	/* strict: the first difference is one of allocation */
	char digest[129];	/* hexadecimal; empty where the content differs */
};

bool img_compare_run(const struct img_compare *what, const struct img_job *job,
		     struct img_compare_stats *stats, struct img_err *err) IMG_MUST_CHECK;

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
