/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The image that imgcompress writes: its format, and the options of that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/optlist.h"
#include "common/target.h"
#include "common/text.h"
#include "imgcompress/imgcompress.h"

static bool compresses(const struct img_format *format)
{
	return img_format_caps(format) & IMG_FMT_COMPRESS;
}

static const struct img_format *must_compress(const struct img_format *format, struct img_err *err)
{
	if (compresses(format))
		return format;
	img_fail(err, IMG_E_UNSUPPORTED, _("%s images cannot hold compressed data"),
		 img_format_name(format));
	return NULL;
}

/* A name that says raw (".img") is given to images of many formats. */
static const struct img_format *format_of_name(const char *name)
{
	const struct img_format *format = name ? img_format_for_file(name) : NULL;

	return format && strcmp(img_format_name(format), "raw") ? format : NULL;
}

const struct img_format *target_choose(const struct options *opt, const struct img_format *source,
				       const char *name, struct img_err *err)
{
	const struct img_format *format = opt->format ? img_format_named(opt->format)
						      : format_of_name(name);

	if (format)
		return must_compress(format, err);
	if (!opt->format)
		return compresses(source) ? source : img_format_named("qcow2");
	img_fail(err, IMG_E_ARGUMENT, _("there is no image format \"%s\""), opt->format);
	return NULL;
}

/* ---- Options of the format -------------------------------------------------------------------- */

static const struct img_option *option_named(const struct img_format *format, const char *name)
{
	const struct img_option *o = img_format_options(format);

	while (o && o->name && strcmp(o->name, name))
		o++;
	return o && o->name ? o : NULL;
}

/* Adds name=value unless value is NULL.  IMG_E_ARGUMENT: -o says something of it already. */
static bool add_option(char **list, const char *name, const char *value, struct img_err *err)
{
	const struct cli_option row = { .name = name };
	char *text;
	bool ok;

	if (!value)
		return true;
	if (*list && optlist_has(*list, name))
		return img_fail(err, IMG_E_ARGUMENT, _("%s is given twice"), name);
	if (asprintf(&text, "%s=%s", name, value) < 0)
		return out_of_memory(err);
	ok = cli_set_list(&row, list, text, err);
	free(text);
	return ok;
}

static bool add_codec(char **list, const struct img_format *format, const char *codec,
		      struct img_err *err)
{
	const char *name = codec && !strcmp(codec, "deflate") ? "zlib" : codec;

	if (!name || option_named(format, "compression_type"))
		return add_option(list, "compression_type", name, err);
	return !strcmp(name, "zlib") ||
	       img_fail(err, IMG_E_ARGUMENT, _("%s images are compressed with deflate alone"),
			img_format_name(format));
}

const char *target_next_codec(const char **list, size_t *len)
{
	const char *name = *list;

	*len = strcspn(name, ",");
	*list = name[*len] ? name + *len + 1 : NULL;
	if (*len == strlen("deflate") && !strncmp(name, "deflate", *len)) {
		*len = strlen("zlib");
		return "zlib";
	}
	return name;
}

/* The first of them is that of zeros. */
static bool add_best_of(char **list, const struct img_format *format, const char *codecs,
			struct img_err *err)
{
	char *others = NULL, first[16];
	size_t len;
	bool ok;

	if (!codecs)
		return true;
	if (!option_named(format, "best_of"))
		return img_fail(err, IMG_E_ARGUMENT, _("in %s images all is compressed in the same way, so "
				"--best-of is not for them"), img_format_name(format));
	const char *name = target_next_codec(&codecs, &len);

	snprintf(first, sizeof(first), "%.*s", (int)len, name);
	if (!add_option(list, "compression_type", first, err))
		return false;
	for (ok = true; ok && codecs;) {
		char *longer = NULL;

		name = target_next_codec(&codecs, &len);
		ok = asprintf(&longer, "%s%s%.*s", others ? others : "", others ? "+" : "", (int)len,
			      name) >= 0 || out_of_memory(err);
		free(others);
		others = ok ? longer : NULL;
	}
	ok = ok && add_option(list, "best_of", others, err);
	free(others);
	return ok;
}

static bool add_level(char **list, const struct img_format *format, const char *level,
		      struct img_err *err)
{
	if (level && !option_named(format, "compression_level"))
		return img_fail(err, IMG_E_ARGUMENT, _("%s images have no levels of compression"),
				img_format_name(format));
	return add_option(list, "compression_level", level, err);
}

/* Of VMDK images one kind alone is compressed. */
static bool add_kind(char **list, const struct img_format *format, struct img_err *err)
{
	const bool vmdk = !strcmp(img_format_name(format), "vmdk");

	return !vmdk || (*list && optlist_has(*list, "subformat")) ||
	       add_option(list, "subformat", "streamOptimized", err);
}

/* cloop has other compressors than zlib since its version 4.0, which old programs cannot read. */
static bool add_version(char **list, const struct img_format *format, const char *codec,
			struct img_err *err)
{
	const bool newer = codec && strcmp(codec, "zlib") && strcmp(codec, "deflate");

	return strcmp(img_format_name(format), "cloop") || !newer ||
	       (*list && optlist_has(*list, "version")) ||
	       add_option(list, "version", "4.0", err);
}

/* The only identifier that is made by chance in an image that is compressed. */
static bool add_cid(char **list, const struct img_format *format, struct img_err *err)
{
	return !option_named(format, "cid") || (*list && optlist_has(*list, "cid")) ||
	       add_option(list, "cid", "0", err);
}

/* The option list as the format gets it; the caller frees it, also after a failure. */
static bool make_list(const struct options *opt, const struct img_format *format, char **list,
		      struct img_err *err)
{
	*list = NULL;
	return (!opt->settings || cli_set_list(NULL, list, opt->settings, err)) &&
	       add_kind(list, format, err) &&
	       (!opt->deterministic || add_cid(list, format, err)) &&
	       add_version(list, format, opt->best_of ? opt->best_of : opt->codec, err) &&
	       add_codec(list, format, opt->codec, err) &&
	       add_best_of(list, format, opt->best_of, err) &&
	       add_level(list, format, opt->level, err);
}

bool target_recodes(const struct options *opt)
{
	return opt->recode || opt->best_of || opt->deterministic || opt->dedup || opt->level ||
	       optlist_has(opt->settings, "compression_level");
}

struct img *target_create(const struct options *opt, const struct img_format *format,
			  const char *path, const struct img *src, struct img_err *err)
{
	struct img_create what = {
		.path = path, .format = img_format_name(format), .size = img_size(src),
		.source = src, .compressed = true, .dedup = opt->dedup, .in_place = target_must_stay(path),
		.cache = opt->cache,
	};
	struct img *im = NULL;
	char *list;

	if (make_list(opt, format, &list, err)) {
		what.options = list;
		im = img_create(&what, err);
	}
	free(list);
	return im;
}
