/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files beside the one that a driver has open: those that an image names, and what becomes of its own. */
#ifndef IMG_FORMAT_OPENER_H
#define IMG_FORMAT_OPENER_H

#include "libimg.h"

/* How a driver reaches other files; given by the image layer. */
struct img_opener {
	/*
	 * Opens the file that the image names, if the gate allows it.  write: in the same mode as
	 * the layer; for reading while a new image is being made.  The caller owns *out.
	 */
	bool (*open)(const struct img_opener *self, const struct img_reference *ref,
		     struct img_store **out, struct img_err *err);
	/*
	 * Makes the new file (a data file, an extent) that belongs to a new image, or to one that
	 * changes its size.
	 */
	bool (*create)(const struct img_opener *self, const struct img_reference *ref,
		       struct img_store **out, struct img_err *err);
	/* Takes a file away that the image does not name any more.  Only while it changes its size. */
	bool (*remove)(const struct img_opener *self, const struct img_reference *ref,
		       struct img_err *err);
	/*
	 * Makes the image's own file longer at once; what is written to *out, borrowed, behind the old end
	 * is not kept beside, and gone unless the change is finished.  NULL in *out: its length was changed
	 * before, and it is as it was.  Only while it changes its size.
	 */
	bool (*lengthen)(const struct img_opener *self, uint64_t bytes, struct img_store **out,
			 struct img_err *err);
};

#endif
