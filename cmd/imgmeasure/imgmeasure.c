/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgmeasure: how large the image would be that imgconv makes. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/ceph.h"
#include "common/exit.h"
#include "common/memory.h"
#include "common/optlist.h"
#include "common/progress.h"
#include "common/source.h"
#include "common/target.h"
#include "common/text.h"
#include "guest/leave_out.h"
#include "imgmeasure/imgmeasure.h"

struct options {
	struct source_options source;
	struct target_options target;
	struct secrets secrets, invented;	/* of the source; of an encrypted target */
	enum leave_out free;
	bool compress, quiet;
	uint64_t size;		/* of a disk without an image; 0: not said */
	uint64_t sparse;	/* as imgconv has it; NOT_SAID: the data are not read */
	uint64_t sample;	/* bytes to be compressed; 0: the default */
	unsigned threads;
	struct progress_options progress;
	enum img_style style;
};

#define NOT_SAID UINT64_MAX
static const uint64_t sparse_of_imgconv = 4096;

#define AT(member) offsetof(struct options, member)

static const struct cli_option rows[] = {
	SOURCE_ROW_FORMAT(AT(source.format)),
	{ 'O', "target-format", "FORMAT", cli_set_text, AT(target.format),
	  N_("format of the target (otherwise by its name)") },
	{ 'o', "options", "NAME=VALUE,...", cli_set_list, AT(target.options),
	  N_("options of the target's format; \"help\" lists them") },
	{ 'c', "compress", NULL, cli_set_flag, AT(compress),
	  N_("as if the target were compressed: by a sample of the data") },
	{ 'S', "sparse-size", "SIZE", cli_set_size, AT(sparse),
	  N_("read the data, and leave out runs of zeros this long") },
	{ 'B', "backing", "FILE", target_set_text, AT(target.backing),
	  N_("as if only what differs from this backing file were stored") },
	{ 'F', "backing-format", "FORMAT", target_set_text, AT(target.backing_format),
	  N_("format of the backing file") },
	{ 'l', "snapshot", "ID", source_set_snapshot, AT(source.snapshot),
	  N_("measure an internal snapshot, by its id or name") },
	{ 0, "size", "SIZE", cli_set_amount, AT(size),
	  N_("instead of an image: a disk of that size that holds nothing") },
	{ 0, "skip-free", "[=force]", leave_out_set, AT(free),
	  N_("leave out what the file systems do not use; force: although they were in use") },
	{ 0, "sample", "SIZE", cli_set_amount, AT(sample),
	  N_("compress so many bytes to learn how small all would get (default 64M)") },
	{ 'm', "threads", "N", cli_set_count, AT(threads),
	  N_("work with so many threads (default: all cores)") },
	{ 'T', "source-cache", CLI_CACHES, cli_set_cache, AT(source.cache),
	  N_("how the source is read") },
	SOURCE_ROW_PARENT(AT(source.parent)),
	SOURCE_ROW_DISK(AT(source.disk)),
	SOURCE_ROW_MEMBER(AT(source.member)),
	SOURCE_ROW_MAX_SIZE(AT(source.max_size)),
	SOURCE_ROW_FORCE_SHARE(AT(source.force_share)),
	SOURCE_ROW_UNTRUSTED(AT(source.gate)),
	SOURCE_ROW_TRUSTED(AT(source.gate)),
	SOURCE_ROW_HEADER(AT(source.header)),
	SECRET_ROWS(AT(secrets)),
	{ 0, "output", CLI_STYLES, cli_set_style, AT(style),
	  N_("how to print it (default human)") },
	{ 'p', "progress", PROGRESS_VALUE, progress_set, AT(progress),
	  N_("show how far it is, on standard error or as JSON") },
	{ 'q', "quiet", NULL, cli_set_flag, AT(quiet),
	  N_("show no progress and no warnings of file systems") },
	CEPH_ROWS,
	{ .name = NULL },
};

static const struct cli cli = {
	.name = "imgmeasure", .operands = N_("[FILE [TARGET]]"),
	.summary = N_("Tells how large an image would become, without making it."),
	.options = rows, .failed = CMD_FAILED,
};

/* ---- The work ------------------------------------------------------------------------------------ */

static bool run(const struct options *opt, const struct img_measure *what,
		struct img_measured *out, struct img_err *err)
{
	struct progress progress;
	const struct img_job *job = progress_start(&progress, &cli,
						   progress_unless(opt->quiet, &opt->progress),
						   "measure");
	const bool ok = img_measure_run(what, job, out, err);

	progress_end(&progress, ok);
	return ok;
}

/* src: NULL, there is only a size. */
static bool measure(const struct options *opt, const struct img_format *format, const char *target,
		    struct img *src, struct answer *answer, struct img_err *err)
{
	struct img_create create = {
		.path = target, .size = answer->size, .compressed = opt->compress,
		.key = secret_first(&opt->invented),
	};
	const struct img_measure what = {
		.src = src, .target = &create, .read = opt->sparse != NOT_SAID,
		.zero_grain = target_zero_grain(opt->sparse == NOT_SAID ? sparse_of_imgconv
								       : opt->sparse),
		.sample = opt->sample, .threads = opt->threads,
	};
	const bool ok = target_prepare(&cli, &opt->target, format, !opt->sparse, &create, err) &&
			run(opt, &what, &answer->found, err);

	target_unprepare(&create);
	return ok && answer_write(answer, err);
}

static bool measure_image(const struct options *opt, const struct img_format *format,
			  const char *name, const char *target, struct img_err *err)
{
	struct answer answer = {
		.source = name, .target_format = img_format_name(format), .style = opt->style,
	};
	struct free_space unused = { .n = 0 };
	struct img *src = source_open(&cli, &opt->source, name, 0, err);
	bool ok = src && leave_out_free(&cli, opt->free, opt->quiet, src, &unused, err);

	if (ok) {
		answer.size = img_size(src);
		ok = measure(opt, format, target, src, &answer, err);
	}
	img_close(src);
	free_space_clear(&unused);
	return ok;
}

static bool measure_size(const struct options *opt, const struct img_format *format,
			 const char *target, struct img_err *err)
{
	struct answer answer = {
		.target_format = img_format_name(format), .size = opt->size, .style = opt->style,
	};

	return measure(opt, format, target, NULL, &answer, err);
}

/* The length of an encrypted image does not depend on its key, and a map needs none. */
static bool find_keys(struct options *opt, struct img_err *err)
{
	const bool reads = opt->compress || opt->free || opt->sparse != NOT_SAID || opt->target.backing;

	if (reads || opt->secrets.given)
		opt->source.secrets = &opt->secrets;
	return secret_invent(&opt->invented, err);
}

/* ---- What the options say ------------------------------------------------------------------------ */

/* The name that the target would have: beside the source, with the usual ending. */
static char *name_target(const struct img_format *format, const char *source)
{
	const char *base = source && strcmp(source, "-") ? source : "disk";
	const char *slash = strrchr(base, '/'), *dot = strrchr(slash ? slash : base, '.');
	const int len = (int)(dot ? (size_t)(dot - base) : strlen(base));
	char *name;

	return asprintf(&name, "%.*s.%s", len, base, img_format_name(format)) < 0 ? NULL : name;
}

static void check_usage(struct options *opt, int n)
{
	struct img_err err = { 0 };

	opt->target.gate = opt->source.gate;
	if (opt->size && n)
		img_fail(&err, IMG_E_ARGUMENT, _("--size stands in the place of an image"));
	else if (opt->size && opt->free)
		img_fail(&err, IMG_E_ARGUMENT, _("--skip-free needs an image"));
	else if (target_settle(&opt->target, &err))
		return;
	cli_misused(&cli, &err);
}

int main(int argc, char **argv)
{
	struct options opt = {
		.source.quiet = &opt.quiet, .style = IMG_STYLE_HUMAN, .sparse = NOT_SAID,
	};
	struct img_err err = { 0 };
	char **names, *target;
	const int n = cli_parse(&cli, argc, argv, &opt, &names);
	const bool help = optlist_wants_help(opt.target.options);
	const struct img_format *format;
	bool ok = true;

	if (!help)
		cli_need_operands(&cli, n, opt.size ? 0 : 1, 2);
	format = target_format(&opt.target, n == 2 ? names[1] : "-", 'O', &err);
	if (!format)
		cli_misused(&cli, &err);
	if (help) {
		optlist_print_help(format, img_format_options(format));
		target_free(&opt.target);
		return cli_end(&cli, NULL, CMD_DONE);
	}
	check_usage(&opt, n);
	target = n == 2 ? strdup(names[1]) : name_target(format, n ? names[0] : NULL);
	if (!target)
		ok = out_of_memory(&err);
	else if ((ok = find_keys(&opt, &err)))
		ok = n ? measure_image(&opt, format, names[0], target, &err)
		       : measure_size(&opt, format, target, &err);
	free(target);
	target_free(&opt.target);
	secret_clear(&opt.secrets);
	secret_clear(&opt.invented);
	return cli_end(&cli, ok ? NULL : &err, CMD_DONE);
}
