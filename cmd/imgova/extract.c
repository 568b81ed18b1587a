/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks of an appliance as images: one, or all of them into a folder. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/appliance.h"
#include "common/memory.h"
#include "common/place.h"
#include "common/text.h"
#include "imgova/imgova.h"

static struct img *open_disk(const struct options *opt, const struct appliance *a,
			     const struct appliance_disk *disk, struct img_err *err)
{
	struct source_options how = opt->source;
	char member[APPLIANCE_MEMBER_TEXT], *path;
	struct img *im;

	if (!appliance_place(a, disk, &path, member, err))
		return NULL;
	how.member = member[0] ? member : NULL;
	im = source_open(&imgova_cli, &how, path, IMG_OPEN_ONCE, err);
	free(path);
	return im;
}

static bool extract(const struct options *opt, const struct appliance *a,
		    const struct appliance_disk *disk, const char *target, struct img_err *err)
{
	const struct img_format *format = target_format(&opt->target, target, 'O', err);
	const bool ready = format && place_check_names(a->path, target, opt->source.secrets, NULL, err);
	struct img *src = ready ? open_disk(opt, a, disk, err) : NULL, *dst = NULL;
	struct img_copy_stats stats;
	bool ok;

	if (src) {
		const struct img_create what = {
			.path = target, .format = img_format_name(format), .size = img_size(src),
			.source = src, .options = opt->target.options,
			.in_place = target_must_stay(target), .gate = source_gate(opt->source.gate),
		};

		dst = target_new(&what, opt->source.secrets, err);
	}
	ok = dst && ova_copy(opt, src, dst, false, &stats, err);
	img_close(dst);
	img_close(src);
	return ok;
}

/* ---- All of them --------------------------------------------------------------------------------- */

/*
 * Where the disk goes: its number, so that there is none twice, and of its own name the letters that
 * mean nothing to anybody.
 */
static char *name_in(const char *folder, const struct appliance_disk *disk, size_t number,
		     const char *format, struct img_err *err)
{
	const char *slash = strrchr(disk->name, '/'), *base = slash ? slash + 1 : disk->name;
	const char *dot = strrchr(base, '.');
	char *name;

	if (asprintf(&name, "%s/%zu-%.*s.%s", folder, number, dot ? (int)(dot - base) : (int)strlen(base),
		     base, format) < 0) {
		out_of_memory(err);
		return NULL;
	}
	ova_make_plain(name + strlen(folder) + 1);
	return name;
}

static bool extract_all(const struct options *opt, const struct appliance *a, const char *folder,
			struct img_err *err)
{
	struct options each = *opt;
	bool made, ok = true;

	if (!each.target.format)
		each.target.format = "qcow2";
	if (img_path_is_uri(folder))
		return img_fail(err, IMG_E_ARGUMENT, _("%s: is no folder: --disk says which disk goes there"),
				folder);
	made = !mkdir(folder, 0777);
	if (!made && errno != EEXIST)
		return img_fail_os(err, _("%s: cannot make the folder"), folder);
	for (size_t i = 0; ok && i < a->n_disks; i++) {
		char *name = name_in(folder, &a->disks[i], i + 1, each.target.format, err);

		ok = name && extract(&each, a, &a->disks[i], name, err);
		free(name);
	}
	if (!ok && made)
		(void)rmdir(folder);	/* unless there is something in it already */
	return ok;
}

static bool check_target(const struct options *opt, const char *target, struct img_err *err)
{
	if (strcmp(target, "-"))
		return true;
	if (!opt->disk)
		return img_fail(err, IMG_E_ARGUMENT,
				_("to standard output goes one disk; --disk says which"));
	return !isatty(STDOUT_FILENO) ||
	       img_fail(err, IMG_E_ARGUMENT, _("an image is not written to a terminal"));
}

bool ova_extract(const struct options *opt, char *const *names, int n, int *status, struct img_err *err)
{
	const struct appliance_disk *disk;
	struct appliance a;
	bool ok;

	(void)n, (void)status;
	if (!check_target(opt, names[1], err))
		return false;
	ok = source_open_appliance(&opt->source, names[0], &a, err);
	if (ok && opt->disk) {
		disk = appliance_find(&a, opt->disk, err);
		ok = disk && extract(opt, &a, disk, names[1], err);
	} else if (ok) {
		ok = extract_all(opt, &a, names[1], err);
	}
	appliance_close(&a);
	return ok;
}
