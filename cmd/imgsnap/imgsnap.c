/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgsnap: snapshots of a disk. */
#include "imgsnap/imgsnap.h"

#include <stddef.h>
#include <string.h>
#include "common/exit.h"
#include "common/text.h"

#define AT(member) offsetof(struct options, member)

static const struct cli_option rows[] = {
	{ 0, "discard-current", NULL, cli_set_flag, AT(discard_current),
	  N_("apply: do not keep what the disk is now as a snapshot") },
	SOURCE_ROW_FORMAT(AT(source.format)),
	SOURCE_ROW_FORCE_SHARE(AT(source.force_share)),
	SOURCE_ROW_UNTRUSTED(AT(source.gate)),
	SOURCE_ROW_TRUSTED(AT(source.gate)),
	{ 0, "output", CLI_STYLES, cli_set_style, AT(style),
	  N_("how to print it (default human)") },
	{ 'q', "quiet", NULL, cli_set_flag, AT(quiet),
	  N_("print nothing; the exit status tells") },
	{ .name = NULL },
};

const struct cli imgsnap_cli = {
	.name = "imgsnap",
	.operands = N_("list|create|apply|delete|rename IMAGE [NAME]..."),
	.summary = N_("Lists, makes and changes the snapshots of a disk."),
	.options = rows, .failed = CMD_FAILED,
};

struct verb {
	const char *name;
	const char *operands;		/* translatable */
	int min, max;			/* of operands */
	bool looks;			/* changes nothing */
	snap_verb *run;
};

static const struct verb verbs[] = {
	{ "list", N_("list IMAGE"), 1, 1, true, snap_list },
	{ "create", N_("create IMAGE NAME"), 2, 2, false, snap_create },
	{ "apply", N_("apply IMAGE SNAPSHOT"), 2, 2, false, snap_apply },
	{ "delete", N_("delete IMAGE SNAPSHOT"), 2, 2, false, snap_delete },
	{ "rename", N_("rename IMAGE SNAPSHOT NAME"), 3, 3, false, snap_rename },
};

/* Ends the program when there is none of that name, or it has too few or too many operands. */
static const struct verb *find_verb(char *const *operands, int n)
{
	struct img_err err = { 0 };

	cli_need_operands(&imgsnap_cli, n, 1, n);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		struct cli cli = imgsnap_cli;

		if (strcmp(verbs[i].name, operands[0]))
			continue;
		cli.operands = verbs[i].operands;
		cli_need_operands(&cli, n - 1, verbs[i].min, verbs[i].max);
		return &verbs[i];
	}
	img_fail(&err, IMG_E_ARGUMENT, _("\"%s\" is nothing that it can do"), operands[0]);
	cli_misused(&imgsnap_cli, &err);
}

/* Ends the program when an option does not belong to the verb. */
static void check_usage(const struct options *opt, const struct verb *verb)
{
	struct img_err err = { 0 };

	if (opt->discard_current && verb->run != snap_apply)
		img_fail(&err, IMG_E_ARGUMENT, _("--discard-current belongs to \"apply\""));
	else if (opt->source.force_share && !verb->looks)
		img_fail(&err, IMG_E_ARGUMENT, _("--force-share is for looking only"));
	else
		return;
	cli_misused(&imgsnap_cli, &err);
}

int main(int argc, char **argv)
{
	struct options opt = { .style = IMG_STYLE_HUMAN };
	struct img_err err = { 0 };
	char **operands;
	const int n = cli_parse(&imgsnap_cli, argc, argv, &opt, &operands);
	const struct verb *verb = find_verb(operands, n);

	check_usage(&opt, verb);
	const bool ok = verb->run(&opt, operands + 1, &err);

	return cli_end(&imgsnap_cli, ok ? NULL : &err, CMD_DONE);
}
