/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgresize: another size for the disk of an image, and nobody loses a partition. */
#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "common/ceph.h"
#include "common/exit.h"
#include "common/progress.h"
#include "common/source.h"
#include "common/text.h"
#include "imgresize/imgresize.h"

#define AT(member) offsetof(struct options, member)

static const char to_last[] = "to-last-partition";

static bool set_shrink(const struct cli_option *row, void *field, const char *text,
		       struct img_err *err)
{
	struct request *request = field;

	(void)row;
	if (text && strcmp(text, to_last))
		return img_fail(err, IMG_E_ARGUMENT, _("\"%s\" is none of %s"), text, to_last);
	request->shrink = true;
	if (text)
		request->wish.kind = WISH_TO_LAST_PARTITION;
	return true;
}

static bool set_partition(const struct cli_option *row, void *field, const char *text,
			  struct img_err *err)
{
	char *end;
	const unsigned long number = strtoul(text, &end, 10);

	(void)row;
	if (!isdigit((unsigned char)*text) || !number || number > 100000 || strcmp(end, "=max"))
		return img_fail(err, IMG_E_ARGUMENT, _("\"%s\" is not a number and =max"), text);
	*(unsigned *)field = (unsigned)number;
	return true;
}

static const struct cli_option rows[] = {
	SOURCE_ROW_FORMAT(AT(source.format)),
	{ 0, "shrink", "[=to-last-partition]", set_shrink, AT(request),
	  N_("allow a smaller size; or find the smallest one that is safe") },
	{ 0, "partition", "N=max", set_partition, AT(request.grow),
	  N_("grow the last partition into all the room there is") },
	{ 0, "preallocation", "off|metadata|falloc|full", cli_set_choice, AT(request.preallocation),
	  N_("set space aside for what is new (default off)") },
	{ 0, "compact", NULL, cli_set_flag, AT(request.compact),
	  N_("move what lies last in the file into room that became free") },
	{ 0, "dry-run", NULL, cli_set_flag, AT(request.dry_run),
	  N_("only tell what would be done") },
	{ 0, "force", NULL, cli_set_flag, AT(request.force),
	  N_("cut off what may be needed, too; never a partition") },
	{ 't', "cache", CLI_CACHES, cli_set_cache, AT(source.cache),
	  N_("how the image is written") },
	SOURCE_ROW_UNTRUSTED(AT(source.gate)),
	SOURCE_ROW_TRUSTED(AT(source.gate)),
	SOURCE_ROW_HEADER(AT(source.header)),
	SECRET_ROWS(AT(secrets)),
	SOURCE_ROW_MISMATCH(AT(source.mismatch)),
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
	.name = "imgresize", .operands = N_("FILE SIZE|+N|-N"),
	.summary = N_("Makes the disk of an image larger or smaller, in place, with its partition table."),
	.options = rows, .failed = CMD_FAILED,
};

/* ---- The command line ---------------------------------------------------------------------------- */

static void settle(struct options *opt, const char *less, char **names, int n)
{
	const bool to_last_one = opt->request.wish.kind == WISH_TO_LAST_PARTITION;
	struct img_err err = { 0 };

	cli_need_operands(&cli, n + (less != NULL), to_last_one ? 1 : 2, to_last_one ? 1 : 2);
	opt->request.path = names[0];
	if (to_last_one)
		return;
	opt->size = less ? less : names[1];
	if (!wish_parse(opt->size, &opt->request.wish, &err))
		cli_misused(&cli, &err);
}

/* What keeps its size can be copied. */
static void advise(const struct options *opt)
{
	struct img_err err = { 0 };
	struct img *im = source_open_again(&opt->source, opt->request.path, IMG_OPEN_NO_BACKING,
					   &err);
	char *commands = im ? advice_copy(&opt->request, opt->size, img_layer_format(im, 0)) : NULL;

	if (commands)
		fprintf(stderr, _("%s: a copy can have another size:\n  %s\n"), cli.name, commands);
	free(commands);
	img_close(im);
}

int main(int argc, char **argv)
{
	struct options opt = { .source.secrets = &opt.secrets, .style = IMG_STYLE_HUMAN };
	struct img_err err = { 0 };
	const char *less = wish_take_less(&argc, argv);
	char **names;
	const int n = cli_parse(&cli, argc, argv, &opt, &names);
	int status;
	bool ok;

	settle(&opt, less, names, n);
	ok = resize(&cli, &opt, &err);
	status = cli_end(&cli, ok ? NULL : &err, CMD_DONE);
	/* A format may have no tables to set aside, and be resized all the same. */
	if (status == CMD_UNSUPPORTED && opt.request.preallocation == IMG_PREALLOC_OFF)
		advise(&opt);
	secret_clear(&opt.secrets);
	return status;
}
