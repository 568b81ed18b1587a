/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libimg: a shorter file for the same disk, in place.  A part of libimg.h. */
#ifndef LIBIMG_COMPACT_H
#define LIBIMG_COMPACT_H

#include "libimg.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct img_compact {
	/* Nobody needs what is in these n spans of the disk, which rise and do not touch: zeros will do. */
	const struct img_span *unneeded;
	size_t n_unneeded;
	unsigned threads;	/* 0: one for each core */
	bool dry_run;		/* only find out what would be done */
	/* Units that are stored plain become compressed ones; of formats that can: qcow2 and qcow. */
	bool compress;
	const char *codec;	/* must be the one of the image, or NULL */
	const char *level;	/* a number of the codec's, "fastest" or "best", or NULL */
	bool recode;		/* compress anew also what is compressed, where it gets smaller */
};

struct img_compact_stats {
	uint64_t guest;		/* bytes of the disk */
	uint64_t hollow;	/* of these: stored, but zeros or not needed; they lost their places */
	uint64_t moved;		/* bytes that got another place in the file; not those of compress */
	uint64_t compressed;	/* guest bytes that were compressed ... */
	uint64_t plain;		/* ... and that stay plain, as they get no smaller */
	uint64_t rounds;
	uint64_t before, after;	/* bytes of the image's files; of a dry run with compress: at most */
	uint64_t extra;		/* bytes of space that are needed meanwhile, at most, $TMPDIR included */
};

/*
 * Makes the files of an image as short as they can be: units of the disk that are zeros become holes,
 * what nothing refers to goes, and what lies last moves down.  Where bytes have fixed places (raw, cow)
 * the zeros become holes of the file, which keeps its length.  The disk stays what it is, but for what
 * nobody needs; snapshots and bitmaps, too.
 *
 * im must be open with IMG_OPEN_WRITE and IMG_OPEN_AT_ONCE, and nothing may have been written; only
 * img_close() may follow.  The work is done in rounds: each of them gets into the file at once, all of it
 * or nothing, so that whatever cuts it off leaves a whole image, and the same call goes on.  A round
 * moves 64 MiB or a 256th of what has to move, which bounds the space that is needed; holes of the file
 * need none.  job may be NULL.
 *
 * With compress all of the file goes down behind each other first, compressed on the way; what is
 * compressed already is moved as it is.  What snapshots share stays shared.
 *
 * Errors: IMG_E_UNSUPPORTED (the format, or this image, cannot get shorter or hold compressed data),
 * IMG_E_DENIED (not open for it, its backing file is not open, or the file has other names),
 * IMG_E_NOSPACE (before anything was changed), IMG_E_CORRUPT, IMG_E_ARGUMENT (not such spans, another
 * codec, no such level), IMG_E_RANGE, IMG_E_IO, IMG_E_NOMEM, IMG_E_CANCELLED (what was done stays done).
 */
bool img_compact(struct img *im, const struct img_compact *what, const struct img_job *job,
		 struct img_compact_stats *stats, struct img_err *err) IMG_MUST_CHECK;

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
