/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a new image on a Ceph cluster is to be made. */
#ifndef IMG_STORE_RBD_NEW_H
#define IMG_STORE_RBD_NEW_H

#include "libimg.h"

struct img_rbd;
struct img_rbd_new {			/* 0 and NULL: as the cluster is configured */
	uint64_t object_size;		/* bytes, a power of two */
	const char *data_pool;		/* where the data go */
	const char *features;		/* names, with ',' or '+' between them */
};

/*
 * Makes the image that rbd->name says, under a name that is not its own yet: rbd->temporary.  IMG_E_ARGUMENT:
 * there is one with its name, or how makes no sense.
 */
bool img_rbd_create(struct img_rbd *rbd, uint64_t size, const struct img_rbd_new *how, struct img_err *err)
	IMG_MUST_CHECK;

/* Makes an empty one that has its name at once. */
bool img_rbd_create_named(struct img_rbd *rbd, struct img_err *err) IMG_MUST_CHECK;
/* Whether the pool has an image of that name. */
bool img_rbd_exists(struct img_rbd *rbd, const char *name, bool *yes, struct img_err *err) IMG_MUST_CHECK;
/*
 * Gives it the name that rbd->name says; it must be closed.  IMG_E_ARGUMENT: there is one meanwhile, and ours
 * is as it was.
 */
bool img_rbd_give_name(struct img_rbd *rbd, struct img_err *err) IMG_MUST_CHECK;

#endif
