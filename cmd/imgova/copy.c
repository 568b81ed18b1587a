/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One disk into a new image, told of as it goes. */
#include <ctype.h>
#include <string.h>
#include "imgova/imgova.h"

enum { SPARSE_SIZE = 4096 };	/* bytes of zeros that are left out */

bool ova_copy(const struct options *opt, struct img *src, struct img *dst, bool compress,
	      struct img_copy_stats *stats, struct img_err *err)
{
	const struct img_copy what = {
		.src = src, .dst = dst, .threads = opt->threads, .compress = compress,
		.zero_grain = target_zero_grain(SPARSE_SIZE),
	};
	struct progress progress;
	const struct img_job *job = progress_start(&progress, &imgova_cli,
						   progress_unless(opt->quiet, &opt->progress),
						   "copy");
	const bool ok = img_copy_run(&what, job, stats, err) && img_finish(dst, err);

	progress_end(&progress, ok);
	return ok;
}

void ova_make_plain(char *name)
{
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("-_.", *name))
			*name = '_';
}

