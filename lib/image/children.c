/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The images that stand on others: nothing names them, so they are looked for among the files beside
 * those; behind a server and on a cluster nothing lies beside.  What cannot be opened is no image, or
 * nobody's concern.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include "base/mem.h"
#include "image/image.h"

struct search {
	const struct img *im;
	const struct img_child_search *how;
};

static bool is_layer(const struct img *im, const char *path)
{
	for (size_t i = 0; i < im->n_layers; i++)
		if (img_same_file(im->layers[i].store->name, path))
			return true;
	return false;
}

/* One that is known by an id may have been changed since: it is the one all the same. */
static bool has_id(const struct img_layer *child, const struct img_layer *parent)
{
	struct img_err why = { 0 };
	bool yes = false;

	return child->below_id && parent->format == child->format &&
	       child->format->is_below(child, parent->store, &yes, &why) && yes;
}

static bool stands_on(const struct img_layer *child, const struct img_layer *parent,
		      struct img_err *err)
{
	IMG_AUTO_FREE char *path = child->backing
		? img_resolve(child->store->name, child->backing, err) : NULL;

	return (path && img_same_file(path, parent->store->name)) || has_id(child, parent);
}

static void try_layer(const struct search *s, const struct img_layer *child)
{
	const struct img_child_search *how = s->how;

	for (size_t i = how->first; i < how->end; i++) {
		const struct img_layer *parent = &s->im->layers[i];

		if (!stands_on(child, parent, NULL))
			continue;
		how->found(how->ctx, child->store->name, parent->store->name);
		return;
	}
}

static void try_file(const struct search *s, const char *path)
{
	const struct img_open open = {
		.path = path, .gate = s->how->gate,
		.flags = IMG_OPEN_NO_BACKING | IMG_OPEN_NO_LOCK | IMG_OPEN_FORCE_SHARE |
			 IMG_OPEN_NO_KEY,
	};
	struct img_store *store;
	struct img_layer child;
	const char *doubt;
	struct stat st;

	if (stat(path, &st) || !S_ISREG(st.st_mode) || is_layer(s->im, path))
		return;
	store = img_open_file(path, open.flags, open.cache, open.gate, NULL);
	if (!store || !img_layer_open(&child, store, &open, NULL, &doubt, NULL))
		return;
	if (child.backing || child.below_id)
		try_layer(s, &child);
	img_layer_close(&child);
}

static bool try_folder(const struct search *s, const char *base, struct img_err *err)
{
	IMG_AUTO_FREE char *folder = NULL;
	struct dirent **files = NULL;
	bool ok = true;

	if (img_path_is_uri(base))
		return true;
	folder = img_resolve(base, ".", err);
	if (!folder)
		return false;
	const int n = scandir(folder, &files, NULL, alphasort);
	if (n < 0)
		return img_fail_os(err, "%s", folder);
	for (int i = 0; i < n; i++) {
		IMG_AUTO_FREE char *path = ok ? img_resolve(base, files[i]->d_name, err) : NULL;

		ok = path != NULL;
		if (ok)
			try_file(s, path);
		free(files[i]);
	}
	free(files);
	return ok;
}

/* Whether a layer above lies in the folder of this one, so that it was looked through already. */
static bool is_seen(const struct img *im, size_t depth)
{
	for (size_t i = 0; i < depth; i++) {
		IMG_AUTO_FREE char *a = img_resolve(im->layers[i].store->name, ".", NULL);
		IMG_AUTO_FREE char *b = img_resolve(im->layers[depth].store->name, ".", NULL);

		if (a && b && img_same_file(a, b))
			return true;
	}
	return false;
}

bool img_find_children(const struct img *im, const struct img_child_search *how,
		       struct img_err *err)
{
	const struct search s = { .im = im, .how = how };

	for (size_t i = 0; i < how->end; i++)
		if (!is_seen(im, i) && !try_folder(&s, im->layers[i].store->name, err))
			return false;
	return true;
}
