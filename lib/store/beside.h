/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A new file beside an image, which gets its name late and must not lose it in a crash.  Beside an image on a
 * Ceph cluster it is another image there.
 */
#ifndef IMG_STORE_BESIDE_H
#define IMG_STORE_BESIDE_H

#include "store/store.h"

struct img_beside {
	int dir;			/* -1: on a cluster there are none */
	char *path, *base;		/* base: its name in dir */
	bool made;
	struct img_store *image;	/* on a cluster: what img_beside_create() gave */
};

/*
 * Where the file with that suffix lies that belongs to the one at path: of a symbolic link beside the file
 * that it leads to, so that it is found by every path to that.  The caller frees it.
 */
char *img_beside_path(const char *path, const char *suffix, struct img_err *err);
/* Where it is to be.  IMG_E_ARGUMENT: something has the name; on a cluster img_beside_create() says so. */
struct img_beside *img_beside_new(const char *path, struct img_err *err);
/* Of a file that somebody has made already. */
struct img_beside *img_beside_old(const char *path, struct img_err *err);
/* Makes the file, for its owner alone; IMG_E_ARGUMENT when somebody else has done so. */
struct img_store *img_beside_create(struct img_beside *beside, struct img_err *err);
/* Makes durable that the file has its name, or has lost it. */
bool img_beside_sync(struct img_beside *beside, struct img_store *file, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * Opens what is called so, which nobody locks; NULL in *out: it is not there.  image: what it lies beside,
 * whose connection to a cluster tells that quickly, or NULL.  flags: IMG_OPEN_*.
 */
bool img_beside_find(const char *name, struct img_store *image, unsigned flags, struct img_store **out,
		     struct img_err *err) IMG_MUST_CHECK;
/* Takes the name away from the file that was made, and is open; if that fails it is left. */
void img_beside_remove(struct img_beside *beside);
/* The same, for a file that must not come back: it is durable, or fails.  On a cluster it is closed, too. */
bool img_beside_drop(struct img_beside *beside, struct img_store *file, struct img_err *err)
	IMG_MUST_CHECK;
void img_beside_free(struct img_beside *beside);

#endif
