/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgcompress: makes an image smaller. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/ceph.h"
#include "common/exit.h"
#include "common/optlist.h"
#include "common/text.h"
#include "imgcompress/imgcompress.h"

static bool set_report(const struct cli_option *row, void *field, const char *text,
		       struct img_err *err)
{
	struct options *opt = field;

	opt->wants_report = true;
	return cli_set_style(row, &opt->style, text, err);
}

#define AT(member) offsetof(struct options, member)

static const struct cli_option rows[] = {
	SOURCE_ROW_FORMAT(AT(source.format)),
	{ 'O', "target-format", "FORMAT", cli_set_text, AT(format),
	  N_("format of the new image (default: that of the image, or qcow2)") },
	{ 'o', "options", "NAME=VALUE,...", cli_set_list, AT(settings),
	  N_("options of the new image's format; \"help\" lists them") },
	{ 0, "codec", "NAME", cli_set_text, AT(codec),
	  N_("how to compress: deflate, zstd, xz, lz4, lzo; not all are for each format") },
	{ 0, "best-of", "CODEC,...", cli_set_text, AT(best_of),
	  N_("compress each block with whichever of them makes it smallest; cloop alone can") },
	{ 0, "level", "N", cli_set_text, AT(level),
	  N_("effort, in the numbers of the codec, or fastest or best") },
	{ 0, "recode", NULL, cli_set_flag, AT(recode),
	  N_("compress anew also what is compressed in the same way already") },
	{ 0, "verify", NULL, cli_set_flag, AT(verify),
	  N_("decode also what is only moved, so that damage is found") },
	{ 0, "dedup", NULL, cli_set_flag, AT(dedup),
	  N_("store equal clusters once; qcow2 alone can") },
	{ 0, "deterministic", NULL, cli_set_flag, AT(deterministic),
	  N_("make the same bytes of the same disk, whoever wrote it in which order") },
	{ 0, "in-place", NULL, cli_set_flag, AT(in_place),
	  N_("make the file of the image itself shorter") },
	{ 'c', "compress", NULL, cli_set_flag, AT(compress),
	  N_("with --in-place: compress also what is stored plain; qcow2 and qcow can") },
	{ 0, "dry-run", NULL, cli_set_flag, AT(dry_run),
	  N_("with --in-place: only tell what would be done") },
	{ 0, "skip-free", "[=force]", leave_out_set, AT(free),
	  N_("leave out what the file systems do not use; force: although they were in use") },
	{ 'm', "threads", "N", cli_set_count, AT(threads),
	  N_("work with so many threads (default: all cores)") },
	{ 't', "cache", CLI_CACHES, cli_set_cache, AT(cache),
	  N_("how the new image is written") },
	{ 'T', "source-cache", CLI_CACHES, cli_set_cache, AT(source.cache),
	  N_("how the image is read") },
	SOURCE_ROW_FORCE_SHARE(AT(source.force_share)),
	SOURCE_ROW_UNTRUSTED(AT(source.gate)),
	SOURCE_ROW_TRUSTED(AT(source.gate)),
	SOURCE_ROW_HEADER(AT(source.header)),
	SECRET_ROWS(AT(secrets)),
	{ 0, "output", CLI_STYLES, set_report, 0,
	  N_("report what was done") },
	{ 'p', "progress", PROGRESS_VALUE, progress_set, AT(progress),
	  N_("show how far it is, on standard error or as JSON") },
	{ 'q', "quiet", NULL, cli_set_flag, AT(quiet),
	  N_("show no progress") },
	CEPH_ROWS,
	{ .name = NULL },
};

const struct cli imgcompress_cli = {
	.name = "imgcompress", .operands = N_("IMAGE [NEW]|--in-place IMAGE"),
	.summary = N_("Compresses an image, which becomes smaller, or into a new one."),
	.options = rows, .failed = CMD_FAILED,
};

/* Of the format that is asked for, or of all that compress. */
static void print_help(const char *name)
{
	for (size_t i = 0; i < img_format_count(); i++) {
		const struct img_format *format = img_format_at(i);

		if (name ? format == img_format_named(name)
			 : img_format_caps(format) & IMG_FMT_COMPRESS)
			optlist_print_help(format, img_format_options(format));
	}
}

static void refuse_terminal(const char *target)
{
	struct img_err err = { 0 };

	if (strcmp(target, "-") || !isatty(STDOUT_FILENO))
		return;
	img_fail(&err, IMG_E_ARGUMENT, _("an image is not written to a terminal"));
	cli_misused(&imgcompress_cli, &err);
}

/* Who writes to an image that is replaced would go on writing to a file without a name. */
static void refuse_sharing(const struct options *opt)
{
	struct img_err err = { 0 };

	if (!opt->source.force_share)
		return;
	img_fail(&err, IMG_E_ARGUMENT, _("an image that may be in use is not replaced; --force-share "
		 "needs a name for the new one"));
	cli_misused(&imgcompress_cli, &err);
}

static bool run(struct options *opt, int n, char **names, struct img_err *err)
{
	if (opt->best_of && opt->codec)
		return img_fail(err, IMG_E_ARGUMENT, _("--codec and --best-of do not go together"));
	if (n == 1 && !strcmp(names[0], "-"))
		return img_fail(err, IMG_E_ARGUMENT, _("standard input is no image that could be changed; "
				"name the new one, too"));
	if (opt->in_place)
		return compress_in_place(opt, names[0], err);
	if (opt->dry_run || opt->compress)
		return img_fail(err, IMG_E_ARGUMENT, _("--dry-run and -c need --in-place"));
	if (n == 1) {
		refuse_sharing(opt);
		return compress_replace(opt, names[0], err);
	}
	refuse_terminal(names[1]);
	return compress_copy(opt, names, err);
}

int main(int argc, char **argv)
{
	struct options opt = {
		.source.secrets = &opt.secrets, .source.quiet = &opt.quiet, .style = IMG_STYLE_HUMAN,
	};
	struct img_err err = { 0 };
	bool ok = true;
	char **names;
	const int n = cli_parse(&imgcompress_cli, argc, argv, &opt, &names);

	if (optlist_wants_help(opt.settings)) {
		print_help(opt.format);
	} else {
		cli_need_operands(&imgcompress_cli, n, 1, 2 - opt.in_place);
		ok = run(&opt, n, names, &err);
	}
	free(opt.settings);
	secret_clear(&opt.secrets);
	return cli_end(&imgcompress_cli, ok ? NULL : &err, CMD_DONE);
}
