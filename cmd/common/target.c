/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See target.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "common/memory.h"
#include "common/optlist.h"
#include "common/source.h"
#include "common/target.h"
#include "common/text.h"

bool target_set_text(const struct cli_option *row, void *field, const char *text,
		     struct img_err *err)
{
	char *copy = strdup(text);

	(void)row;
	if (!copy)
		return out_of_memory(err);
	free(*(char **)field);
	*(char **)field = copy;
	return true;
}

const struct img_format *target_format(const struct target_options *target, const char *path,
				       char flag, struct img_err *err)
{
	const struct img_format *format = target->format ? img_format_named(target->format)
							 : img_format_for_file(path);

	if (format)
		return format;
	if (target->format)
		img_fail(err, IMG_E_ARGUMENT, _("there is no image format \"%s\""),
			 target->format);
	else if (!strcmp(path, "-"))
		img_fail(err, IMG_E_ARGUMENT, _("standard output needs a format; give it with -%c"),
			 flag);
	else
		img_fail(err, IMG_E_ARGUMENT,
			 _("\"%s\" does not end in the name of a format; give it with -%c"), path,
			 flag);
	return NULL;
}

static bool move_option(struct target_options *target, const char *name, char **to,
			struct img_err *err)
{
	if (!optlist_has(target->options, name))
		return true;
	if (*to)
		return img_fail(err, IMG_E_ARGUMENT, _("%s is given twice"), name);
	*to = optlist_take(target->options, name);
	return *to || out_of_memory(err);
}

bool target_settle(struct target_options *target, struct img_err *err)
{
	if (!move_option(target, "backing_file", &target->backing, err) ||
	    !move_option(target, "backing_fmt", &target->backing_format, err))
		return false;
	if (target->backing_format && !target->backing)
		return img_fail(err, IMG_E_ARGUMENT,
				_("the format of a backing file is given, but no backing file"));
	return true;
}

void target_free(struct target_options *target)
{
	free(target->options);
	free(target->backing);
	free(target->backing_format);
}

struct img *target_new(const struct img_create *what, struct secrets *secrets, struct img_err *err)
{
	struct img_create how = *what;
	struct img *im;

	how.key = secret_first(secrets);
	im = img_create(&how, err);
	if (im || err->code != IMG_E_KEY || how.key || !secrets ||
	    !secret_need_new(secrets, what->path, err))
		return im;
	how.key = secret_first(secrets);
	return img_create(&how, err);
}

uint32_t target_zero_grain(uint64_t sparse)
{
	const uint64_t most = UINT64_C(1) << 21;	/* what the engine looks at as one */
	uint32_t grain = 512;

	if (!sparse)
		return 0;
	while (2 * (uint64_t)grain <= sparse && grain < most)
		grain *= 2;
	return grain;
}

bool target_must_stay(const char *path)
{
	struct stat st;

	return (img_path_is_uri(path) && !img_path_is_rbd(path)) ||
	       (strcmp(path, "-") && !stat(path, &st) && !S_ISREG(st.st_mode));
}

int64_t target_time(bool same)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");

	if (epoch)
		return strtoll(epoch, NULL, 10);
	return same ? 0 : time(NULL);
}

bool target_look_at_backing(const struct cli *cli, struct target_options *target,
			    const char *path, uint64_t *size, struct img_err *err)
{
	const struct source_options how = {
		.format = target->backing_format, .gate = target->gate,
	};
	char *resolved = img_resolve(path, target->backing, err);
	struct img *im;

	if (!resolved)
		return false;
	im = source_open(cli, &how, resolved, 0, err);
	free(resolved);
	if (!im)
		return img_within(err, _("backing file"));
	*size = img_size(im);
	if (!target->backing_format)
		target->backing_format = strdup(img_format_name(img_layer_format(im, 0)));
	img_close(im);
	return target->backing_format || out_of_memory(err);
}

/* ---- What the options say ------------------------------------------------------------------------ */

static bool has_option(const struct img_format *format, const char *name)
{
	for (const struct img_option *o = img_format_options(format); o && o->name; o++)
		if (!strcmp(o->name, name))
			return true;
	return false;
}

/* The option list as the format gets it; NULL: memory is out.  filled: space for all of the disk. */
static char *option_list(const struct target_options *target, const struct img_format *format,
			 bool filled)
{
	const char *given = target->options ? target->options : "";
	char *list;

	filled = filled && !target->backing && has_option(format, "preallocation") &&
		 !optlist_has(target->options, "preallocation");
	if (asprintf(&list, "%s%s%s", given, filled && *given ? "," : "",
		     filled ? "preallocation=full" : "") < 0)
		return NULL;
	return list;
}

bool target_prepare(const struct cli *cli, const struct target_options *target,
		    const struct img_format *format, bool whole, struct img_create *what,
		    struct img_err *err)
{
	struct target_options here = *target;
	uint64_t backing_size;

	what->format = img_format_name(format);
	what->gate = source_gate(target->gate);
	what->options = option_list(target, format, whole && !what->compressed);
	if (!what->options)
		return out_of_memory(err);
	if (!target->backing)
		return true;
	here.backing_format = NULL;
	if (target->backing_format && !(here.backing_format = strdup(target->backing_format)))
		return out_of_memory(err);
	if (!target_look_at_backing(cli, &here, what->path, &backing_size, err)) {
		free(here.backing_format);
		return false;
	}
	what->backing = target->backing;
	what->backing_format = here.backing_format;
	return true;
}

void target_unprepare(struct img_create *what)
{
	free((char *)what->options);
	free((char *)what->backing_format);
}
