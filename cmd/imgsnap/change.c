/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs that change the snapshots of an image, all at once or not at all. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "common/text.h"
#include "imgsnap/imgsnap.h"

/* A backing file that is gone keeps nobody from changing snapshots. */
static struct img *open_to_change(const struct options *opt, const char *path, struct img_err *err)
{
	return source_open(&imgsnap_cli, &opt->source, path,
			   IMG_OPEN_WRITE | IMG_OPEN_NO_BACKING | IMG_OPEN_AT_ONCE, err);
}

struct img_snapshot_new snap_made_now(const char *name)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (struct img_snapshot_new){
		.name = name, .seconds = (uint64_t)now.tv_sec, .nanoseconds = (uint32_t)now.tv_nsec,
	};
}

/* Brings what was done (ok) into the image, and closes it. */
static bool finish(struct img *im, bool ok, struct img_err *err)
{
	ok = ok && img_finish(im, err);
	img_close(im);
	return ok;
}

/* Where an image can have no snapshots another one that stands on it does for one. */
static bool create_overlay(const struct options *opt, const struct img_format *format,
			   char *const *names, struct img_err *err)
{
	const bool can = img_format_caps(format) & IMG_FMT_BACKING;
	const char *above = can ? img_format_name(format) : "qcow2";
	struct options how = *opt;
	struct img_err text = { 0 };
	char path[PATH_MAX];
	bool ok;

	if ((size_t)snprintf(path, sizeof(path), "%s.%s.%s", names[0], names[1], above) >=
	    sizeof(path))
		return img_fail(err, IMG_E_ARGUMENT, _("the name is too long"));
	if (!access(path, F_OK))
		return img_fail(err, IMG_E_ARGUMENT, _("%s: exists already"), path);
	how.quiet = true;
	how.target.format = above;
	ok = snap_overlay(&how, (char *[]){ names[0], path, NULL }, err);
	img_fail(&text, IMG_E_UNSUPPORTED, _("%s is an overlay instead: use it in place of %s, which nobody "
		 "may write to now; to go back delete it, and to keep what it holds commit it"), path,
		 names[0]);
	if (ok)
		cli_warn(&imgsnap_cli, text.text);
	return ok;
}

bool snap_create(const struct options *opt, char *const *names, struct img_err *err)
{
	const struct img_snapshot_new what = snap_made_now(names[1]);
	struct img *im = open_to_change(opt, names[0], err);
	const struct img_format *format = im ? img_layer_format(im, 0) : NULL;
	struct img_err why = { 0 };

	if (!im)
		return false;
	if (finish(im, img_snapshot_create(im, &what, &why), &why))
		return true;
	if (why.code == IMG_E_UNSUPPORTED && !(img_format_caps(format) & IMG_FMT_SNAPSHOT) &&
	    !img_path_is_rbd(names[0]))
		return create_overlay(opt, format, names, err);
	*err = why;
	return false;
}

bool snap_delete(const struct options *opt, char *const *names, struct img_err *err)
{
	struct img *im = open_to_change(opt, names[0], err);

	return finish(im, im && img_snapshot_remove(im, names[1], err), err);
}

bool snap_rename(const struct options *opt, char *const *names, struct img_err *err)
{
	struct img *im = open_to_change(opt, names[0], err);

	return finish(im, im && img_snapshot_rename(im, names[1], names[2], err), err);
}

/* ---- apply --------------------------------------------------------------------------------------- */

static bool is_taken(const struct img_snapshot *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].name, name) || !strcmp(list[i].id, name))
			return true;
	return false;
}

/* A name that no snapshot has, for what the disk is before `which` is applied. */
static bool name_current(struct img *im, const char *which, char *name, size_t size,
			 struct img_err *err)
{
	struct img_snapshot *list;
	size_t n;

	if (!img_snapshot_list(im, false, &list, &n, err))
		return false;
	snprintf(name, size, "before-%s", which);
	for (size_t i = 2; is_taken(list, n, name); i++)
		snprintf(name, size, "before-%.*s-%zu", (int)(size - 40), which, i);
	img_snapshot_list_free(list, n);
	return true;
}

static void tell_kept(const struct options *opt, const char *name)
{
	if (opt->quiet)
		return;
	printf(_("What the disk was is kept as the snapshot \"%s\".\n"), name);
}

bool snap_apply(const struct options *opt, char *const *names, struct img_err *err)
{
	struct img *im = open_to_change(opt, names[0], err);
	const bool keep = !opt->discard_current;
	char current[256];
	bool kept = false;

	if (!im || (keep && !name_current(im, names[1], current, sizeof(current), err)))
		return finish(im, false, err);
	const struct img_snapshot_new what = snap_made_now(current);

	if (!finish(im, img_snapshot_apply(im, names[1], keep ? &what : NULL, &kept, err), err))
		return false;
	if (kept)
		tell_kept(opt, current);
	return true;
}
