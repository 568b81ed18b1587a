/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgcmp: whether two images hold the same disk. */
#include <stddef.h>
#include "common/ceph.h"
#include "common/exit.h"
#include "common/progress.h"
#include "common/source.h"
#include "common/text.h"
#include "imgcmp/imgcmp.h"

struct options {
	struct source_options source;
	struct secrets secrets;
	const char *format_b, *parent_b, *header_b, *member_b, *disk_b;
	bool strict, all, quiet;
	unsigned threads;
	struct progress_options progress;
	enum img_style style;
};

#define AT(member) offsetof(struct options, member)

static const struct cli_option rows[] = {
	{ 'f', "format", "FORMAT", cli_set_text, AT(source.format),
	  N_("format of the first image (otherwise found out)") },
	{ 'F', "second-format", "FORMAT", cli_set_text, AT(format_b),
	  N_("format of the second image (otherwise found out)") },
	{ 's', "strict", NULL, cli_set_flag, AT(strict),
	  N_("sizes and allocation must be the same, too") },
	{ 0, "all", NULL, cli_set_flag, AT(all),
	  N_("list every range that differs, not only the first") },
	{ 'T', "source-cache", CLI_CACHES, cli_set_cache, AT(source.cache),
	  N_("how the images are read") },
	{ 0, "parent", "FILE", cli_set_text, AT(source.parent),
	  N_("what the first image stands on, whatever it says itself") },
	{ 0, "second-parent", "FILE", cli_set_text, AT(parent_b),
	  N_("the same of the second image") },
	{ 0, "disk", "N", cli_set_text, AT(source.disk),
	  N_("of an appliance that disk is the first image: a number, an id or a file") },
	{ 0, "second-disk", "N", cli_set_text, AT(disk_b),
	  N_("the same of the second image") },
	{ 0, "member", "NAME|GLOB|N", cli_set_text, AT(source.member),
	  N_("the file in an archive that is the first image") },
	{ 0, "second-member", "NAME|GLOB|N", cli_set_text, AT(member_b),
	  N_("the same of the second image") },
	SOURCE_ROW_MAX_SIZE(AT(source.max_size)),
	SOURCE_ROW_FORCE_SHARE(AT(source.force_share)),
	SOURCE_ROW_UNTRUSTED(AT(source.gate)),
	SOURCE_ROW_TRUSTED(AT(source.gate)),
	{ 0, "header", "FILE", cli_set_text, AT(source.header),
	  N_("FILE holds the header of the first image, a LUKS image that is the data alone") },
	{ 0, "second-header", "FILE", cli_set_text, AT(header_b),
	  N_("the same of the second image") },
	SECRET_ROWS(AT(secrets)),
	{ 'm', "threads", "N", cli_set_count, AT(threads),
	  N_("work with so many threads (default: all cores)") },
	{ 0, "output", CLI_STYLES, cli_set_style, AT(style),
	  N_("how to print it (default human)") },
	{ 'p', "progress", PROGRESS_VALUE, progress_set, AT(progress),
	  N_("show how far it is, on standard error or as JSON") },
	{ 'q', "quiet", NULL, cli_set_flag, AT(quiet),
	  N_("print nothing; the exit status tells") },
	CEPH_ROWS,
	{ .name = NULL },
};

static const struct cli cli = {
	.name = "imgcmp", .operands = N_("FILE FILE"),
	.summary = N_("Tells whether two images hold the same disk; exit status 0: yes, 1: no."),
	.options = rows, .failed = CMD_TROUBLE,
};

static bool run(const struct options *opt, struct img *a, struct img *b, struct verdict *v,
		struct img_err *err)
{
	const struct img_compare what = {
		.a = a, .b = b, .threads = opt->threads, .strict = opt->strict, .all = opt->all,
		.differs = verdict_differs, .differs_ctx = v,
	};
	struct progress progress;
	const struct img_job *job = progress_start(&progress, &cli,
						   progress_unless(opt->quiet, &opt->progress),
						   "compare");
	const bool ok = img_compare_run(&what, job, &v->stats, err);

	progress_end(&progress, ok);
	v->size_a = img_size(a);
	v->size_b = img_size(b);
	return ok;
}

static bool compare(const struct options *opt, char *const names[2], int *status,
		    struct img_err *err)
{
	struct verdict v = {
		.style = opt->style, .quiet = opt->quiet, .all = opt->all, .strict = opt->strict,
		.a = names[0], .b = names[1],
	};
	struct source_options second = opt->source;
	struct img *a, *b = NULL;
	bool ok;

	second.format = opt->format_b;
	second.parent = opt->parent_b;
	second.header = opt->header_b;
	second.member = opt->member_b;
	second.disk = opt->disk_b;
	a = source_open(&cli, &opt->source, names[0], 0, err);
	if (a)
		b = source_open(&cli, &second, names[1], 0, err);
	ok = b && verdict_start(&v, err) && run(opt, a, b, &v, err) && verdict_tell(&v, err);
	if (ok)
		*status = v.stats.same ? CMD_DONE : CMD_DIFFERENT;
	verdict_free(&v);
	img_close(b);
	img_close(a);
	return ok;
}

int main(int argc, char **argv)
{
	struct options opt = {
		.source.secrets = &opt.secrets, .source.quiet = &opt.quiet, .style = IMG_STYLE_HUMAN,
	};
	struct img_err err = { 0 };
	int status = CMD_TROUBLE;
	char **names;
	bool ok;

	cli_need_operands(&cli, cli_parse(&cli, argc, argv, &opt, &names), 2, 2);
	ok = compare(&opt, names, &status, &err);
	secret_clear(&opt.secrets);
	return cli_end(&cli, ok ? NULL : &err, status);
}
