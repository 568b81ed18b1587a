/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgsnap overlay: a new image that holds what will differ from another one. */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/optlist.h"
#include "common/place.h"
#include "common/text.h"
#include "imgsnap/chain.h"

/* ---- The name of the base, as the new image says it ---------------------------------------------- */

/* The folder that a file will be in, without links and dots; the caller frees it. */
static char *folder_of(const char *path, struct img_err *err)
{
	char *copy = strdup(path);
	char *folder = copy ? realpath(dirname(copy), NULL) : NULL;

	if (!folder)
		img_fail_os(err, "%s", path);
	free(copy);
	return folder;
}

/* Length of what both absolute paths begin with, in whole names and the slash behind them. */
static size_t common_length(const char *folder, const char *file)
{
	size_t len = 0;

	for (size_t i = 0; folder[i] == file[i] || (!folder[i] && file[i] == '/'); i++) {
		if (file[i] == '/')
			len = i + 1;
		if (!folder[i])
			break;
	}
	return len;
}

static size_t count_names(const char *path)
{
	size_t n = *path != '\0';

	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* How file is called from folder; both are absolute.  The caller frees it. */
static char *relative_name(const char *folder, const char *file, struct img_err *err)
{
	const size_t len = common_length(folder, file);
	const char *down = strlen(folder) < len ? "" : folder + len;
	const size_t up = count_names(down);
	char *name = malloc(up * strlen("../") + strlen(file + len) + 1);

	if (!name) {
		out_of_memory(err);
		return NULL;
	}
	for (size_t i = 0; i < up; i++)
		memcpy(name + 3 * i, "../", 3);
	strcpy(name + 3 * up, file + len);
	return name;
}

/* Of a place on a server nothing is in the same folder. */
static char *name_base(const char *base, const char *path, struct img_err *err)
{
	char *file = img_path_is_uri(base) ? strdup(base) : realpath(base, NULL);
	char *folder = NULL, *name = NULL;

	if (!file)
		img_fail_os(err, "%s", base);
	else if (img_path_is_uri(base) || img_path_is_uri(path))
		return file;
	else
		folder = folder_of(path, err);
	if (folder)
		name = relative_name(folder, file, err);
	free(file);
	free(folder);
	return name;
}

/* ---- The base ------------------------------------------------------------------------------------ */

/* An image in use can be a base once it is not any more: who starts the overlay has to know. */
static struct img *open_base(const struct options *opt, const char *path, bool *in_use,
			     struct img_err *err)
{
	struct source_options how = opt->source;
	struct img_err why = { 0 }, text = { 0 };
	struct img *im = source_open(&imgsnap_cli, &how, path, 0, &why);

	*in_use = !im && why.code == IMG_E_BUSY;
	if (!*in_use) {
		*err = why;
		return im;
	}
	img_fail(&text, why.code, _("%s is being written: an image that stands on it is good for nothing "
		 "if that goes on"), path);
	cli_warn(&imgsnap_cli, text.text);
	how.force_share = true;
	return source_open_again(&how, path, 0, err);
}

/* ---- The overlay --------------------------------------------------------------------------------- */

static const struct img_format *choose_format(const struct options *opt, const char *path,
					      struct img_err *err)
{
	const struct target_options target = { .format = opt->target.format };
	const struct img_format *format = !target.format && !img_format_for_file(path)
		? img_format_named("qcow2") : target_format(&target, path, 'O', err);

	if (!format || img_format_caps(format) & IMG_FMT_BACKING)
		return format;
	img_fail(err, IMG_E_UNSUPPORTED, _("%s images stand on no others"), img_format_name(format));
	return NULL;
}

static bool make(const struct options *opt, const struct img_create *what, struct img_err *err)
{
	struct img *im = target_new(what, opt->source.secrets, err);
	const bool ok = im && img_finish(im, err);

	img_close(im);
	return ok;
}

static bool tell(const struct options *opt, const struct img_create *what, struct img_err *err)
{
	struct img_node *report = chain_report(opt, "overlay", what->path, err);

	if (report) {
		chain_report_text(report, "format", _("format"), what->format);
		chain_report_number(report, "virtual-size", _("size of the disk"), what->size,
				    IMG_UNIT_BYTES);
		chain_report_text(report, "backing-filename", _("stands on"), what->backing);
		chain_report_text(report, "backing-filename-format", _("format of that"),
				  what->backing_format);
	}
	return chain_print(opt, report, err);
}

static bool create(const struct options *opt, char *const *names, const struct img_format *format,
		   uint64_t size, struct img_err *err)
{
	char *backing = name_base(names[0], names[1], err);
	bool in_use;
	struct img *base = backing ? open_base(opt, names[0], &in_use, err) : NULL;
	bool ok = false;

	if (base) {
		const struct img_create what = {
			.path = names[1], .format = img_format_name(format),
			.size = names[2] ? size : img_size(base), .options = opt->target.options,
			.backing = backing,
			.backing_format = img_format_name(img_layer_format(base, 0)),
			.flags = in_use ? IMG_OPEN_NO_LOCK : 0,
			.gate = source_gate(opt->source.gate),
		};

		ok = place_check_source(base, names[1], err) &&
		     (opt->dry_run || make(opt, &what, err)) && tell(opt, &what, err);
	}
	img_close(base);
	free(backing);
	return ok;
}

bool snap_overlay(const struct options *opt, char *const *names, struct img_err *err)
{
	const struct img_format *format = choose_format(opt, names[1], err);
	uint64_t size = 0;

	if (!format)
		return false;
	if (optlist_wants_help(opt->target.options)) {
		optlist_print_help(format, img_format_options(format));
		return true;
	}
	return place_check_names(names[0], names[1], opt->source.secrets, NULL, err) &&
	       (!names[2] || img_size_parse(names[2], &size, err)) &&
	       create(opt, names, format, size, err);
}
