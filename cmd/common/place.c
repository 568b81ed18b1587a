/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See place.h. */
#include "common/place.h"

#include <string.h>
#include "common/source.h"
#include "common/text.h"

/* ---- A new image --------------------------------------------------------------------------------- */

static bool fail_read(const char *path, struct img_err *err)
{
	return img_fail(err, IMG_E_ARGUMENT, _("%s: is read for what would be written there, and cannot be "
			"the target as well"), path);
}

static bool is_pipe(const char *path)
{
	return !strcmp(path, "-");
}

bool place_check_names(const char *source, const char *target, const struct secrets *secrets,
		       const struct secrets *more, struct img_err *err)
{
	if (source_is_same_file(source, target))
		return img_fail(err, IMG_E_ARGUMENT, _("%s: source and target are the same file"), target);
	return is_pipe(target) ||
	       (!secret_is_in_file(secrets, target) && !secret_is_in_file(more, target)) ||
	       fail_read(target, err);
}

bool place_check_source(const struct img *src, const char *target, struct img_err *err)
{
	return is_pipe(target) || img_check_source(src, target, err);
}

bool place_check_read(const char *path, const char *target, struct img_err *err)
{
	return !path || is_pipe(target) || !img_path_same(path, target) || fail_read(target, err);
}

/* ---- Beside the images --------------------------------------------------------------------------- */

static bool check(const struct aside *aside, bool taken, struct img_err *err)
{
	return !taken || img_fail(err, IMG_E_ARGUMENT, _("%s: --%s cannot write there: the command reads or "
				  "writes this file as well"), aside->path, aside->option);
}

bool aside_check_operand(const struct aside *aside, const char *other, struct img_err *err)
{
	if (!aside->path || !other)
		return true;
	if (is_pipe(other))	/* which the shell may have made a file */
		return check(aside, img_path_same(aside->path, "/dev/stdin") ||
				    img_path_same(aside->path, "/dev/stdout"), err);
	return check(aside, img_path_same(aside->path, other), err);
}

bool aside_check_keys(const struct aside *aside, const struct secrets *secrets, struct img_err *err)
{
	return !aside->path || check(aside, secret_is_in_file(secrets, aside->path), err);
}

bool aside_check_image(const struct aside *aside, const struct img *im, struct img_err *err)
{
	return !aside->path || check(aside, img_has_file(im, aside->path), err);
}
