/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading back: whether a disk holds what a load must have left on it. */
#ifndef CMD_IMGBENCH_VERIFY_H
#define CMD_IMGBENCH_VERIFY_H

#include "imgbench/load.h"

struct verify {
	const struct load *load;
	uint32_t n_done;	/* so many of its requests were done */
	bool blank;		/* the disk read as zeros before: what was not written still must */
	const struct img_job *job;
	/* Result: */
	uint64_t bytes;		/* that were looked at: read and compared, or known to be zeros */
};

/* Whether the disk is known to read as zeros everywhere, without a look at any data. */
bool verify_is_blank(struct img *im, bool *blank, struct img_err *err) IMG_MUST_CHECK;
/*
 * Compares everything that the load changed, except what it discarded.  IMG_E_CORRUPT with the
 * first byte that differs; IMG_E_CANCELLED; errors of img_read().
 */
bool verify_image(struct verify *v, struct img *im, struct img_err *err) IMG_MUST_CHECK;

#endif
