/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options --formats, --caches, --read-share and --seed, and the names of cache modes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/text.h"
#include "imgbench/imgbench.h"

static bool take_number(const char *text, uint64_t most, uint64_t *out, struct img_err *err)
{
	uint64_t n;

	if (!cli_whole_number(text, &n) || n > most)
		return img_fail(err, IMG_E_ARGUMENT, _("\"%s\" is not a number from 0 to %" PRIu64),
				text, most);
	*out = n;
	return true;
}

bool bench_set_share(const struct cli_option *row, void *field, const char *text,
		     struct img_err *err)
{
	uint64_t percent = 0;

	(void)row;
	if (!take_number(text, 100, &percent, err))
		return false;
	*(unsigned *)field = (unsigned)percent;
	return true;
}

bool bench_set_seed(const struct cli_option *row, void *field, const char *text, struct img_err *err)
{
	(void)row;
	return take_number(text, UINT64_MAX, field, err);
}

/* Calls take for each word between commas. */
static bool each_word(const char *text, void *list,
		      bool (*take)(void *list, const char *word, struct img_err *err),
		      struct img_err *err)
{
	char *copy = strdup(text), *rest = copy;
	bool ok = copy || out_of_memory(err);

	while (ok && rest)
		ok = take(list, strsep(&rest, ","), err);
	free(copy);
	return ok;
}

static bool take_cache(void *list, const char *word, struct img_err *err)
{
	struct cache_list *caches = list;

	if (caches->n == BENCH_MAX_CACHES)
		return img_fail(err, IMG_E_ARGUMENT, _("more than %d are given"),
				BENCH_MAX_CACHES);
	return cli_set_cache(NULL, &caches->caches[caches->n++], word, err);
}

static bool take_format(void *list, const char *word, struct img_err *err)
{
	struct format_list *formats = list;
	const struct img_format *format = img_format_named(word);

	if (!format)
		return img_fail(err, IMG_E_ARGUMENT, _("there is no image format \"%s\""), word);
	if (!(img_format_caps(format) & IMG_FMT_CREATE))
		return img_fail(err, IMG_E_ARGUMENT, _("no images of format %s can be made"), word);
	if (formats->n == BENCH_MAX_FORMATS)
		return img_fail(err, IMG_E_ARGUMENT, _("more than %d are given"),
				BENCH_MAX_FORMATS);
	formats->formats[formats->n++] = format;
	return true;
}

bool bench_set_caches(const struct cli_option *row, void *field, const char *text,
		      struct img_err *err)
{
	(void)row;
	((struct cache_list *)field)->n = 0;
	return each_word(text, field, take_cache, err);
}

bool bench_set_formats(const struct cli_option *row, void *field, const char *text,
		       struct img_err *err)
{
	(void)row;
	((struct format_list *)field)->n = 0;
	return each_word(text, field, take_format, err);
}

const char *bench_cache_name(enum img_cache cache)
{
	static const char *const names[] = {
		[IMG_CACHE_DEFAULT] = "writeback", [IMG_CACHE_WRITEBACK] = "writeback",
		[IMG_CACHE_WRITETHROUGH] = "writethrough", [IMG_CACHE_NONE] = "none",
		[IMG_CACHE_DIRECTSYNC] = "directsync", [IMG_CACHE_UNSAFE] = "unsafe",
	};

	return names[cache];
}
