/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether what the command line says makes sense as a whole. */
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/optlist.h"
#include "common/text.h"
#include "imgbench/imgbench.h"

static bool check_single(const struct bench_options *opt, struct img_err *err)
{
	if (opt->caches.n || opt->dir || opt->create_options || opt->size || opt->repeat ||
	    opt->fill || opt->keep)
		return img_fail(err, IMG_E_ARGUMENT, _("--caches, --dir, --options, --size, "
				"--fill, --repeat and --keep belong to --formats"));
	if (opt->verify_only && opt->load.seconds)
		return img_fail(err, IMG_E_ARGUMENT, _("how far a load came in a given time is not "
				"known afterwards; --verify-only needs --requests or --bytes"));
	return true;
}

/* Takes out of list what the format has. */
static void take_known(char *list, const struct img_format *format)
{
	const struct img_option *option = img_format_options(format);

	for (; option && option->name; option++)
		while (optlist_has(list, option->name))
			free(optlist_take(list, option->name));
}

/* An option that no format has is a typing error. */
static bool check_create_options(const struct bench_options *opt, struct img_err *err)
{
	char *list = strdup(opt->create_options);
	bool ok = list || out_of_memory(err);

	for (unsigned i = 0; ok && i < opt->formats.n; i++)
		take_known(list, opt->formats.formats[i]);
	if (ok && *list)
		ok = img_fail(err, IMG_E_ARGUMENT, _("none of the formats has an option \"%s\""),
			      list);
	free(list);
	return ok;
}

static bool check_matrix(const struct bench_options *opt, struct img_err *err)
{
	if (!opt->dir)
		return img_fail(err, IMG_E_ARGUMENT, _("the folder for the images is not given "
				"(--dir)"));
	if (!opt->size && !opt->load.trace)
		return img_fail(err, IMG_E_ARGUMENT, _("the size of the disks is not given "
				"(--size)"));
	if (opt->fill && opt->load.trace)
		return img_fail(err, IMG_E_ARGUMENT, _("--fill belongs to --pattern"));
	if (opt->source.format || opt->source.parent || opt->source.header || opt->source.mismatch ||
	    opt->verify_only)
		return img_fail(err, IMG_E_ARGUMENT, _("--format, --parent, --header, "
				"--allow-mismatch and --verify-only are for one image, not for --formats"));
	return !opt->create_options || check_create_options(opt, err);
}

bool bench_check(struct bench_options *opt, int n_operands, struct img_err *err)
{
	if (!load_check(&opt->load, err))
		return false;
	if (!opt->depth)
		opt->depth = 1;
	if (opt->depth > RUN_MAX_DEPTH)
		return img_fail(err, IMG_E_ARGUMENT, _("more than %u requests at a time are not "
				"possible"), RUN_MAX_DEPTH);
	if (!opt->formats.n)
		return check_single(opt, err);
	if (n_operands)
		return img_fail(err, IMG_E_ARGUMENT, _("--formats makes images of its own; none "
				"must be named"));
	if (!check_matrix(opt, err))
		return false;
	if (!opt->caches.n)
		opt->caches = (struct cache_list){ .caches = { opt->source.cache }, .n = 1 };
	if (!opt->repeat)
		opt->repeat = 1;
	return true;
}
