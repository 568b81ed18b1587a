/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading an image in one pass while it comes through a pipe, and keeping no more than is needed. */
#include "image/image.h"

bool img_begin_pass(struct img *im, enum img_pass most, struct img_err *err)
{
	struct img_layer *ly = &im->layers[0];

	im->passing = ly->pass != IMG_PASS_NONE && ly->pass <= most;
	if (im->passing || ly->pass != IMG_PASS_TOLD)
		return true;
	return ly->format->settle(ly, err) || img_within_file(err, ly->store->name);
}

void img_pass_by(struct img *im, const struct img_extent *extents, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (extents[i].kind != IMG_EXTENT_ENCODED || extents[i].depth)
			continue;
		/* The bytes of the others may be on their way still. */
		im->passed = extents[i].host;
		img_store_forget(im->layers[0].store, im->passed);
		return;
	}
}

/* Whoever writes into the pipe is not to find it closed. */
bool img_end_pass(struct img *im, bool salvage, struct img_err *err)
{
	struct img_layer *ly = &im->layers[0];

	if (ly->pass == IMG_PASS_TOLD && !ly->format->conclude(ly, salvage ? NULL : err) && !salvage)
		return img_within_file(err, ly->store->name);
	return img_store_drain(ly->store, im->passed, err);
}
