/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is made gets no place of what it is made of, or stands on, by whatever names: that would be lost. */
#include "base/mem.h"
#include "image/image.h"

static bool check_data_file(const char *path, const char *data_file, enum img_code code, struct img_err *err)
{
	return !img_path_same(path, data_file) ||
	       img_fail(err, code, _("%s: image and data file are the same file"), data_file);
}

bool img_check_data_file(const char *path, const char *data_file, struct img_err *err)
{
	return check_data_file(path, data_file, IMG_E_ARGUMENT, err);
}

bool img_check_named(const char *path, const struct img_reference *ref, struct img_err *err)
{
	return ref->kind != IMG_REF_DATA || check_data_file(path, ref->path, IMG_E_CORRUPT, err);
}

bool img_check_base(const char *path, const char *base, struct img_err *err)
{
	return !img_path_same(path, base) ||
	       img_fail(err, IMG_E_ARGUMENT, _("%s cannot stand on itself"), path);
}

bool img_check_source(const struct img *source, const char *path, struct img_err *err)
{
	return !source || !img_has_file(source, path) ||
	       img_fail(err, IMG_E_ARGUMENT, _("%s: is read for what would be written there, and cannot be "
			"the target as well"), path);
}

/* What cannot be opened has no file yet; whoever needs it says why. */
static struct img *open_below(const struct img_target *target)
{
	const struct img_open how = {
		.path = target->backing_path, .format = target->backing_format, .gate = target->gate,
		.flags = IMG_OPEN_NO_LOCK | IMG_OPEN_FORCE_SHARE | IMG_OPEN_NO_KEY,
	};

	return img_open(&how, NULL);
}

static bool stands_on(const struct img_target *target, const struct img *below, const char *path)
{
	return img_path_same(path, target->backing_path) || (below && img_has_file(below, path));
}

static bool check_below(const struct img_target *target, const char *path, struct img_err *err)
{
	struct img *below = open_below(target);
	bool ok = true;

	if (stands_on(target, below, path))
		ok = img_fail(err, IMG_E_ARGUMENT, _("%s cannot stand on itself"), path);
	for (size_t i = 0; ok && i < target->n_extra; i++)
		if (stands_on(target, below, target->extra[i]->name))
			ok = img_fail(err, IMG_E_ARGUMENT, _("%s: is a part of the image and of what it "
					"stands on"), target->extra[i]->name);
	img_close(below);
	return ok;
}

bool img_check_apart(const struct img *im, const struct img_create *what, struct img_err *err)
{
	const struct img_target *target = im->target;

	for (size_t i = 0; i < target->n_extra; i++)
		if (!img_check_data_file(what->path, target->extra[i]->name, err) ||
		    !img_check_source(what->source, target->extra[i]->name, err))
			return false;
	return !target->backing_path || check_below(target, what->path, err);
}
