/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgsnap: snapshots of a disk. */
#include "imgsnap/imgsnap.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "common/ceph.h"
#include "common/exit.h"
#include "common/text.h"
#include "common/verb.h"

static bool set_output(const struct cli_option *row, void *field, const char *text,
		       struct img_err *err)
{
	struct snap_output *output = field;

	output->said = true;
	return cli_set_style(row, &output->style, text, err);
}

#define AT(member) offsetof(struct options, member)

static const struct cli_option rows[] = {
	{ 0, "discard-current", NULL, cli_set_flag, AT(discard_current),
	  N_("apply: do not keep what the disk is now as a snapshot") },
	{ 'O', "target-format", "FORMAT", cli_set_text, AT(target.format),
	  N_("extract, overlay: format of the new image (otherwise by its name)") },
	{ 'o', "options", "NAME=VALUE,...", cli_set_list, AT(target.options),
	  N_("extract, overlay: options of that format; \"help\" lists them") },
	{ 'S', "sparse-size", "SIZE", cli_set_size, AT(sparse),
	  N_("extract: leave out runs of zeros this long (default 4k)") },
	{ 0, "from", "FILE", cli_set_text, AT(from),
	  N_("diff: the older disk is in this image") },
	{ 0, "from-format", "FORMAT", cli_set_text, AT(from_format),
	  N_("diff: format of that (otherwise found out)") },
	{ 0, "compare", NULL, cli_set_flag, AT(compare),
	  N_("diff: compare bytes that lie at different places of one image, too") },
	{ 0, "data", "FILE", cli_set_text, AT(data),
	  N_("diff: write the changes with their bytes to a patch (\"-\": a pipe)") },
	{ 0, "data-format", "own|rbd", cli_set_choice, AT(data_format),
	  N_("diff: whose patch: imgsnap's, or what \"rbd import-diff\" reads") },
	{ 'b', "backing", "FILE", cli_set_text, AT(backing),
	  N_("commit: write to this image below; rebase: stand on this one (empty: on none)") },
	{ 'F', "backing-format", "FORMAT", cli_set_text, AT(backing_format),
	  N_("rebase: format of that (otherwise found out)") },
	{ 'u', "unsafe", NULL, cli_set_flag, AT(unsafe),
	  N_("rebase: the disks below are the same; only change the name") },
	{ 'd', "keep", NULL, cli_set_flag, AT(keep),
	  N_("commit: do not empty the image") },
	{ 0, "force", NULL, cli_set_flag, AT(force),
	  N_("patch: also a disk that the patch is not for; commit, rebase, flatten: even if other "
	     "images or snapshots are spoilt") },
	{ 0, "dry-run", NULL, cli_set_flag, AT(dry_run),
	  N_("patch, overlay, commit, rebase, flatten: only tell what would be done") },
	{ 'm', "threads", "N", cli_set_count, AT(threads),
	  N_("work with so many threads (default: all cores)") },
	{ 't', "cache", CLI_CACHES, cli_set_cache, AT(source.cache),
	  N_("how the image is written") },
	SOURCE_ROW_FORMAT(AT(source.format)),
	SOURCE_ROW_PARENT(AT(source.parent)),
	SOURCE_ROW_MISMATCH(AT(source.mismatch)),
	SOURCE_ROW_FORCE_SHARE(AT(source.force_share)),
	SOURCE_ROW_UNTRUSTED(AT(source.gate)),
	SOURCE_ROW_TRUSTED(AT(source.gate)),
	SECRET_ROWS(AT(secrets)),
	{ 0, "output", CLI_STYLES, set_output, AT(output),
	  N_("how to print it (default human)") },
	{ 'p', "progress", PROGRESS_VALUE, progress_set, AT(progress),
	  N_("show how far it is, on standard error or as JSON") },
	{ 'q', "quiet", NULL, cli_set_flag, AT(quiet),
	  N_("print nothing; the exit status tells") },
	CEPH_ROWS,
	{ .name = NULL },
};

const struct cli imgsnap_cli = {
	.name = "imgsnap",
	.operands = N_("list|create|apply|delete|rename|extract|diff|patch|overlay|commit|rebase|flatten "
		       "IMAGE [NAME]..."),
	.summary = N_("Snapshots of a disk: list, create, apply, delete, rename, extract, diff, patch.\n"
		      "Images that stand on others: overlay, commit, rebase, flatten."),
	.options = rows, .failed = CMD_FAILED,
};

const struct img_job *snap_progress(struct progress *p, const struct options *opt,
				    const char *phase)
{
	return progress_start(p, &imgsnap_cli, progress_unless(opt->quiet, &opt->progress), phase);
}

struct command {
	struct verb verb;
	bool looks;			/* changes nothing */
	bool on_disk;			/* the disk itself is read or written, which may take keys */
	snap_verb *run;
};

static const struct command commands[] = {
	{ { "list", N_("list IMAGE"), 1, 1 }, true, false, snap_list },
	{ { "create", N_("create IMAGE NAME"), 2, 2 }, false, false, snap_create },
	{ { "apply", N_("apply IMAGE SNAPSHOT"), 2, 2 }, false, false, snap_apply },
	{ { "delete", N_("delete IMAGE SNAPSHOT"), 2, 2 }, false, false, snap_delete },
	{ { "rename", N_("rename IMAGE SNAPSHOT NAME"), 3, 3 }, false, false, snap_rename },
	{ { "extract", N_("extract IMAGE SNAPSHOT TARGET"), 3, 3 }, true, true, snap_extract },
	{ { "diff", N_("diff IMAGE SNAPSHOT|. SNAPSHOT|."), 3, 3 }, true, true, snap_diff },
	{ { "patch", N_("patch IMAGE PATCH"), 2, 2 }, false, true, snap_patch },
	{ { "overlay", N_("overlay BASE NEW [SIZE]"), 2, 3 }, false, true, snap_overlay },
	{ { "commit", N_("commit IMAGE"), 1, 1 }, false, true, snap_commit },
	{ { "rebase", N_("rebase IMAGE"), 1, 1 }, false, true, snap_rebase },
	{ { "flatten", N_("flatten IMAGE"), 1, 1 }, false, true, snap_flatten },
};

int main(int argc, char **argv)
{
	struct options opt = { .output.style = IMG_STYLE_HUMAN, .sparse = SNAP_SPARSE_SIZE };
	struct img_err err = { 0 };
	char **operands;
	const int n = cli_parse(&imgsnap_cli, argc, argv, &opt, &operands);
	const struct command *command =
		verb_find(&imgsnap_cli, commands, sizeof(commands) / sizeof(*commands), sizeof(*commands),
			  operands, n);

	if (!snap_check_usage(&opt, command->verb.name, command->looks, &err))
		cli_misused(&imgsnap_cli, &err);
	if (command->on_disk)
		opt.source.secrets = &opt.secrets;
	const bool ok = command->run(&opt, operands + 1, &err);

	target_free(&opt.target);
	secret_clear(&opt.secrets);
	return cli_end(&imgsnap_cli, ok ? NULL : &err, CMD_DONE);
}
