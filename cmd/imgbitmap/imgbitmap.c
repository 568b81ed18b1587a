/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgbitmap: what has changed in an image, and who keeps count of it. */
#include <stddef.h>
#include "common/ceph.h"
#include "common/exit.h"
#include "common/source.h"
#include "common/text.h"
#include "imgbitmap/imgbitmap.h"

struct options {
	struct source_options source;
	struct changes changes;
	uint64_t granularity;
	const char *merge_file, *merge_format;
	bool extents;
	enum img_style style;
};

#define AT(member) offsetof(struct options, member)
#define CHANGE(name, value, help) { 0, name, value, changes_set, AT(changes), help }

static const struct cli_option rows[] = {
	CHANGE("add", NULL, N_("make a new bitmap, which records writes from now on")),
	CHANGE("remove", NULL, N_("remove the bitmap")),
	CHANGE("clear", NULL, N_("forget what has changed so far")),
	CHANGE("enable", NULL, N_("record writes from now on")),
	CHANGE("disable", NULL, N_("do not record writes any more")),
	CHANGE("merge", "SOURCE", N_("add what has changed according to the bitmap SOURCE")),
	{ 'b', "source-file", "FILE", cli_set_text, AT(merge_file),
	  N_("the image that has the SOURCE of --merge (otherwise FILE itself)") },
	{ 'F', "source-format", "FORMAT", cli_set_text, AT(merge_format),
	  N_("format of the image of -b (otherwise found out)") },
	{ 'g', "granularity", "SIZE", cli_set_amount, AT(granularity),
	  N_("bytes of the disk for one bit of a new bitmap") },
	{ 0, "extents", NULL, cli_set_flag, AT(extents),
	  N_("list the parts of the disk that have changed") },
	SOURCE_ROW_FORMAT(AT(source.format)),
	SOURCE_ROW_FORCE_SHARE(AT(source.force_share)),
	SOURCE_ROW_UNTRUSTED(AT(source.gate)),
	SOURCE_ROW_TRUSTED(AT(source.gate)),
	{ 0, "output", CLI_STYLES, cli_set_style, AT(style),
	  N_("how to print it (default human)") },
	CEPH_ROWS,
	{ .name = NULL },
};

static const struct cli cli = {
	.name = "imgbitmap", .operands = N_("FILE [BITMAP]"),
	.summary = N_("Lists and changes the bitmaps in which an image records what is written."),
	.options = rows, .failed = CMD_FAILED,
};

/* Ends the program when options contradict each other. */
static void check_usage(const struct options *opt, int operands)
{
	const struct changes *changes = &opt->changes;
	struct img_err err = { 0 };

	cli_need_operands(&cli, operands, 1, 2);
	if (operands < 2 && (changes->n || opt->extents))
		img_fail(&err, IMG_E_ARGUMENT, _("the name of the bitmap is not given"));
	else if (changes->n && opt->extents)
		img_fail(&err, IMG_E_ARGUMENT, _("--extents only lists, and cannot go with an action "
						 "that changes the bitmap"));
	else if (changes->n && opt->source.force_share)
		img_fail(&err, IMG_E_ARGUMENT, _("--force-share is for looking only"));
	else if (opt->granularity && !changes->add)
		img_fail(&err, IMG_E_ARGUMENT, _("--granularity belongs to --add"));
	else if ((opt->merge_file || opt->merge_format) && !changes->merge)
		img_fail(&err, IMG_E_ARGUMENT, _("--source-file and --source-format belong to "
						 "--merge"));
	else if (opt->merge_format && !opt->merge_file)
		img_fail(&err, IMG_E_ARGUMENT, _("--source-format belongs to --source-file"));
	else
		return;
	cli_misused(&cli, &err);
}

/* Bitmaps are all in the image itself. */
static struct img *open_alone(const struct source_options *how, const char *path, unsigned flags,
			      struct img_err *err)
{
	return source_open(&cli, how, path, flags | IMG_OPEN_NO_BACKING, err);
}

static bool look(const struct options *opt, char *const names[2], struct img_err *err)
{
	struct img *im = open_alone(&opt->source, names[0], 0, err);
	const bool ok = im && (opt->extents
				       ? print_extents(im, names[1], opt->style, err)
				       : list_bitmaps(im, names[0], names[1], opt->style, err));

	img_close(im);
	return ok;
}

static bool change(const struct options *opt, char *const names[2], struct img_err *err)
{
	struct source_options other = opt->source;
	struct img *im = open_alone(&opt->source, names[0], IMG_OPEN_WRITE, err), *source = NULL;
	bool ok = im;

	other.format = opt->merge_format;
	/* Opened twice, the image would be kept from us by our own lock. */
	if (ok && opt->merge_file && !source_is_same_file(opt->merge_file, names[0])) {
		source = open_alone(&other, opt->merge_file, 0, err);
		ok = source;
	}
	ok = ok && changes_make(&opt->changes, im, names[1], source ? source : im,
				opt->granularity, err);
	img_close(source);
	img_close(im);
	return ok;
}

int main(int argc, char **argv)
{
	struct options opt = { .style = IMG_STYLE_HUMAN };
	struct img_err err = { 0 };
	char **operands, *names[2] = { NULL };
	bool ok;

	const int n = cli_parse(&cli, argc, argv, &opt, &operands);
	check_usage(&opt, n);
	for (int i = 0; i < n; i++)
		names[i] = operands[i];
	ok = opt.changes.n ? change(&opt, names, &err) : look(&opt, names, &err);
	changes_free(&opt.changes);
	return cli_end(&cli, ok ? NULL : &err, CMD_DONE);
}
