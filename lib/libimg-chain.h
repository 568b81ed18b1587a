/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libimg: images that stand on others, and what moves between them.  A part of libimg.h. */
#ifndef LIBIMG_CHAIN_H
#define LIBIMG_CHAIN_H

#include "libimg.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* What has to be moved, and the room for it; bytes. */
struct img_moved {
	uint64_t data;		/* of the disk: copied */
	uint64_t zeros;		/* of the disk: made to read as zeros */
	uint64_t space;		/* that the file grows by, at most */
	uint64_t free;		/* that its file system has; IMG_SIZE_UNKNOWN: a device, no files */
};

/* ---- Commit: what an image holds goes into one below it ------------------------------------------ */

struct img_commit {
	struct img_open top;	/* flags: IMG_OPEN_MISMATCH at most */
	const char *base;	/* the file of a layer below; NULL: that directly below */
	unsigned threads;	/* 0: one for each core */
	bool keep;		/* top is not emptied */
	bool force;		/* even if other images would be spoilt */
	bool dry_run;		/* only reckon */
	/* Told of each other image that stands on one that changes; may be NULL. */
	void (*spoils)(void *ctx, const char *path, const char *below);
	void *ctx;
};

struct img_committed {
	char *base;		/* its file; owned by the caller */
	const char *base_format;
	uint64_t old_size, new_size;	/* of the disk of base */
	size_t between;		/* layers between top and base, which are spoilt */
	size_t spoilt;		/* other images that stand on what changes */
	size_t snapshots;	/* in top and between, which show what changes */
	bool emptied;		/* top */
	struct img_moved moved;
};

/*
 * Copies what top and the layers between hold into base, makes the disk of base as long as that of top
 * if it is shorter, and then, if base is directly below it and the format allows it, empties top.  The
 * disk of top is the same before, afterwards and all the while: whatever cut it off, a second call goes
 * on.  Warnings go to job.
 * Errors: IMG_E_ARGUMENT (top stands on nothing, or not on base), IMG_E_NOSPACE (before anything is
 * written, where that can be known), IMG_E_DENIED (other images would be spoilt; see force), and those
 * of reading, writing and img_resize().
 */
bool img_commit_run(const struct img_commit *what, const struct img_job *job,
		    struct img_committed *out, struct img_err *err) IMG_MUST_CHECK;

/* ---- Rebase: an image stands on another one from now on ------------------------------------------ */

struct img_rebase {
	struct img_open top;		/* flags: IMG_OPEN_MISMATCH at most */
	const char *backing;		/* as it is to be written into top; NULL: it stands alone */
	const char *backing_format;	/* NULL: found out */
	unsigned threads;
	bool trust;			/* the disks are said to be the same: nothing is copied */
	bool force;			/* even if snapshots in top would be spoilt */
	bool dry_run;
};

struct img_rebased {
	const char *backing_format;	/* as it was written; NULL: not said, or it stands alone */
	size_t snapshots;		/* in top, which show what lay below */
	struct img_moved moved;
};

/*
 * Copies into top what differs between what it stood on and what it will stand on, and then changes
 * what it says that it stands on.  The disk of top stays the same, all the while, unless trust was
 * misplaced.  Cut off, top holds more than it needs.
 * Errors: IMG_E_UNSUPPORTED (the format cannot), IMG_E_ARGUMENT (not on that), IMG_E_DENIED (snapshots
 * would be spoilt; see force), IMG_E_NOSPACE, and those of reading and writing.
 */
bool img_rebase_run(const struct img_rebase *what, const struct img_job *job,
		    struct img_rebased *out, struct img_err *err) IMG_MUST_CHECK;

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
