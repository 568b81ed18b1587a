/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of imgconv. */
#include <stddef.h>
#include "common/ceph.h"
#include "common/exit.h"
#include "common/text.h"
#include "imgconv/imgconv.h"

static bool set_report(const struct cli_option *row, void *field, const char *text,
		       struct img_err *err)
{
	struct report_options *report = field;

	report->wanted = true;
	return cli_set_style(row, &report->style, text, err);
}

static bool set_report_file(const struct cli_option *row, void *field, const char *text,
			    struct img_err *err)
{
	struct report_options *report = field;

	if (!report->wanted)
		report->style = IMG_STYLE_JSON;
	return cli_set_text(row, &report->path, text, err);
}

#define AT(member) offsetof(struct options, member)

static const struct cli_option rows[] = {
	{ 'f', "format", "FORMAT", cli_set_text, AT(source.format),
	  N_("format of the source (otherwise found out)") },
	{ 'O', "target-format", "FORMAT", cli_set_text, AT(target.format),
	  N_("format of the target (otherwise by its name)") },
	{ 'o', "options", "NAME=VALUE,...", cli_set_list, AT(target.options),
	  N_("options of the target's format; \"help\" lists them") },
	{ 'c', "compress", NULL, cli_set_flag, AT(compress),
	  N_("compress the target's content") },
	{ 0, "tar", NULL, cli_set_flag, AT(tar),
	  N_("put several sources into a new archive, each as an image") },
	{ 0, "filter", "gzip|xz|zstd|lz4", cli_set_text, AT(filter),
	  N_("compress the target's file as a whole") },
	{ 'S', "sparse-size", "SIZE", cli_set_size, AT(sparse),
	  N_("leave out runs of zeros this long (default 4k)") },
	{ 'B', "backing", "FILE", target_set_text, AT(target.backing),
	  N_("store only what differs from this backing file") },
	{ 'F', "backing-format", "FORMAT", target_set_text, AT(target.backing_format),
	  N_("format of the backing file") },
	{ 'l', "snapshot", "ID", source_set_snapshot, AT(source.snapshot),
	  N_("copy an internal snapshot, by its id or name") },
	{ 0, "with-snapshots", NULL, cli_set_flag, AT(with_snapshots),
	  N_("copy a qcow2 image as it is, with all of its snapshots") },
	{ 'n', "no-create", NULL, cli_set_flag, AT(in_place),
	  N_("write into the target as it is; raw only") },
	{ 0, "range", "START+LENGTH", range_set, AT(range),
	  N_("with -n: copy only this part of the disk; others may copy other parts meanwhile") },
	{ 0, "target-is-zero", NULL, cli_set_flag, AT(reads_as_zero),
	  N_("with -n: the target is known to be all zeros") },
	{ 0, "skip-free", "[=force]", leave_out_set, AT(free),
	  N_("leave out what the file systems do not use; force: although they were in use") },
	{ 0, "in-place", NULL, cli_set_flag, AT(itself),
	  N_("make the source itself the target, raw to qcow2 or back") },
	{ 0, "undo", NULL, cli_set_flag, AT(undo),
	  N_("with --in-place: bring back the raw file that it was") },
	{ 0, "dry-run", NULL, cli_set_flag, AT(dry_run),
	  N_("with --in-place: only tell what would be done") },
	{ 0, "salvage", NULL, cli_set_flag, AT(salvage),
	  N_("go on over what cannot be read, and list it") },
	{ 0, "digest", "NAME", cli_set_text, AT(digest),
	  N_("print a hash of the disk's content, e.g. sha256") },
	{ 0, "skip-same", NULL, cli_set_flag, AT(skip_same),
	  N_("leave a target alone that holds the same disk in the same format") },
	{ 'm', "threads", "N", cli_set_count, AT(threads),
	  N_("work with so many threads (default: all cores)") },
	{ 'r', "rate-limit", "SIZE", cli_set_size, AT(rate),
	  N_("copy at most so many bytes a second") },
	{ 't', "cache", CLI_CACHES, cli_set_cache, AT(cache),
	  N_("how the target is written") },
	{ 'T', "source-cache", CLI_CACHES, cli_set_cache, AT(source.cache),
	  N_("how the source is read") },
	SOURCE_ROW_PARENT(AT(source.parent)),
	{ 0, "size", "SIZE", cli_set_amount, AT(source.size),
	  N_("the size of the disk, which cloop images may not know") },
	SOURCE_ROW_DISK(AT(source.disk)),
	SOURCE_ROW_MEMBER(AT(source.member)),
	SOURCE_ROW_MAX_SIZE(AT(source.max_size)),
	SOURCE_ROW_FORCE_SHARE(AT(source.force_share)),
	SOURCE_ROW_UNTRUSTED(AT(source.gate)),
	SOURCE_ROW_TRUSTED(AT(source.gate)),
	SOURCE_ROW_HEADER(AT(source.header)),
	SECRET_ROWS(AT(secrets)),
	SECRET_NEW_ROWS(AT(new_secrets)),
	{ 'W', "out-of-order", NULL, cli_ignore, 0,
	  N_("accepted; there is nothing to allow") },
	{ 'C', "copy-offload", NULL, cli_ignore, 0,
	  N_("accepted; it is always tried") },
	{ 0, "output", CLI_STYLES, set_report, AT(report),
	  N_("report what was done") },
	{ 0, "report", "FILE", set_report_file, AT(report),
	  N_("write the report to FILE (as JSON, if --output does not say it)") },
	{ 'p', "progress", PROGRESS_VALUE, progress_set, AT(progress),
	  N_("show how far it is, on standard error or as JSON") },
	{ 'q', "quiet", NULL, cli_set_flag, AT(quiet),
	  N_("show no progress and no losses") },
	CEPH_ROWS,
	{ .name = NULL },
};

const struct cli imgconv_cli = {
	.name = "imgconv", .operands = N_("SOURCE... TARGET"),
	.summary = N_("Copies a virtual disk into a new image; \"-\" is a pipe."),
	.options = rows, .failed = CMD_FAILED,
};
