/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In the place of rbd.c where librbd is left out. */
#include "base/err.h"
#include "store/store.h"

static struct img_store *refuse(const char *path, struct img_err *err)
{
	img_fail(err, IMG_E_UNSUPPORTED, _("%s: clusters cannot be asked: built without librbd"), path);
	return NULL;
}

struct img_store *img_store_rbd(const char *path, unsigned flags, enum img_cache cache,
				struct img_err *err)
{
	(void)flags;
	(void)cache;
	return refuse(path, err);
}

struct img_store *img_store_rbd_named(const char *path, struct img_err *err)
{
	return refuse(path, err);
}

/* There is no store of which these could be asked. */
bool img_store_rbd_remove(struct img_store *st, struct img_err *err)
{
	return refuse(st->name, err);
}

bool img_store_rbd_has(struct img_store *st, const char *path, bool *yes, struct img_err *err)
{
	(void)path;
	*yes = false;
	return refuse(st->name, err);
}

struct img_store *img_store_rbd_new(const char *path, uint64_t size, const struct img_rbd_new *how,
				    enum img_cache cache, struct img_err *err)
{
	(void)size;
	(void)how;
	(void)cache;
	return refuse(path, err);
}
