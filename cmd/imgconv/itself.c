/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgconv --in-place: the file itself becomes an image of another format, and may get another name. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/text.h"
#include "imgconv/imgconv.h"

bool check_itself(const struct options *opt, struct img_err *err)
{
	if (!opt->itself)
		return img_fail(err, IMG_E_ARGUMENT, _("--undo and --dry-run need --in-place"));
	if (opt->undo && (opt->target.format || opt->target.options))
		return img_fail(err, IMG_E_ARGUMENT, _("--undo takes neither -O nor -o: it ends with a "
				"raw file"));
	if (opt->compress || opt->target.backing || opt->in_place || opt->source.snapshot ||
	    opt->source.parent || opt->source.header || opt->salvage || opt->digest ||
	    opt->with_snapshots || opt->free || opt->tar)
		return img_fail(err, IMG_E_ARGUMENT, _("--in-place copies nothing, so it does not go "
				"with -c, -B, -n, -l, --parent, --header, --salvage, --digest, "
				"--skip-free, --with-snapshots and --tar"));
	return true;
}

/* ---- Another name -------------------------------------------------------------------------------- */

static bool check_name(const char *from, const char *to, struct img_err *err)
{
	if (to && strcmp(from, to) != 0 && img_path_is_uri(from))
		return img_fail(err, IMG_E_ARGUMENT, _("%s: keeps its name: only a file gets another one"),
				from);
	return !to || !strcmp(from, to) || access(to, F_OK) ||
	       img_fail(err, IMG_E_ARGUMENT, _("%s: exists already, and must be a new name"), to);
}

static bool give_name(const char *from, const char *to, const struct img_format *format,
		      struct img_err *err)
{
	return !strcmp(from, to) || !renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) ||
	       (errno == EINVAL && !rename(from, to)) ||
	       img_fail_os(err, _("%s is %s now, but cannot get the name %s"), from,
			   img_format_name(format), to);
}

/* Programs that go by the name would take it for what it was. */
static void suggest_name(const struct options *opt, const char *name, const struct img_format *format)
{
	const struct img_format *by_name = img_format_for_file(name);

	if (!opt->quiet && by_name && by_name != format)
		fprintf(stderr, _("%s: %s is %s now, whatever its name says; mv gives it another\n"),
			imgconv_cli.name, name, img_format_name(format));
}

/* ---- The conversion ------------------------------------------------------------------------------ */

static bool run(const struct options *opt, const struct img_format *format, const char *path,
		struct img_in_place_stats *stats, struct img_err *err)
{
	const struct img_in_place what = {
		.path = path, .format = opt->source.format, .target = img_format_name(format),
		.options = opt->target.options, .undo = opt->undo, .dry_run = opt->dry_run,
	};
	struct progress progress;
	const struct img_job *job = progress_start(&progress, &imgconv_cli,
						   progress_unless(opt->quiet, &opt->progress),
						   "move");
	const bool ok = img_convert_in_place(&what, job, stats, err);

	progress_end(&progress, ok);
	return ok;
}

static bool report(const struct options *opt, const struct img_format *format, const char *name,
		   const struct img_in_place_stats *in_place, const char *target, struct img_err *err)
{
	const uint64_t data = in_place->data < in_place->guest ? in_place->data : in_place->guest;
	const struct img_copy_stats stats = {
		.guest = in_place->guest, .data = data, .zero = in_place->guest - data,
	};
	const struct losses none = { .n = 0 };
	const struct outcome out = {
		.source = name, .target = target, .source_format = in_place->from,
		.target_format = img_format_name(format), .opt = opt, .stats = &stats,
		.losses = &none, .in_place = in_place,
	};

	return (!report_is_wanted(&opt->report) && !opt->dry_run) || report_write(&out, err);
}

bool convert_itself(const struct options *opt, const struct img_format *format, char *const names[2],
		    struct img_err *err)
{
	const char *target = names[1] ? names[1] : names[0];
	struct img_in_place_stats stats;

	if (!strcmp(names[0], "-") || !strcmp(target, "-"))
		return img_fail(err, IMG_E_ARGUMENT, _("--in-place needs a file with a name"));
	if (!check_name(names[0], names[1], err) || !run(opt, format, names[0], &stats, err))
		return false;
	if (!opt->dry_run) {
		if (!give_name(names[0], target, format, err))
			return false;
		suggest_name(opt, target, format);
	}
	return report(opt, format, names[0], &stats, target, err);
}
