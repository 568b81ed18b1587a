/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of imgbitmap share. */
#ifndef IMGBITMAP_IMGBITMAP_H
#define IMGBITMAP_IMGBITMAP_H

#include "common/cli.h"

/* ---- change.c -------------------------------------------------------------------------------- */

/* What is to be done to a bitmap, in the order of the command line. */
struct changes {
	struct change *v;		/* owned */
	size_t n, cap;
	bool add, merge;		/* whether there is one of these */
};

/* For the rows of all actions, whose names are theirs; the field is a struct changes. */
cli_set changes_set;
void changes_free(struct changes *changes);
/*
 * Does all of them to the bitmap `name` of im, or none.  source: where --merge finds its bitmaps;
 * granularity: of a new one, or 0.
 */
bool changes_make(const struct changes *changes, struct img *im, const char *name,
		  struct img *source, uint64_t granularity, struct img_err *err) IMG_MUST_CHECK;

/* ---- list.c ---------------------------------------------------------------------------------- */

/* Prints the bitmaps of im, which was opened as path; only: the one of that name, unless NULL. */
bool list_bitmaps(struct img *im, const char *path, const char *only, enum img_style style,
		  struct img_err *err) IMG_MUST_CHECK;

/* ---- extents.c ------------------------------------------------------------------------------- */

/* Prints what has changed according to a bitmap, as it is found. */
bool print_extents(struct img *im, const char *name, enum img_style style, struct img_err *err)
	IMG_MUST_CHECK;

#endif
