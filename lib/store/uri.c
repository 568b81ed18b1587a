/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names that are no files, and what they lead to. */
#include <string.h>

#include "base/err.h"
#include "store/store.h"

/* The schemes of libnbd: nbd and nbds, each alone or over another transport. */
static bool is_nbd(const char *path)
{
	static const char *const transports[] = { "://", "+unix://", "+vsock://" };
	const char *rest;

	if (strncmp(path, "nbd", 3) != 0)
		return false;
	rest = path + 3 + (path[3] == 's');
	for (size_t i = 0; i < sizeof(transports) / sizeof(*transports); i++)
		if (!strncmp(rest, transports[i], strlen(transports[i])))
			return true;
	return false;
}

bool img_path_is_uri(const char *path)
{
	return is_nbd(path) || img_path_is_rbd(path);
}

static struct img_store *open_nbd(const char *uri, unsigned flags, enum img_cache cache,
				  struct img_err *err)
{
#ifdef HAVE_NBD
	return img_store_nbd(uri, flags, cache == IMG_CACHE_DEFAULT ? IMG_CACHE_WRITEBACK : cache,
			     err);
#else
	(void)flags;
	(void)cache;
	img_fail(err, IMG_E_UNSUPPORTED, _("%s: servers cannot be asked: built without libnbd"), uri);
	return NULL;
#endif
}

struct img_store *img_store_path(const char *path, unsigned flags, enum img_cache cache,
				 struct img_err *err)
{
	return (img_path_is_uri(path) ? img_store_uri : img_store_file)(path, flags, cache, err);
}

struct img_store *img_store_uri(const char *uri, unsigned flags, enum img_cache cache,
				struct img_err *err)
{
	return img_path_is_rbd(uri) ? img_store_rbd(uri, flags, cache, err)
				    : open_nbd(uri, flags, cache, err);
}
