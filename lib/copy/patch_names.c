/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The snapshots that a patch of RBD starts from and leads to, in an image that has some. */
#include <string.h>
#include "base/err.h"
#include "copy/patch.h"

static bool is_kept(const struct img_patch *what)
{
	const struct img *im = what->im;

	return img_layer_history(&im->layers[0]) ||
	       ((img_format_caps(img_layer_format(im, 0)) & IMG_FMT_SNAPSHOT) &&
		(im->at_once || what->dry_run));
}

static bool look_for(struct img *im, const char *name, bool *found, struct img_err *err)
{
	struct img_snapshot *list;
	size_t n;

	*found = false;
	if (!img_snapshot_list(im, false, &list, &n, err))
		return false;
	for (size_t i = 0; i < n && !*found; i++)
		*found = !strcmp(list[i].name, name);
	img_snapshot_list_free(list, n);
	return true;
}

static bool check_from(struct img *im, const char *name, struct img_err *err)
{
	bool found;

	if (!*name)
		return true;
	return look_for(im, name, &found, err) &&
	       (found || img_fail(err, IMG_E_MISMATCH, _("the patch starts from the snapshot \"%s\", "
							 "which is not in the image"), name));
}

static bool check_to(struct img *im, const char *name, struct img_err *err)
{
	bool found;

	if (!*name)
		return true;
	return look_for(im, name, &found, err) &&
	       (!found || img_fail(err, IMG_E_MISMATCH, _("the patch leads to the snapshot \"%s\", "
							  "which is in the image already"), name));
}

bool patch_check_names(const struct img_patch *what, const struct patch_reader *rd,
		       struct img_err *err)
{
	return what->force || !is_kept(what) ||
	       (check_from(what->im, rd->from, err) && check_to(what->im, rd->to, err));
}

bool patch_make_snapshot(const struct img_patch *what, const struct patch_reader *rd,
			 struct img_err *err)
{
	const struct img_snapshot_new made = {
		.name = rd->to, .seconds = what->seconds, .nanoseconds = what->nanoseconds,
	};
	bool found;

	if (!*rd->to || !is_kept(what))
		return true;
	return look_for(what->im, rd->to, &found, err) &&
	       (found || img_snapshot_create(what->im, &made, err));
}
