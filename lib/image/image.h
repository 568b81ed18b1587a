/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stack of layers seen as one disk: what the copy engine needs beyond libimg.h. */
#ifndef IMG_IMAGE_IMAGE_H
#define IMG_IMAGE_IMAGE_H

#include "format/format.h"

struct img {
	struct img_layer *layers;	/* [0] is the active one */
	size_t n_layers;
	bool writing;			/* made by img_create() */
	bool finished;
	const char *doubt;		/* why a probed raw may be wrong, or NULL */
};

/*
 * Bytes of one extent as img_extent() gave it, or a part of it [at, at + len).  Lost ones fail
 * with their class, and the sentence names the guest range.  Any number of threads.
 */
bool img_read_extent(struct img *im, const struct img_extent *ex, uint64_t at, void *buf,
		     size_t len, struct img_err *err) IMG_MUST_CHECK;
/* Fails with the loss of ex: the sentence that users see. */
bool img_fail_lost(const struct img *im, const struct img_extent *ex, struct img_err *err);
/* The next bytes of a stream (img_size() unknown); *got < len: this was the end, size is known. */
bool img_read_stream(struct img *im, uint64_t at, void *buf, size_t len, size_t *got,
		     struct img_err *err) IMG_MUST_CHECK;
/* Still being read: where it ends is not known yet. */
static inline bool img_is_stream(const struct img *im)
{
	return im->layers[0].size == IMG_SIZE_UNKNOWN;
}

#endif
