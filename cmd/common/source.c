/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See source.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "common/source.h"
#include "common/text.h"

static bool choose_gate(const struct img_gate **field, const struct img_gate *gate,
			struct img_err *err)
{
	if (*field && *field != gate)
		return img_fail(err, IMG_E_ARGUMENT,
				_("--trusted and --untrusted contradict each other"));
	*field = gate;
	return true;
}

bool source_set_untrusted(const struct cli_option *row, void *field, const char *text,
			  struct img_err *err)
{
	(void)row, (void)text;
	return choose_gate(field, &img_gate_deny, err);
}

bool source_set_trusted(const struct cli_option *row, void *field, const char *text,
			struct img_err *err)
{
	(void)row, (void)text;
	return choose_gate(field, &img_gate_anywhere, err);
}

bool source_set_snapshot(const struct cli_option *row, void *field, const char *text,
			 struct img_err *err)
{
	static const char *const keys[] = { "snapshot.id=", "snapshot.name=" };

	(void)row, (void)err;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strncmp(text, keys[i], strlen(keys[i])))
			text += strlen(keys[i]);
	*(const char **)field = text;
	return true;
}

void source_warn_of_doubt(const struct cli *cli, const char *path, const struct img *im)
{
	struct img_err text = { 0 };
	const char *why;

	if (!img_probe_doubtful(im, &why))
		return;
	img_fail(&text, IMG_E_ARGUMENT, _("%s: read as raw, but %s; -f says what it is"), path,
		 why);
	cli_warn(cli, text.text);
}

size_t source_oddities(const struct img *im)
{
	size_t n = 0;

	for (size_t i = 0; i < img_depth(im); i++)
		n += img_layer_oddity(im, i) != NULL;
	return n;
}

void source_warn(const struct cli *cli, const struct img *im)
{
	for (size_t i = 0; i < img_depth(im); i++) {
		const char *why = img_layer_oddity(im, i);
		struct img_err text = { 0 };

		if (!why)
			continue;
		img_fail(&text, IMG_E_CORRUPT, "%s: %s", img_layer_name(im, i), why);
		cli_warn(cli, text.text);
	}
}

void source_explain(struct img_err *err)
{
	const struct img_err why = *err;

	if (why.code == IMG_E_MISMATCH)
		img_fail(err, why.code, _("%s; --allow-mismatch writes it nevertheless"), why.text);
	else if (why.code == IMG_E_AMBIGUOUS)
		img_fail(err, why.code, _("%s; --member says which"), why.text);
}

static void say_spooled(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, text);
}

source_told *source_spooled(const struct source_options *how)
{
	return how->quiet && *how->quiet ? NULL : say_spooled;
}

static struct img *open_once(const struct source_options *how, const char *path, unsigned flags,
			     struct img_err *err)
{
	const struct img_open open = {
		.path = path, .format = how->format, .snapshot = how->snapshot,
		.parent = how->parent, .size = how->size,
		.member = how->member, .max_size = how->max_size,
		.flags = flags | (how->force_share ? IMG_OPEN_FORCE_SHARE : 0) |
			 (how->mismatch ? IMG_OPEN_MISMATCH : 0) |
			 (how->secrets ? 0 : IMG_OPEN_NO_KEY),
		.cache = how->cache,
		.cache_size = how->cache_size ? how->cache_size : SOURCE_CACHE_SIZE,
		.gate = source_gate(how->gate), .keys = secret_keys(how->secrets),
		.header = how->header,
		.spooled = source_spooled(how),
	};

	return img_open(&open, err);
}

bool source_open_appliance(const struct source_options *how, const char *path, struct appliance *out,
			   struct img_err *err)
{
	const struct img_open open = {
		.path = path, .max_size = how->max_size, .spooled = source_spooled(how),
	};

	return appliance_open(&open, out, err);
}

/* The disk of an appliance that is wanted. */
static bool find_disk(const struct source_options *how, const char *path, struct source_place *out,
		      struct img_err *err)
{
	const struct appliance_disk *disk = NULL;
	struct appliance a;
	bool ok;

	if (source_open_appliance(how, path, &a, err))
		disk = appliance_find(&a, how->disk, err);
	ok = disk && appliance_place(&a, disk, &out->owned, out->number, err);
	appliance_close(&a);
	if (!ok)
		return false;
	out->path = out->owned;
	out->member = out->number[0] ? out->number : NULL;
	return true;
}

bool source_find(const struct source_options *how, const char *path, struct source_place *out,
		 struct img_err *err)
{
	*out = (struct source_place){ .path = path, .member = how->member };
	if (how->disk && how->member)
		return img_fail(err, IMG_E_ARGUMENT, _("--disk and --member contradict each other"));
	return !how->disk || find_disk(how, path, out, err);
}

void source_place_clear(struct source_place *place)
{
	free(place->owned);
	place->owned = NULL;
}

static struct img *open_disk(const struct source_options *how, const char *path, unsigned flags,
			     struct img_err *err)
{
	struct source_options there = *how;
	struct source_place place;
	struct img *im = NULL;

	if (source_find(how, path, &place, err)) {
		there.disk = NULL;
		there.member = place.member;
		im = source_open_again(&there, place.path, flags, err);
		source_place_clear(&place);
	}
	return im;
}

struct img *source_open_again(const struct source_options *how, const char *path, unsigned flags,
			      struct img_err *err)
{
	struct img *im;

	if (how->disk)
		return open_disk(how, path, flags, err);
	do
		im = open_once(how, path, flags, err);
	while (!im && secret_try_again(how->secrets, path, err));
	if (!im)
		source_explain(err);
	return im;
}

struct img *source_open(const struct cli *cli, const struct source_options *how, const char *path,
			unsigned flags, struct img_err *err)
{
	struct img *im = source_open_again(how, path, flags, err);

	if (im) {
		source_warn_of_doubt(cli, path, im);
		source_warn(cli, im);
	}
	return im;
}

/* im, of which what is odd is said; or nothing of it, when it is not good enough. */
static struct img *take(const struct cli *cli, struct img *im, bool good)
{
	if (good) {
		source_warn(cli, im);
		return im;
	}
	img_close(im);
	return NULL;
}

static bool check_copied(const struct img *im, const char *path, struct img_err *err)
{
	const char *why;

	return !img_probe_doubtful(im, &why) ||
	       img_fail(err, IMG_E_CORRUPT, _("%s: is not copied: it looks like raw, but %s; -f says what "
					      "it is, imgcheck --salvage finds what is left of an image"),
			path, why);
}

struct img *source_open_to_copy(const struct cli *cli, const struct source_options *how,
				const char *path, unsigned flags, struct img_err *err)
{
	struct img *im = source_open_again(how, path, flags, err);

	return take(cli, im, im && check_copied(im, path, err));
}

bool source_check_guess(struct img *im, const char *path, const char *option, struct img_err *err)
{
	const char *why;

	return !img_probe_doubtful(im, &why) ||
	       img_fail(err, IMG_E_DENIED, _("%s: is not overwritten: it looks like raw, but %s; %s says "
					     "that it is"), path, why, option);
}

struct img *source_open_to_change(const struct cli *cli, const struct source_options *how,
				  const char *path, unsigned flags, struct img_err *err)
{
	struct img *im = source_open_again(how, path, flags, err);

	return take(cli, im, im && source_check_guess(im, path, "-f raw", err));
}

bool source_is_same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	return strcmp(a, "-") && strcmp(b, "-") && !stat(a, &sa) && !stat(b, &sb) &&
	       sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}
