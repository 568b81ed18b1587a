/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgamend: changes what an image is, without copying it. */
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "common/ceph.h"
#include "common/exit.h"
#include "common/memory.h"
#include "common/optlist.h"
#include "common/progress.h"
#include "common/source.h"
#include "common/text.h"

struct options {
	struct source_options source;
	char *changes;
	bool quiet;
	struct progress_options progress;
	enum img_style style;
};

#define AT(member) offsetof(struct options, member)

static const struct cli_option rows[] = {
	SOURCE_ROW_FORMAT(AT(source.format)),
	{ 'o', "options", "NAME=VALUE,...", cli_set_list, AT(changes),
	  N_("what to change; \"help\" lists what there is") },
	{ 't', "cache", CLI_CACHES, cli_set_cache, AT(source.cache),
	  N_("how the image is written") },
	SOURCE_ROW_UNTRUSTED(AT(source.gate)),
	SOURCE_ROW_TRUSTED(AT(source.gate)),
	{ 0, "force", NULL, cli_ignore, 0,
	  N_("accepted; nothing that is dangerous is done") },
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
	.name = "imgamend", .operands = N_("FILE"),
	.summary = N_("Changes what an image is (version, tables, names) without copying it."),
	.options = rows, .failed = CMD_FAILED,
};

/* ---- What was changed ---------------------------------------------------------------------------- */

static void add_changes(struct img_node *report, const struct img_option *option, char *changes)
{
	struct img_node *list = img_node_list(report, "changes");

	img_node_label(report, _("changed"));
	for (; option->name; option++) {
		char *value = optlist_take(changes, option->name);

		if (!value)
			continue;
		struct img_node *change = img_node_map(list, "change");
		img_node_text(change, "name", option->name);
		img_node_label(change, _("option"));
		img_node_text(change, "value", value);
		img_node_label(change, _("value"));
		free(value);
	}
}

static bool tell(struct options *opt, const struct img_format *format, const char *path,
		 struct img_err *err)
{
	struct img_node *report;
	bool ok;

	if (opt->quiet)
		return true;
	report = img_node_root("imgamend");
	if (!report)
		return out_of_memory(err);
	img_node_text(report, "file", path);
	img_node_label(report, _("image"));
	img_node_text(report, "format", img_format_name(format));
	img_node_label(report, _("format"));
	add_changes(report, img_format_amend_options(format), opt->changes);
	ok = img_report_write(report, opt->style, stdout, err);
	img_node_free(report);
	return ok;
}

/* ---- The change ---------------------------------------------------------------------------------- */

static bool change(const struct options *opt, struct img *im, struct img_err *err)
{
	struct progress progress;
	const struct img_job *job = progress_start(&progress, &cli,
						   progress_unless(opt->quiet, &opt->progress),
						   "amend");
	const bool ok = img_amend(im, opt->changes, job, err) && img_finish(im, err);

	progress_end(&progress, ok);
	return ok;
}

/*
 * For what cannot be changed so that the image is whole at each moment.  Beside a device there is no room
 * for a journal.
 */
static unsigned at_once(const struct options *opt, const char *path)
{
	struct img_err why = { 0 };
	struct img *im = source_open_again(&opt->source, path, IMG_OPEN_NO_BACKING, &why);
	const unsigned caps = im ? img_format_caps(img_layer_format(im, 0)) : 0;
	struct stat st;

	img_close(im);
	return caps & IMG_FMT_AMEND_ONCE &&
	       (img_path_is_rbd(path) || (!stat(path, &st) && S_ISREG(st.st_mode))) ? IMG_OPEN_AT_ONCE : 0;
}

/* A name may be given before its file is there, and is a typing error all the more often. */
static void warn_if_lost(const struct options *opt, const char *path)
{
	struct img_err why = { 0 }, text = { 0 };
	struct img *im = source_open(&cli, &opt->source, path, IMG_OPEN_NO_BACKING, &why);

	if (!im) {
		img_fail(&text, why.code, _("changed as asked, but the image cannot be opened "
			 "now: %s"), why.text);
		cli_warn(&cli, text.text);
	}
	img_close(im);
}

static bool amend(struct options *opt, const char *path, struct img_err *err)
{
	/* A backing file that is gone must not keep its name from being changed. */
	struct img *im = source_open(&cli, &opt->source, path,
				     IMG_OPEN_WRITE | IMG_OPEN_NO_BACKING | at_once(opt, path),
				     err);
	const struct img_format *format = im ? img_layer_format(im, 0) : NULL;
	const bool ok = im && change(opt, im, err);

	img_close(im);
	if (ok)
		warn_if_lost(opt, path);
	return ok && tell(opt, format, path, err);
}

/* With -f those of one format, else those of all that have any. */
static void print_help(const char *name)
{
	for (size_t i = 0; i < img_format_count(); i++) {
		const struct img_format *format = img_format_at(i);
		const struct img_option *table = img_format_amend_options(format);

		if (name ? format == img_format_named(name) : table != NULL)
			optlist_print_help(format, table);
	}
}

int main(int argc, char **argv)
{
	struct options opt = { .style = IMG_STYLE_HUMAN };
	struct img_err err = { 0 };
	bool ok = true;
	char **names;
	const int n = cli_parse(&cli, argc, argv, &opt, &names);

	if (optlist_wants_help(opt.changes)) {
		print_help(opt.source.format);
	} else {
		cli_need_operands(&cli, n, 1, 1);
		if (!opt.changes) {
			img_fail(&err, IMG_E_ARGUMENT, _("nothing is to be changed (-o)"));
			cli_misused(&cli, &err);
		}
		ok = amend(&opt, names[0], &err);
	}
	free(opt.changes);
	return cli_end(&cli, ok ? NULL : &err, CMD_DONE);
}
