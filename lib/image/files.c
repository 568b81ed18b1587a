/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of an image, for who is about to write to one: by what they are, not by what they are called. */
#include "base/mem.h"
#include "image/image.h"

static bool is_store(const struct img_store *st, const char *path)
{
	return st && img_path_same(st->name, path);
}

static bool layer_has(const struct img_layer *ly, const char *path)
{
	for (size_t i = 0; i < ly->n_data_files; i++)
		if (is_store(ly->data_files[i], path))
			return true;
	return is_store(ly->store, path) || is_store(ly->header, path);
}

static bool target_has(const struct img_target *target, const char *path)
{
	for (size_t i = 0; i < target->n_extra; i++)
		if (is_store(target->extra[i], path))
			return true;
	return false;
}

/* What the lowest layer names, whether it was opened or not. */
static bool is_below(const struct img_layer *lowest, const char *path)
{
	IMG_AUTO_FREE char *below = lowest->backing ? img_resolve(lowest->store->name, lowest->backing, NULL)
						    : NULL;

	return below && img_path_same(below, path);
}

bool img_has_file(const struct img *im, const char *path)
{
	for (size_t i = 0; i < im->n_layers; i++)
		if (layer_has(&im->layers[i], path))
			return true;
	return im->target ? target_has(im->target, path) : is_below(&im->layers[im->n_layers - 1], path);
}
