/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An image is neither what it stands on nor its own data, by whatever names: that would be lost. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "image/image.h"
#include "store/file.h"

char *img_place_of(const char *path, struct img_err *err)
{
	IMG_AUTO_FREE char *final = NULL, *folder = NULL, *real = NULL;
	const char *slash;

	if (img_path_is_uri(path))
		return img_strdup(path, err);
	final = img_follow_links(path, err);
	folder = final ? img_resolve(final, ".", err) : NULL;
	real = folder ? realpath(folder, NULL) : NULL;
	if (!real) {
		if (folder)
			img_fail_os(err, "%s", path);
		return NULL;
	}
	slash = strrchr(final, '/');
	return img_format_text(err, "%s/%s", real, slash ? slash + 1 : final);
}

bool img_same_place(const char *a, const char *b)
{
	IMG_AUTO_FREE char *place_a = NULL, *place_b = NULL;

	if (img_same_image(a, b))
		return true;
	place_a = img_place_of(a, NULL);
	place_b = place_a ? img_place_of(b, NULL) : NULL;
	return place_b && !strcmp(place_a, place_b);
}

bool img_check_data_file(const char *path, const char *data_file, struct img_err *err)
{
	return !img_same_place(path, data_file) ||
	       img_fail(err, IMG_E_ARGUMENT, _("%s: image and data file are the same file"), data_file);
}

bool img_check_named(const char *path, const struct img_reference *ref, struct img_err *err)
{
	return ref->kind != IMG_REF_DATA || !img_same_file(path, ref->path) ||
	       img_fail(err, IMG_E_CORRUPT, _("%s: image and data file are the same file"), ref->path);
}

bool img_check_base(const char *path, const char *base, struct img_err *err)
{
	return !img_same_place(path, base) ||
	       img_fail(err, IMG_E_ARGUMENT, _("%s cannot stand on itself"), path);
}

/* No file that the new image is made of gets the place of a layer below it. */
static bool check_layer(const struct img *im, const char *path, const char *layer, struct img_err *err)
{
	const struct img_target *target = im->target;

	if (!img_check_base(path, layer, err))
		return false;
	for (size_t i = 0; i < target->n_extra; i++)
		if (img_same_place(target->extra[i]->name, layer))
			return img_fail(err, IMG_E_ARGUMENT, _("%s: is a part of the image and of what it "
					"stands on"), target->extra[i]->name);
	return true;
}

/* What cannot be opened is no layer yet; whoever needs it says why. */
static bool check_chain(const struct img *im, const char *path, struct img_err *err)
{
	const struct img_target *target = im->target;
	const struct img_open how = {
		.path = target->backing_path, .format = target->backing_format, .gate = target->gate,
		.flags = IMG_OPEN_NO_LOCK | IMG_OPEN_FORCE_SHARE | IMG_OPEN_NO_KEY,
	};
	struct img *below = img_open(&how, NULL);
	bool ok = true;

	for (size_t i = 0; below && ok && i < img_depth(below); i++)
		ok = check_layer(im, path, img_layer_name(below, i), err);
	img_close(below);
	return ok;
}

bool img_check_apart(const struct img *im, const char *path, struct img_err *err)
{
	const struct img_target *target = im->target;

	for (size_t i = 0; i < target->n_extra; i++)
		if (!img_check_data_file(path, target->extra[i]->name, err))
			return false;
	return !target->backing_path ||
	       (check_layer(im, path, target->backing_path, err) && check_chain(im, path, err));
}
