/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libimg: snapshots that an image keeps of its disk.  A part of libimg.h, which programs include. */
#ifndef LIBIMG_SNAPSHOT_H
#define LIBIMG_SNAPSHOT_H

#include "libimg.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* What a snapshot does not say. */
#define IMG_SNAPSHOT_UNKNOWN UINT64_MAX

struct img_snapshot {
	char *id, *name;
	uint64_t seconds;	/* since the Epoch: when it was made */
	uint32_t nanoseconds;
	uint64_t clock;		/* nanoseconds that the guest had run */
	uint64_t icount;	/* instructions that it had run, or IMG_SNAPSHOT_UNKNOWN */
	uint64_t state_len;	/* bytes of the state of a machine; 0: the disk alone */
	uint64_t disk_size;	/* guest bytes */
	/*
	 * Bytes of the file that hold what the snapshot shows: those that nothing else needs, and those
	 * that another snapshot or the disk has, too.  IMG_SNAPSHOT_UNKNOWN: the image is damaged, so
	 * that nobody can tell, or it was not asked for.
	 */
	uint64_t exclusive, shared;
};

/*
 * Of the top layer.  All snapshots of an image belong to one thread, while it does not write.  A
 * snapshot is named by its id or, if none has that, by its name.  Errors of all: IMG_E_UNSUPPORTED
 * (the format, or this image, has no snapshots), IMG_E_ARGUMENT (there is no such snapshot, or a name
 * that cannot be had), IMG_E_CORRUPT, IMG_E_INCOMPLETE, IMG_E_IO, IMG_E_NOMEM.
 */

/*
 * The snapshots, in the order of the image; free with img_snapshot_list_free().  *out may be NULL.
 * sizes: tell exclusive and shared, for which all tables of the image are read.
 */
bool img_snapshot_list(struct img *im, bool sizes, struct img_snapshot **out, size_t *n,
		       struct img_err *err) IMG_MUST_CHECK;
void img_snapshot_list_free(struct img_snapshot *list, size_t n);

/* A snapshot to be made of the disk as it is. */
struct img_snapshot_new {
	const char *name;
	uint64_t seconds;	/* since the Epoch */
	uint32_t nanoseconds;
};

/*
 * These want an image that was opened with IMG_OPEN_WRITE and IMG_OPEN_AT_ONCE (else IMG_E_DENIED),
 * and may be so without its backing file (IMG_OPEN_NO_BACKING).  The change is in the image when
 * img_finish() has returned true, all of it or nothing; that or img_close() alone may follow, and
 * after a failure img_close() alone: the image is as it was.  IMG_E_RANGE: a count or a table does
 * not fit; IMG_E_NOSPACE.
 *
 * Of a raw image on a Ceph cluster the snapshots are those of the cluster.  Such an image is opened with
 * IMG_OPEN_WRITE alone, and each change is made on return.  The cluster tells neither exclusive nor shared,
 * gives dates of its own, and refuses to remove what is protected (IMG_E_DENIED); a disk that is not whole
 * because img_snapshot_apply() failed becomes so when that is done again.
 */
bool img_snapshot_create(struct img *im, const struct img_snapshot_new *what, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * The disk becomes what the snapshot shows, in its size.  keep: what the disk is now becomes a
 * snapshot before that, unless it is what one shows already (*kept: it did); NULL: it is gone.
 */
bool img_snapshot_apply(struct img *im, const char *which, const struct img_snapshot_new *keep,
			bool *kept, struct img_err *err) IMG_MUST_CHECK;
bool img_snapshot_remove(struct img *im, const char *which, struct img_err *err) IMG_MUST_CHECK;
bool img_snapshot_rename(struct img *im, const char *which, const char *name, struct img_err *err)
	IMG_MUST_CHECK;

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
