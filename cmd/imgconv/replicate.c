/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An image with its snapshots: what they share is shared in the copy, which is like the source. */
#include "common/place.h"
#include "common/text.h"
#include "imgconv/imgconv.h"

/* An option that says how the target is to be, or what of the source is wanted. */
static const char *contradiction(const struct options *opt)
{
	const struct { bool given; const char *option; } wishes[] = {
		{ opt->target.options, "options" }, { opt->compress, "compress" },
		{ opt->target.backing, "backing" }, { opt->source.snapshot, "snapshot" },
		{ opt->in_place, "no-create" }, { opt->salvage, "salvage" }, { opt->free, "skip-free" },
		{ opt->digest, "digest" }, { opt->report.wanted, "output" },
		{ opt->report.path, "report" },
		{ opt->source.parent, "parent" }, { opt->source.header, "header" },
	};

	for (size_t i = 0; i < sizeof(wishes) / sizeof(*wishes); i++)
		if (wishes[i].given)
			return wishes[i].option;
	return NULL;
}

void replicate_check_usage(const struct options *opt, const struct img_format *format)
{
	const char *option = contradiction(opt);
	struct img_err err = { 0 };

	if (option)
		img_fail(&err, IMG_E_ARGUMENT, _("--with-snapshots copies an image as it is, and "
			 "cannot go with --%s"), option);
	else if (!(img_format_caps(format) & IMG_FMT_SNAPSHOT))
		img_fail(&err, IMG_E_ARGUMENT, _("--with-snapshots needs a target that has snapshots; "
			 "%s has none"), img_format_name(format));
	else
		return;
	cli_misused(&imgconv_cli, &err);
}

static bool run(const struct options *opt, struct img *src, const char *path, struct img_err *err)
{
	struct progress progress;
	const struct img_job *job = progress_start(&progress, &imgconv_cli,
						   progress_unless(opt->quiet, &opt->progress),
						   "copy");
	const bool ok = img_replicate(src, path, opt->cache, job, err);

	progress_end(&progress, ok);
	return ok;
}

bool replicate(const struct options *opt, char *const names[2], struct img_err *err)
{
	struct img *src = source_open_to_copy(&imgconv_cli, &opt->source, names[0],
					      IMG_OPEN_NO_BACKING, err);
	const bool ok = src && place_check_source(src, names[1], err) && run(opt, src, names[1], err);

	img_close(src);
	return ok;
}
