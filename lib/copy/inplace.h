/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of a conversion in place know of each other. */
#ifndef IMG_COPY_INPLACE_H
#define IMG_COPY_INPLACE_H

#include "format/placement.h"
#include "image/image.h"

struct img_in_place_run {
	const struct img_in_place *what;
	const struct img_job *job;	/* never NULL */
	struct img_open how;		/* of the file, for what is changed at once */
	struct img_store *file;		/* owned */
	struct img_layer ly;		/* in that file; open while its tables are read */
	const struct img_format *image;	/* of the two formats the one that is not raw */
	char *options;			/* of the image's creation; owned */
	struct img_placement where;
	struct img_rangeset blank;	/* bytes of the file, see img_placement_read() */
	struct img_adoption note;	/* what the raw file is, or was */
	bool keep_note;			/* in the image */
	bool fits;			/* what a step writes has its room in the file already */
	void *laid;			/* what the driver made; NULL: no tables yet */
	uint64_t next;			/* units of the disk in front of this one are in place */
	struct img_in_place_stats *stats;
};

/* One step: whatever it writes to st gets into the file at once. */
typedef bool img_in_place_step(struct img_in_place_run *run, struct img_store *st,
			       struct img_err *err);

/* ---- inplace.c ----------------------------------------------------------------------------------- */

bool img_in_place_do(struct img_in_place_run *run, img_in_place_step *step, struct img_err *err)
	IMG_MUST_CHECK;
/* A step: writes tables and header around the data where they lie. */
bool img_in_place_lay(struct img_in_place_run *run, struct img_store *st, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * Tries a step and forgets it, to tell in stats how long the file becomes and how much room is
 * needed.  IMG_E_NOSPACE: there is less; never in a dry run.
 */
bool img_in_place_measure(struct img_in_place_run *run, img_in_place_step *step, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- The two ways: inplace_adopt.c, inplace_release.c -------------------------------------------- */

bool img_in_place_adopt(struct img_in_place_run *run, struct img_err *err) IMG_MUST_CHECK;
bool img_in_place_release(struct img_in_place_run *run, struct img_err *err) IMG_MUST_CHECK;

/* ---- inplace_move.c ------------------------------------------------------------------------------ */

/* What each step moves at most of an image of which so many bytes are astray. */
uint64_t img_in_place_window(uint64_t astray);
/* Moves each unit of the disk to where it is to be, step by step.  There are tables. */
bool img_in_place_move_all(struct img_in_place_run *run, struct img_err *err) IMG_MUST_CHECK;

#endif
