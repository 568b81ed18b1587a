/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgcrypt encrypt and decrypt: the disk of an image as a new one that is encrypted, or is not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/memory.h"
#include "common/optlist.h"
#include "common/place.h"
#include "common/text.h"
#include "imgcrypt/imgcrypt.h"

static bool check_names(const struct options *opt, char *const *names, struct img_err *err)
{
	if (!place_check_names(names[0], names[1], &opt->secrets, &opt->fresh, err))
		return false;
	return strcmp(names[1], "-") || !isatty(STDOUT_FILENO) ||
	       img_fail(err, IMG_E_ARGUMENT, _("an image is not written to a terminal"));
}

/* By -O, by the new name if it tells one that fits, else as the source; with luks for raw. */
static const struct img_format *format_of_new(const struct options *opt, const struct img *src,
					      const char *path, bool encrypt, struct img_err *err)
{
	const struct img_format *luks = img_format_named("luks"), *raw = img_format_named("raw");
	const struct img_format *format = img_format_for_file(path);

	if (opt->target.format)
		return target_format(&opt->target, path, 'O', err);
	if (!format)
		format = img_layer_format(src, 0);
	if (encrypt && format == raw)
		return luks;
	return !encrypt && format == luks ? raw : format;
}

/* How a format that may be encrypted and need not be is told to; NULL: there is no such option. */
static const char *wish_of(const struct img_format *format)
{
	for (const struct img_option *o = img_format_options(format); o && o->name; o++)
		if (!strcmp(o->name, "encrypt.format"))
			return o->name;
	return NULL;
}

/* Whether what is asked for is what the verb says. */
static bool check_wish(const struct options *opt, const struct img_format *format, bool encrypt,
		       struct img_err *err)
{
	const bool always = format == img_format_named("luks"), can = always || wish_of(format);
	const bool asked = wish_of(format) && optlist_has(opt->target.options, wish_of(format));

	if (encrypt && !can)
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s images are not encrypted; luks and qcow2 can "
				"be"), img_format_name(format));
	return encrypt || (!always && !asked) ||
	       img_fail(err, IMG_E_ARGUMENT, _("decrypt makes no encrypted image"));
}

/* The option list as the format gets it; the caller frees it. */
static char *options_of(const struct options *opt, const struct img_format *format, bool encrypt,
			struct img_err *err)
{
	const char *given = opt->target.options ? opt->target.options : "";
	const char *wish = encrypt ? wish_of(format) : NULL;
	const bool add = wish && !optlist_has(opt->target.options, wish);
	char *list;

	if (asprintf(&list, "%s%s%s%s", given, add && *given ? "," : "", add ? wish : "",
		     add ? "=luks" : "") >= 0)
		return list;
	out_of_memory(err);
	return NULL;
}

static struct img *make(struct options *opt, const struct img *src, const char *path, bool encrypt,
			struct img_err *err)
{
	const struct img_format *format = format_of_new(opt, src, path, encrypt, err);
	char *list = format && check_wish(opt, format, encrypt, err)
		? options_of(opt, format, encrypt, err) : NULL;
	const struct img_create what = {
		.path = path, .format = format ? img_format_name(format) : NULL,
		.size = img_size(src), .source = src, .options = list,
		.in_place = target_must_stay(path), .gate = source_gate(opt->source.gate),
	};
	const bool same = opt->secrets.given && !opt->fresh.given;
	struct img *im = list ? target_new(&what, same ? &opt->secrets : &opt->fresh, err) : NULL;

	free(list);
	return im;
}

static bool run(const struct options *opt, struct img *src, struct img *dst, const char *phase,
		struct img_err *err)
{
	const struct img_copy what = {
		.src = src, .dst = dst, .threads = opt->threads, .zero_grain = 4096,
	};
	struct img_copy_stats stats;
	struct progress progress;
	const struct img_job *job = progress_start(&progress, &imgcrypt_cli,
						   progress_unless(opt->quiet, &opt->progress),
						   phase);
	const bool ok = img_copy_run(&what, job, &stats, err) && img_finish(dst, err);

	progress_end(&progress, ok);
	return ok;
}

static bool copy(struct options *opt, char *const *names, bool encrypt, struct img_err *err)
{
	struct source_options how = opt->source;
	struct img *src, *dst;
	bool ok;

	how.secrets = &opt->secrets;
	if (!check_names(opt, names, err))
		return false;
	src = source_open_to_copy(&imgcrypt_cli, &how, names[0], IMG_OPEN_ONCE, err);
	dst = src ? make(opt, src, names[1], encrypt, err) : NULL;
	ok = dst && run(opt, src, dst, encrypt ? "encrypt" : "decrypt", err);
	img_close(dst);
	img_close(src);
	return ok;
}

bool crypt_encrypt(struct options *opt, char *const *names, struct img_err *err)
{
	return copy(opt, names, true, err);
}

bool crypt_decrypt(struct options *opt, char *const *names, struct img_err *err)
{
	return copy(opt, names, false, err);
}
