/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libimg: a file that gets another format in place.  A part of libimg.h, which programs include.
 */
#ifndef LIBIMG_INPLACE_H
#define LIBIMG_INPLACE_H

#include "libimg.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct img_in_place {
	const char *path;
	const char *format;	/* that it has, or NULL: probe */
	const char *target;	/* the format it is to have; one of the two is raw */
	const char *options;	/* of that format: "name=value,...", or NULL */
	bool undo;		/* bring back the raw file that the image was made of */
	bool dry_run;		/* only find out what would be done */
	unsigned flags;		/* IMG_OPEN_NO_LOCK */
};

struct img_in_place_stats {
	bool already;		/* it has the target's format: nothing was to be done */
	const char *from;	/* name of the format that it had */
	uint64_t guest;		/* bytes of the disk */
	uint64_t data;		/* of these: those with a place in the file */
	uint64_t moved;		/* of these: those that get another place */
	uint64_t before, after;	/* bytes of the file */
	uint64_t extra;		/* bytes of space that are needed meanwhile, at most */
};

/*
 * Gives a file another format without a second copy of its data: raw becomes one that can be made
 * around it (the data stay where they are, but for the first unit), and the other way around (they
 * are moved inside the file, a bounded piece at a time).  Cut off at any point the file is what it
 * was, or an image with the same disk, once it was opened by this library; the same call goes on.
 * undo: fails when the image was written since.  After a failure the disk is what it was.
 * Errors: IMG_E_ARGUMENT, IMG_E_UNSUPPORTED (the format, or something in the image that raw cannot
 * hold), IMG_E_MISMATCH (undo: it was written), IMG_E_NOSPACE (before anything was changed),
 * IMG_E_CORRUPT, IMG_E_RANGE, IMG_E_BUSY, IMG_E_IO, IMG_E_NOMEM, IMG_E_CANCELLED.
 */
bool img_convert_in_place(const struct img_in_place *what, const struct img_job *job,
			  struct img_in_place_stats *stats, struct img_err *err) IMG_MUST_CHECK;

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
