/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file of an image that the one above knows by an id alone: it is looked for among the files
 * beside the image, and its driver is asked about each that has the format's extension.
 */
#include <dirent.h>
#include <string.h>
#include "base/mem.h"
#include "image/image.h"

struct search {
	const struct img_layer *above;
	const struct img_open *how;
	char *name;		/* as the image would name it; owned, NULL: not found yet */
	struct img_err why;	/* why the first that may be it cannot be used */
};

/* Of a file and its copy nobody can tell which one is meant. */
static bool take(struct search *search, const char *name, struct img_err *err)
{
	if (search->name)
		return img_fail(err, IMG_E_ARGUMENT, _("%s stands on the image %s, and both \"%s\" "
				"and \"%s\" say that they are it"), search->above->store->name,
				search->above->below_id, search->name, name);
	search->name = img_strdup(name, err);
	return search->name;
}

/* Asks about one file; name is as the image would name it. */
static bool try_file(struct search *search, const char *name, struct img_err *err)
{
	const struct img_layer *above = search->above;
	IMG_AUTO_FREE char *path = img_resolve(above->store->name, name, err);
	const struct img_reference ref = {
		.kind = IMG_REF_BACKING, .name = above->below_id, .format = above->format->name,
		.path = path,
	};
	struct img_err why = { 0 };
	bool yes = false;

	if (!path)
		return false;
	/* Whoever writes to it now is found out when it is opened for good. */
	struct img_store *st = img_open_reference(search->how->gate, &ref,
						  search->how->flags | IMG_OPEN_NO_LOCK,
						  search->how->cache, &why);
	const bool ok = st && (above->format->is_below(above, st, &yes, &why) ||
			       img_within_file(&why, path));
	img_store_close(st);
	if (!ok && !search->why.code)
		search->why = why;
	return !(ok && yes) || take(search, name, err);
}

/* prefix: in front of the names of its files, such as "../". */
static bool try_files(struct search *search, struct dirent *const *files, int n, const char *prefix,
		      struct img_err *err)
{
	for (int i = 0; i < n; i++) {
		if (img_format_for_file(files[i]->d_name) != search->above->format)
			continue;
		IMG_AUTO_FREE char *name = img_format_text(err, "%s%s", prefix, files[i]->d_name);
		if (!name || !try_file(search, name, err))
			return false;
	}
	return true;
}

static bool try_folder(struct search *search, const char *prefix, struct img_err *err)
{
	const char *dot = *prefix ? prefix : ".";
	IMG_AUTO_FREE char *folder = img_resolve(search->above->store->name, dot, err);
	struct dirent **files = NULL;

	if (!folder)
		return false;
	const int n = scandir(folder, &files, NULL, alphasort);
	const bool ok = n < 0 ? img_fail_os(err, "%s", folder)
			      : try_files(search, files, n, prefix, err);
	for (int i = 0; i < n; i++)
		free(files[i]);
	free(files);
	return ok;
}

/* VirtualBox keeps children in a folder of that name beside the first image of the chain. */
static bool is_in_snapshots(const char *path, bool *yes, struct img_err *err)
{
	IMG_AUTO_FREE char *folder = img_resolve(path, ".", err);
	IMG_AUTO_FREE char *real = folder ? realpath(folder, NULL) : NULL;
	const char *slash = real ? strrchr(real, '/') : NULL;

	*yes = slash && !strcmp(slash, "/Snapshots");
	return folder;
}

static bool fail_missing(const struct search *search, struct img_err *err)
{
	const struct img_layer *above = search->above;

	if (!search->why.code)
		return img_fail(err, IMG_E_ARGUMENT, _("%s stands on the image %s, which is not "
				"among the files beside it"), above->store->name, above->below_id);
	if (err)
		*err = search->why;
	return img_within(err, _("%s stands on the image %s"), above->store->name,
			  above->below_id);
}

static bool search_folders(struct search *search, struct img_err *err)
{
	bool deeper = false;

	if (!try_folder(search, "", err))
		return false;
	if (!search->name && !is_in_snapshots(search->above->store->name, &deeper, err))
		return false;
	if (deeper && !try_folder(search, "../", err))
		return false;
	return search->name || fail_missing(search, err);
}

bool img_find_below(struct img_layer *above, const struct img_open *how, struct img_err *err)
{
	struct search search = { .above = above, .how = how };

	if (search_folders(&search, err))
		above->backing_format = img_strdup(above->format->name, err);
	if (!above->backing_format) {
		free(search.name);
		return false;
	}
	above->backing = search.name;
	return true;
}
