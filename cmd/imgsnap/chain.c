/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See chain.h: opening, progress and reports. */
#include "imgsnap/chain.h"

#include <stdio.h>
#include <string.h>
#include "common/text.h"

struct img_open chain_open(const struct options *opt, const char *path)
{
	const struct source_options *source = &opt->source;

	return (struct img_open){
		.path = path, .format = source->format, .parent = source->parent,
		.cache = source->cache, .gate = source_gate(source->gate),
		.flags = source->mismatch ? IMG_OPEN_MISMATCH : 0,
	};
}

const struct img_job *chain_start(const struct options *opt, struct progress *progress,
				  const char *verb)
{
	const struct progress_options silent = { .mode = PROGRESS_OFF };

	return progress_start(progress, &imgsnap_cli, opt->quiet ? &silent : &opt->progress, verb);
}

void chain_report_text(struct img_node *to, const char *key, const char *label, const char *value)
{
	if (!value)
		return;
	img_node_text(to, key, value);
	img_node_label(to, label);
}

void chain_report_number(struct img_node *to, const char *key, const char *label, uint64_t value,
			 enum img_unit unit)
{
	img_node_u64(to, key, value, unit);
	img_node_label(to, label);
}

void chain_report_flag(struct img_node *to, const char *key, const char *label, bool value)
{
	img_node_flag(to, key, value);
	img_node_label(to, label);
}

struct img_node *chain_report(const struct options *opt, const char *verb, const char *path,
			      struct img_err *err)
{
	struct img_node *report = img_node_root("imgsnap");

	if (!report) {
		img_fail(err, IMG_E_NOMEM, _("memory is out"));
		return NULL;
	}
	img_node_text(report, "action", verb);
	chain_report_text(report, "file", _("image"), path);
	chain_report_flag(report, "dry-run", _("only tried"), opt->chain.dry_run);
	return report;
}

void chain_report_moved(struct img_node *to, const struct img_moved *moved)
{
	chain_report_number(to, "copied", _("copied"), moved->data, IMG_UNIT_BYTES);
	chain_report_number(to, "zeroed", _("made zeros"), moved->zeros, IMG_UNIT_BYTES);
	chain_report_number(to, "space-needed", _("space needed at most"), moved->space,
			    IMG_UNIT_BYTES);
	if (moved->free != IMG_SIZE_UNKNOWN)
		chain_report_number(to, "space-free", _("space that was free"), moved->free,
				    IMG_UNIT_BYTES);
}

bool chain_print(const struct options *opt, struct img_node *report, struct img_err *err)
{
	const bool ok = report && (opt->quiet || img_report_write(report, opt->style, stdout, err));

	img_node_free(report);
	return ok;
}

/* ---- The command line ---------------------------------------------------------------------------- */

struct belonging {
	const char *option;
	bool given;
	const char *verbs;		/* with blanks around each */
};

static bool check(const struct belonging *one, const char *verb, struct img_err *err)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", verb);
	return !one->given || strstr(one->verbs, word) ||
	       img_fail(err, IMG_E_ARGUMENT, _("%s does not belong to \"%s\""), one->option, verb);
}

bool chain_check_usage(const struct options *opt, const char *verb, struct img_err *err)
{
	const struct chain_options *chain = &opt->chain;
	const struct belonging all[] = {
		{ "--backing", chain->backing, " commit rebase " },
		{ "--backing-format", chain->backing_format, " rebase " },
		{ "--unsafe", chain->unsafe, " rebase " },
		{ "--keep", chain->keep, " commit " },
		{ "--force", chain->force, " commit rebase flatten " },
		{ "--dry-run", chain->dry_run, " overlay commit rebase flatten " },
		{ "--target-format", chain->target_format, " overlay " },
		{ "--options", chain->options, " overlay " },
		{ "--threads", chain->threads, " commit rebase flatten " },
		{ "--parent", opt->source.parent, " commit rebase flatten " },
		{ "--allow-mismatch", opt->source.mismatch, " commit rebase flatten " },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!check(&all[i], verb, err))
			return false;
	return strcmp(verb, "rebase") || chain->backing ||
	       img_fail(err, IMG_E_ARGUMENT, _("what the image is to stand on is not given (-b)"));
}
