/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of imgmeasure know of each other. */
#ifndef CMD_IMGMEASURE_H
#define CMD_IMGMEASURE_H

#include "libimg.h"

struct answer {
	const char *source;		/* NULL: a disk that holds nothing */
	const char *target_format;
	uint64_t size;			/* of the disk */
	struct img_measured found;
	enum img_style style;
};

/* Writes the report to standard output. */
bool answer_write(const struct answer *answer, struct img_err *err) IMG_MUST_CHECK;

#endif
