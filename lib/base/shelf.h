/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Contexts of one kind, kept for the next caller.  Any number of threads. */
#ifndef IMG_BASE_SHELF_H
#define IMG_BASE_SHELF_H

#include "libimg.h"

struct img_shelf_kind {
	void *(*make)(const void *owner, struct img_err *err);
	void (*drop)(const void *owner, void *cx);
};

struct img_shelf;
/* owner, which is handed to make and drop, stays the caller's and outlives the shelf. */
struct img_shelf *img_shelf_new(const struct img_shelf_kind *kind, const void *owner,
				struct img_err *err);
/* A context that is the caller's until it is put back; NULL on failure. */
void *img_shelf_get(struct img_shelf *shelf, struct img_err *err);
void img_shelf_put(struct img_shelf *shelf, void *cx);
/* All contexts must have been put back.  Accepts NULL. */
void img_shelf_free(struct img_shelf *shelf);

#endif
