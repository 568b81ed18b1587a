/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgconv --skip-same: a target that holds the disk already is left alone. */
#include <string.h>
#include "common/text.h"
#include "imgconv/imgconv.h"

bool same_check_usage(const struct options *opt, char *const names[2], struct img_err *err)
{
	if (!opt->skip_same)
		return true;
	if (opt->itself || opt->with_snapshots || opt->salvage)
		return img_fail(err, IMG_E_ARGUMENT, _("--skip-same does not go with --in-place, "
						       "--with-snapshots and --salvage"));
	return (strcmp(names[0], "-") && strcmp(names[1], "-")) ||
	       img_fail(err, IMG_E_ARGUMENT, _("--skip-same reads source and target twice, so neither "
					       "can be a pipe"));
}

/* Whatever is wrong with what is there: it is replaced, and who does that tells what cannot be. */
bool same_is_there(const struct options *opt, const struct img_format *format, const char *path,
		   struct img *src)
{
	const struct img_open how = {
		.path = path, .format = img_format_name(format), .flags = 0,
		.gate = source_gate(opt->source.gate), .keys = secret_keys(opt->target.secrets),
	};
	struct img_compare_stats stats = { .same = false };
	struct img *there = img_open(&how, NULL);
	const struct img_compare what = { .a = src, .b = there, .threads = opt->threads };
	struct progress progress;
	bool same = there && img_size(there) == img_size(src);

	if (same) {
		const struct img_job *job = progress_start(&progress, &imgconv_cli,
							   progress_unless(opt->quiet, &opt->progress),
							   "compare");

		same = img_compare_run(&what, job, &stats, NULL) && stats.same;
		progress_end(&progress, same);
	}
	img_close(there);
	return same;
}

bool same_tell(const struct options *opt, struct img *src, struct img_copy_stats *stats,
	       struct img_err *err)
{
	*stats = (struct img_copy_stats){ .guest = img_size(src) };
	return !opt->digest || img_hash_disk(src, opt->digest, stats->digest, err);
}
