/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgcreate: makes a new, empty image. */
#include <stddef.h>
#include <stdlib.h>
#include "common/ceph.h"
#include "common/exit.h"
#include "common/optlist.h"
#include "common/room.h"
#include "common/source.h"
#include "common/target.h"
#include "common/text.h"

struct options {
	struct target_options target;
	struct secrets secrets;
	bool unsafe;		/* the backing file is not looked at */
};

#define AT(member) offsetof(struct options, member)

static const struct cli_option rows[] = {
	{ 'f', "format", "FORMAT", cli_set_text, AT(target.format),
	  N_("format of the image (otherwise by its name)") },
	{ 'o', "options", "NAME=VALUE,...", cli_set_list, AT(target.options),
	  N_("options of the format; \"help\" lists them") },
	{ 'b', "backing", "FILE", target_set_text, AT(target.backing),
	  N_("the image holds what differs from this one") },
	{ 'F', "backing-format", "FORMAT", target_set_text, AT(target.backing_format),
	  N_("format of the backing file (otherwise found out)") },
	{ 'u', "unsafe", NULL, cli_set_flag, AT(unsafe),
	  N_("do not look at the backing file; needs SIZE") },
	{ 0, "untrusted", NULL, source_set_untrusted, AT(target.gate),
	  N_("open no file that is named inside the backing file") },
	SOURCE_ROW_TRUSTED(AT(target.gate)),
	SECRET_ROWS(AT(secrets)),
	{ 'q', "quiet", NULL, cli_ignore, 0,
	  N_("accepted; there is nothing to silence") },
	CEPH_ROWS,
	{ .name = NULL },
};

static const struct cli cli = {
	.name = "imgcreate", .operands = N_("FILE [SIZE]"),
	.summary = N_("Makes a new disk image of SIZE bytes (k, M, G, T, P, E may follow)."),
	.options = rows, .failed = CMD_FAILED,
};

/* The size as it was given, by the operand or by -o size=; *given: it was. */
static bool given_size(struct options *opt, const char *operand, uint64_t *size, bool *given,
		       struct img_err *err)
{
	char *option = optlist_take(opt->target.options, "size");
	const bool twice = option && operand;
	bool ok;

	*given = option || operand;
	ok = !*given || img_size_parse(operand ? operand : option, size, err);
	free(option);
	return twice ? img_fail(err, IMG_E_ARGUMENT, _("the size is given twice")) : ok;
}

/* Fills in what was not said; ends the program when too little was. */
static void check_usage(struct options *opt, const char *operand, uint64_t *size, bool *given)
{
	struct img_err err = { 0 };

	if (!target_settle(&opt->target, &err) || !given_size(opt, operand, size, given, &err))
		cli_misused(&cli, &err);
	if (!*given && (!opt->target.backing || opt->unsafe))
		img_fail(&err, IMG_E_ARGUMENT, _("the size of the image is not given"));
	else if (opt->unsafe && opt->target.backing && !opt->target.backing_format)
		img_fail(&err, IMG_E_ARGUMENT,
			 _("a backing file that is not looked at needs its format (-F)"));
	else
		return;
	cli_misused(&cli, &err);
}

static bool create(struct options *opt, const struct img_format *format, const char *path,
		   const char *operand, struct img_err *err)
{
	uint64_t size = 0, backing_size = 0;
	struct img *im;
	bool given, ok;

	check_usage(opt, operand, &size, &given);
	if (opt->target.backing && !opt->unsafe &&
	    !target_look_at_backing(&cli, &opt->target, path, &backing_size, err))
		return false;
	struct room_question room = { .src = NULL };
	const struct img_create what = {
		.path = path, .format = img_format_name(format),
		.size = given ? size : backing_size, .options = opt->target.options,
		.backing = opt->target.backing, .backing_format = opt->target.backing_format,
		.gate = source_gate(opt->target.gate),
		.encrypted = opt->secrets.given && !opt->target.backing,
		.fits = room_suffices, .fits_ctx = &room,
	};

	room.target = &what;
	im = target_new(&what, &opt->secrets, err);
	if (im)
		source_warn(&cli, im);
	ok = im && img_finish(im, err);
	img_close(im);
	return ok;
}

int main(int argc, char **argv)
{
	struct options opt = { .unsafe = false };
	const struct img_format *format;
	struct img_err err = { 0 };
	char **names;
	int n = cli_parse(&cli, argc, argv, &opt, &names);
	bool ok = true;

	if (!optlist_wants_help(opt.target.options))
		cli_need_operands(&cli, n, 1, 2);
	format = target_format(&opt.target, n ? names[0] : "-", 'f', &err);
	if (!format)
		cli_misused(&cli, &err);
	if (optlist_wants_help(opt.target.options))
		optlist_print_new_help(format);
	else
		ok = create(&opt, format, names[0], names[1], &err);
	target_free(&opt.target);
	secret_clear(&opt.secrets);
	return cli_end(&cli, ok ? NULL : &err, CMD_DONE);
}
