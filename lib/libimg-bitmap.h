/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libimg: bitmaps, in which an image records what has changed in it since.  A part of libimg.h, which
 * programs include.
 */
#ifndef LIBIMG_BITMAP_H
#define LIBIMG_BITMAP_H

#include "libimg.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* A bitmap that is kept in an image. */
struct img_bitmap {
	char *name;
	uint64_t granularity;	/* bytes of the disk that one bit is for */
	bool enabled;		/* records writes, whoever makes them */
	bool in_use;		/* somebody writes to the image, or did and was cut off */
	const char *unusable;	/* why it cannot be relied on, to be translated; NULL: it can */
	uint64_t dirty;		/* bytes of the disk that have changed; 0 when it is unusable */
};

struct img_bitmap_run {
	uint64_t start, len;	/* guest bytes */
};

/*
 * Of the top layer.  All bitmaps of an image belong to one thread, while it does not write.  Errors
 * of all: IMG_E_UNSUPPORTED (the format has no bitmaps, or this image can have none),
 * IMG_E_ARGUMENT (there is no bitmap of that name), IMG_E_CORRUPT (it is inconsistent, or damaged),
 * IMG_E_INCOMPLETE, IMG_E_IO, IMG_E_NOMEM.
 */

/* The bitmaps, in the order of the image; free with img_bitmap_list_free().  *out may be NULL. */
bool img_bitmap_list(struct img *im, struct img_bitmap **out, size_t *n, struct img_err *err)
	IMG_MUST_CHECK;
void img_bitmap_list_free(struct img_bitmap *list, size_t n);
/* The next run of changed bytes at or behind run->start; run->len is 0 when there is none. */
bool img_bitmap_next(struct img *im, const char *name, struct img_bitmap_run *run,
		     struct img_err *err) IMG_MUST_CHECK;
/*
 * These want an image that was opened with IMG_OPEN_WRITE (else IMG_E_DENIED).  What they do is in
 * memory until img_finish(), which brings all of it into the image at once, or nothing.
 *
 * A new one, in which nothing has changed.  name: 1 to 1023 bytes, unique (IMG_E_ARGUMENT).
 * granularity: a power of two from 512 to 2 GiB, or 0: a good one.  IMG_E_RANGE: so fine that the
 * bitmap would be too large.
 */
bool img_bitmap_create(struct img *im, const char *name, uint64_t granularity, bool enabled,
		       struct img_err *err) IMG_MUST_CHECK;
/* Also one that is inconsistent. */
bool img_bitmap_remove(struct img *im, const char *name, struct img_err *err) IMG_MUST_CHECK;
/* As if nothing had changed yet. */
bool img_bitmap_clear(struct img *im, const char *name, struct img_err *err) IMG_MUST_CHECK;
/* Whether it records writes from now on. */
bool img_bitmap_enable(struct img *im, const char *name, bool enabled, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * Adds to `name` what has changed according to `source`, a bitmap of `from`, which may be im, has a
 * disk of the same size (else IMG_E_RANGE) and any granularity.
 */
bool img_bitmap_merge(struct img *im, const char *name, struct img *from, const char *source,
		      struct img_err *err) IMG_MUST_CHECK;

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
