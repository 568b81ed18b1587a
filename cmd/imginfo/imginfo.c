/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imginfo: what is known about disk images. */
#include <limits.h>
#include <stddef.h>
#include "common/ceph.h"
#include "common/exit.h"
#include "common/memory.h"
#include "common/source.h"
#include "common/text.h"
#include "imginfo/imginfo.h"

struct options {
	struct source_options source;
	bool chain, formats;
	enum img_style style;
};

#define AT(member) offsetof(struct options, member)

static const struct cli_option rows[] = {
	SOURCE_ROW_FORMAT(AT(source.format)),
	{ 0, "chain", NULL, cli_set_flag, AT(chain),
	  N_("tell of each image in the chain of backing files") },
	{ 0, "backing-chain", NULL, cli_set_flag, AT(chain),
	  N_("the same as --chain") },
	{ 0, "formats", NULL, cli_set_flag, AT(formats),
	  N_("list the formats, and what can be done with them") },
	SOURCE_ROW_PARENT(AT(source.parent)),
	SOURCE_ROW_DISK(AT(source.disk)),
	SOURCE_ROW_MEMBER(AT(source.member)),
	SOURCE_ROW_MAX_SIZE(AT(source.max_size)),
	SOURCE_ROW_FORCE_SHARE(AT(source.force_share)),
	SOURCE_ROW_UNTRUSTED(AT(source.gate)),
	SOURCE_ROW_TRUSTED(AT(source.gate)),
	SOURCE_ROW_HEADER(AT(source.header)),
	{ 0, "output", CLI_STYLES, cli_set_style, AT(style),
	  N_("how to print it (default human)") },
	CEPH_ROWS,
	{ .name = NULL },
};

static const struct cli cli = {
	.name = "imginfo", .operands = N_("FILE..."),
	.summary = N_("Tells what is known about disk images; \"-\" is standard input."),
	.options = rows, .failed = CMD_FAILED,
};

static bool add_image(const struct options *opt, const char *path, struct img_node *report,
		      struct img_err *err)
{
	/* Without --chain nobody asked for the files below, which may be missing. */
	const unsigned flags = opt->chain ? 0 : IMG_OPEN_NO_BACKING;
	struct img *im = source_open(&cli, &opt->source, path, flags, err);
	bool ok = im && img_info(im, opt->chain, report, err);

	img_close(im);
	return ok;
}

/* One image is the report itself; several are a list in it. */
static bool add_images(const struct options *opt, char *const *names, int n,
		       struct img_node *root, struct img_err *err)
{
	struct img_node *list;

	if (n == 1)
		return add_image(opt, names[0], root, err);
	list = img_node_list(root, "images");
	img_node_label(root, _("images"));
	for (int i = 0; i < n; i++)
		if (!add_image(opt, names[i], img_node_map(list, "image"), err))
			return false;
	return true;
}

static bool tell(const struct options *opt, char *const *names, int n, struct img_err *err)
{
	struct img_node *root = img_node_root("imginfo");
	bool ok;

	if (!root)
		return out_of_memory(err);
	ok = add_images(opt, names, n, root, err) &&
	     img_report_write(root, opt->style, stdout, err);
	img_node_free(root);
	return ok;
}

int main(int argc, char **argv)
{
	struct options opt = { .style = IMG_STYLE_HUMAN };
	struct img_err err = { 0 };
	char **names;
	int n = cli_parse(&cli, argc, argv, &opt, &names);
	bool ok;

	/* A header is that of one image. */
	cli_need_operands(&cli, n, opt.formats ? 0 : 1,
			  opt.formats ? 0 : opt.source.header ? 1 : INT_MAX);
	if (opt.formats)
		ok = formats_print(opt.style, &err);
	else
		ok = tell(&opt, names, n, &err);
	return cli_end(&cli, ok ? NULL : &err, CMD_DONE);
}
