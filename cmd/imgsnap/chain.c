/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See chain.h: opening and reports. */
#include "common/memory.h"
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
		.keys = secret_keys(source->secrets),
		.flags = source->mismatch ? IMG_OPEN_MISMATCH : 0,
	};
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
		out_of_memory(err);
		return NULL;
	}
	img_node_text(report, "action", verb);
	chain_report_text(report, "file", _("image"), path);
	chain_report_flag(report, "dry-run", _("only tried"), opt->dry_run);
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
	const bool ok = report && (opt->quiet || img_report_write(report, opt->output.style, stdout, err));

	img_node_free(report);
	return ok;
}
