/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A snapshot as an image of its own. */
#include <string.h>
#include <unistd.h>
#include "common/place.h"
#include "common/target.h"
#include "common/text.h"
#include "imgsnap/imgsnap.h"

static bool copy(const struct options *opt, struct img *src, struct img *dst, struct img_err *err)
{
	const struct img_copy what = {
		.src = src, .dst = dst, .threads = opt->threads,
		.zero_grain = target_zero_grain(opt->sparse),
	};
	struct img_copy_stats stats;
	struct progress progress;
	const struct img_job *job = snap_progress(&progress, opt, "copy");
	const bool ok = img_copy_run(&what, job, &stats, err) && img_finish(dst, err);

	progress_end(&progress, ok);
	return ok;
}

static struct img *create(const struct options *opt, const struct img *src, const char *path,
			  struct img_err *err)
{
	const struct img_format *format = target_format(&opt->target, path, 'O', err);
	const struct img_create what = {
		.path = path, .format = format ? img_format_name(format) : NULL,
		.size = img_size(src), .source = src, .options = opt->target.options,
		.in_place = target_must_stay(path), .gate = source_gate(opt->source.gate),
	};

	return format ? target_new(&what, opt->source.secrets, err) : NULL;
}

bool snap_extract(const struct options *opt, char *const *names, struct img_err *err)
{
	struct source_options how = opt->source;
	struct img *src, *dst = NULL;

	if (!place_check_names(names[0], names[2], opt->source.secrets, NULL, err))
		return false;
	if (!strcmp(names[2], "-") && isatty(STDOUT_FILENO))
		return img_fail(err, IMG_E_ARGUMENT, _("an image is not written to a terminal"));
	how.snapshot = names[1];
	src = source_open(&imgsnap_cli, &how, names[0], 0, err);
	if (src)
		dst = create(opt, src, names[2], err);
	const bool ok = dst && copy(opt, src, dst, err);

	img_close(dst);
	img_close(src);
	return ok;
}
