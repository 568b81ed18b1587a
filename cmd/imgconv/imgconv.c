/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgconv: copies a virtual disk into a new image of any format that can be written. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/exit.h"
#include "common/optlist.h"
#include "common/place.h"
#include "common/text.h"
#include "imgconv/imgconv.h"

static bool copy(const struct options *opt, struct img *src, struct img *dst,
		 struct losses *losses, struct img_copy_stats *stats, struct img_err *err)
{
	const struct img_copy what = {
		.src = src, .dst = dst, .threads = opt->threads, .rate = opt->rate,
		.range_at = opt->range.at, .range_len = opt->range.len,
		.zero_grain = target_zero_grain(opt->sparse), .compress = opt->compress,
		.recode = optlist_has(opt->target.options, "compression_level"),
		.salvage = opt->salvage, .digest = opt->digest,
		.lost = losses_add, .lost_ctx = losses,
	};
	struct progress progress;
	const struct img_job *job = progress_start(&progress, &imgconv_cli,
						   progress_unless(opt->quiet, &opt->progress),
						   "copy");
	const bool ok = img_copy_run(&what, job, stats, err) && img_finish(dst, err);

	progress_end(&progress, ok);
	if (!ok)
		source_explain(err);	/* of an archive that is a stream all members are known late */
	return ok;
}

/* Everything that has to be said about a copy that was made; *status is the exit status. */
static bool conclude(const struct outcome *out, int *status, struct img_err *err)
{
	const uint64_t lost = out->stats->lost;
	struct img_err text = { 0 };

	if (lost) {
		*status = CMD_INCOMPLETE;
		img_fail(&text, IMG_E_INCOMPLETE,
			 _("%s: %" PRIu64 " bytes could not be read; they are zeros in the target"),
			 out->source, lost);
		if (!out->opt->quiet)
			cli_warn(&imgconv_cli, text.text);
	}
	if (!report_is_wanted(&out->opt->report) && !out->opt->digest &&
	    (!lost || out->opt->quiet))
		return true;
	return report_write(out, err);
}

bool check_names(const struct options *opt, const char *source, const char *target, struct img_err *err)
{
	return place_check_names(source, target, &opt->secrets, &opt->new_secrets, err);
}

/* What lies on the disk, or is there already, can only be looked at where one can go back. */
static unsigned opening(const struct options *opt)
{
	return opt->free == LEAVE_OUT_NOTHING && !opt->skip_same ? IMG_OPEN_ONCE : 0;
}

bool convert(const struct options *opt, const struct img_format *format, char *const names[2],
	     struct img_bundle *bundle, int *status, struct img_err *err)
{
	struct losses losses = { .n = 0 };
	struct free_space unused = { .n = 0 };
	struct img_copy_stats stats;
	struct outcome out = {
		.source = names[0], .target = names[1], .opt = opt, .stats = &stats,
		.losses = &losses, .free = &unused, .target_format = img_format_name(format),
	};
	struct img *src = source_open_to_copy(&imgconv_cli, &opt->source, names[0], opening(opt), err);
	const size_t oddities = src ? source_oddities(src) : 0;
	const bool ready = src && report_check_image(opt, src, err) &&
			   leave_out_free(&imgconv_cli, opt->free, opt->quiet, src, &unused, err);
	out.skipped = ready && opt->skip_same && same_is_there(opt, format, names[1], src, &stats);
	struct img *dst = ready && !out.skipped
		? target_create(opt, format, names[1], bundle, src, err) : NULL;
	bool ok = out.skipped || (dst && report_check_image(opt, dst, err) &&
				  copy(opt, src, dst, &losses, &stats, err));

	/* Damage of single tables shows when they are read. */
	if (ok && source_oddities(src) > oddities)
		source_warn(&imgconv_cli, src);
	if (ok) {
		out.source_format = img_format_name(img_layer_format(src, 0));
		ok = conclude(&out, status, err);
	}
	img_close(dst);
	img_close(src);
	free_space_clear(&unused);
	free(losses.extents);
	return ok;
}

static bool make_target(const struct options *opt, const struct img_format *format, char *const *names,
			int n, int *status, struct img_err *err)
{
	if (!report_check_names(opt, names, n, err))
		return false;
	if (opt->itself)
		return convert_itself(opt, format, names, err);
	if (opt->tar)
		return convert_to_tar(opt, format, names, n, err);
	if (opt->with_snapshots)
		replicate_check_usage(opt, format);
	return check_names(opt, names[0], names[1], err) &&
	       (opt->with_snapshots ? replicate(opt, names, err)
				    : convert(opt, format, names, NULL, status, err));
}

/* What the options must not say together; ends the program. */
static void check_usage(struct options *opt, char *const names[2], const char *target)
{
	struct img_err err = { 0 };

	if (!same_check_usage(opt, names, &err) || !range_check_usage(opt, names[0], &err))
		cli_misused(&imgconv_cli, &err);
	if (opt->itself || opt->undo || opt->dry_run) {
		if (!check_itself(opt, &err))
			cli_misused(&imgconv_cli, &err);
		return;
	}
	opt->target.gate = opt->source.gate;
	opt->target.secrets = opt->secrets.given && !opt->new_secrets.given ? &opt->secrets
									    : &opt->new_secrets;
	if (!target_settle(&opt->target, &err) || (opt->tar && !check_tar(opt, &err)))
		cli_misused(&imgconv_cli, &err);
	if (opt->reads_as_zero && !opt->in_place)
		img_fail(&err, IMG_E_ARGUMENT, _("--target-is-zero needs -n"));
	else if (opt->in_place && !strcmp(target, "-"))
		img_fail(&err, IMG_E_ARGUMENT, _("-n needs a target with a name"));
	else if (!strcmp(target, "-") && isatty(STDOUT_FILENO))
		img_fail(&err, IMG_E_ARGUMENT, _("an image is not written to a terminal"));
	else
		return;
	cli_misused(&imgconv_cli, &err);
}

int main(int argc, char **argv)
{
	struct options opt = {
		.source.secrets = &opt.secrets, .source.quiet = &opt.quiet, .sparse = 4096,
		.report.style = IMG_STYLE_HUMAN,
	};
	const struct img_format *format;
	struct img_err err = { 0 };
	int status = CMD_DONE;
	char **names;
	int n = cli_parse(&imgconv_cli, argc, argv, &opt, &names);
	bool ok = true;

	if (!optlist_wants_help(opt.target.options))
		cli_need_operands(&imgconv_cli, n, opt.itself ? 1 : 2, opt.tar ? INT_MAX : 2);
	format = opt.undo ? img_format_named("raw")
			  : target_format(&opt.target, n >= 2 ? names[n - 1] : "-", 'O', &err);
	if (!format)
		cli_misused(&imgconv_cli, &err);
	if (optlist_wants_help(opt.target.options)) {
		optlist_print_new_help(format);
	} else {
		check_usage(&opt, names, n >= 2 ? names[n - 1] : NULL);
		ok = make_target(&opt, format, names, n, &status, &err);
	}
	target_free(&opt.target);
	secret_clear(&opt.secrets);
	secret_clear(&opt.new_secrets);
	return cli_end(&imgconv_cli, ok ? NULL : &err, status);
}
