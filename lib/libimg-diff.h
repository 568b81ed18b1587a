/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libimg: what changed from one disk to another, and how it is carried.  A part of libimg.h. */
#ifndef LIBIMG_DIFF_H
#define LIBIMG_DIFF_H

#include "libimg.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* ---- What has changed ------------------------------------------------------------------------ */

/* A part of the disk that is not what it was. */
struct img_change {
	uint64_t at, len;	/* guest bytes of the newer disk; len > 0 */
	bool zero;		/* it reads as zeros now */
	const void *bytes;	/* that are there now, when they were asked for and it is not zero */
};

struct img_diff {
	struct img *a, *b;	/* the disk as it was, and as it is */
	unsigned threads;	/* 0: one for each core, eight at least to read from a cluster */
	/*
	 * Bytes that lie at different places are compared, in pieces of 4 KiB.  Otherwise they have
	 * changed: right for two snapshots of one image, and it costs no more than their tables.  What
	 * lies at the same place of the same file is never read.
	 */
	bool compare;
	bool with_bytes;
	/*
	 * Told of each change, in guest order.  Of what is not read neighbours are one change, if both
	 * are zeros or both are not; bytes come in pieces of at most a megabyte.
	 */
	bool (*changed)(void *ctx, const struct img_change *change, struct img_err *err);
	void *ctx;
};

/*
 * Finds what of b, up to its end, is not as in a; behind the end of a were zeros.  job may be NULL.
 * Errors beside those of `changed`: of img_extent() and img_read(); what of b is lost fails with its
 * class (IMG_E_INCOMPLETE, IMG_E_CORRUPT, IMG_E_IO), what of a is, if it has to be read;
 * IMG_E_UNSUPPORTED: one of them comes through a pipe; IMG_E_NOMEM, IMG_E_CANCELLED.
 */
bool img_diff_run(const struct img_diff *what, const struct img_job *job, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- Patches: changes with their bytes, as a stream -------------------------------------------- */

struct img_patch_stats {
	uint64_t old_size, new_size;	/* of the disk, guest bytes */
	uint64_t records;		/* changes */
	uint64_t data, zero;		/* bytes of them */
};

enum img_patch_format {
	IMG_PATCH_OWN,		/* doc/patch-format.md: checksums, and samples of the old disk */
	IMG_PATCH_RBD,		/* what "rbd import-diff" reads */
};

/* A patch to be written. */
struct img_patch_new {
	const char *path;	/* "-": standard output */
	enum img_patch_format format;
	const char *from, *to;	/* RBD: names of the snapshots that the disks are of; NULL: of none */
};

/*
 * Writes the changes from what->a to what->b; what->changed and with_bytes are not looked at.  A file
 * gets its name when it is whole.  Errors: those of img_diff_run() and of writing; IMG_E_ARGUMENT: a
 * name does not fit.
 */
bool img_patch_write(const struct img_diff *what, const struct img_patch_new *how,
		     const struct img_job *job, struct img_patch_stats *stats, struct img_err *err)
	IMG_MUST_CHECK;

struct img_patch {
	/*
	 * Open with IMG_OPEN_WRITE; a disk that changes its size, and one that is patched from a pipe,
	 * with IMG_OPEN_AT_ONCE too.
	 */
	struct img *im;
	const char *path;	/* of the patch; "-": standard input */
	bool force;		/* whatever disk im holds */
	bool dry_run;		/* only looks whether all of it is right */
	uint64_t seconds;	/* since the Epoch: the time of a snapshot that it asks for */
	uint32_t nanoseconds;
};

/*
 * Makes of the disk of im what the patch says; img_finish() must follow, and without it an image that
 * was opened with IMG_OPEN_AT_ONCE stays as it was.  A patch that can be read twice is checked as a
 * whole before im is changed.
 * Of RBD's a snapshot that it starts from has to be in im, which keeps what it leads to under the name
 * that it says; where the format has no snapshots, or im is not open with IMG_OPEN_AT_ONCE, names are
 * not looked at.
 * Errors: IMG_E_NOT_THIS_FORMAT, IMG_E_UNSUPPORTED, IMG_E_INCOMPLETE, IMG_E_CORRUPT: about the patch;
 * IMG_E_MISMATCH: it is for another disk, or for other snapshots (force overrules that);
 * IMG_E_DENIED: im is not open for it; and those of img_write() and img_resize().
 */
bool img_patch_apply(const struct img_patch *what, const struct img_job *job,
		     struct img_patch_stats *stats, struct img_err *err) IMG_MUST_CHECK;

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
