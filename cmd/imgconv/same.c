/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgconv --skip-same: a target that holds the disk already is left alone. */
#include <stdlib.h>
#include <string.h>
#include "common/optlist.h"
#include "common/text.h"
#include "imgconv/imgconv.h"

enum { SECTOR = 512 };

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

/* Bytes of both are read as slowly as a copy would be. */
static bool compare(const struct options *opt, struct img *src, struct img *there,
		    struct img_compare_stats *stats)
{
	const struct img_compare what = {
		.a = src, .b = there, .threads = opt->threads, .rate = opt->rate,
		.digest = opt->digest,
	};
	struct progress progress;
	const struct img_job *job = progress_start(&progress, &imgconv_cli,
						   progress_unless(opt->quiet, &opt->progress),
						   "compare");
	const bool same = img_compare_run(&what, job, stats, NULL) && stats->same;

	progress_end(&progress, same);
	return same;
}

/* Disks of most formats are whole sectors. */
static bool fits(const struct img *src, const struct img *there, const struct img_format *format)
{
	const uint64_t size = img_size(src);
	const uint64_t whole = (size + SECTOR - 1) / SECTOR * SECTOR;

	return img_size(there) == size || (format != img_format_named("raw") && img_size(there) == whole);
}

/* Whatever is wrong with what is there: it is replaced, and who does that tells what cannot be. */
bool same_is_there(const struct options *opt, const struct img_format *format, const char *path,
		   struct img *src, struct img_copy_stats *stats)
{
	const char *name = img_format_name(format);
	char *header = strcmp(name, "luks") ? NULL : optlist_value(opt->target.options, "header");
	const struct img_open how = {
		.path = path, .format = name, .header = header,
		.gate = source_gate(opt->source.gate), .keys = secret_keys(opt->target.secrets),
		.member = opt->filter ? "1" : NULL,
	};
	struct img *there = img_open(&how, NULL);
	struct img_compare_stats found;
	const bool same = there && report_check_image(opt, there, NULL) &&
			  fits(src, there, format) && compare(opt, src, there, &found);

	img_close(there);
	free(header);
	*stats = (struct img_copy_stats){ .guest = img_size(src) };
	if (same)
		memcpy(stats->digest, found.digest, sizeof(found.digest));
	return same;
}
