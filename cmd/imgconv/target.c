/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The image that imgconv writes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/optlist.h"
#include "common/text.h"
#include "imgconv/imgconv.h"

static bool has_option(const struct img_format *format, const char *name)
{
	for (const struct img_option *o = img_format_options(format); o && o->name; o++)
		if (!strcmp(o->name, name))
			return true;
	return false;
}

/* Whether nothing may be left out (-S 0) of an image that could have space without content. */
static bool fully_allocated(const struct options *opt, const struct img_format *format)
{
	return !opt->sparse && !opt->compress && !opt->target.backing &&
	       has_option(format, "preallocation") &&
	       !optlist_has(opt->target.options, "preallocation");
}

/* The option list as the format gets it; the caller frees it.  NULL with err set: memory is out. */
static char *option_list(const struct options *opt, const struct img_format *format,
			 struct img_err *err)
{
	const char *given = opt->target.options ? opt->target.options : "";
	char *list;

	if (asprintf(&list, "%s%s%s", given,
		     fully_allocated(opt, format) && *given ? "," : "",
		     fully_allocated(opt, format) ? "preallocation=full" : "") < 0) {
		img_fail(err, IMG_E_NOMEM, _("memory is out"));
		return NULL;
	}
	return list;
}

struct img *target_create(const struct options *opt, const struct img_format *format,
			  const char *path, const struct img *src, struct img_err *err)
{
	struct target_options target = opt->target;
	char *list = option_list(opt, format, err);
	struct img_create what = {
		.path = path, .format = img_format_name(format), .size = img_size(src),
		.source = src, .options = list,
		.compressed = opt->compress, .in_place = opt->in_place || target_must_stay(path),
		.reads_as_zero = opt->reads_as_zero, .cache = opt->cache,
		.gate = source_gate(opt->target.gate), .keys = secret_keys(opt->source.secrets),
	};
	struct img *im = NULL;
	uint64_t backing_size;

	if (!list)
		return NULL;
	if (!target.backing ||
	    target_look_at_backing(&imgconv_cli, &target, path, &backing_size, err)) {
		what.backing = target.backing;
		what.backing_format = target.backing_format;
		im = target_new(&what, target.secrets, err);
	}
	if (target.backing_format != opt->target.backing_format)
		free(target.backing_format);
	free(list);
	return im;
}
