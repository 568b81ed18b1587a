/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of imgmount know of each other. */
#ifndef CMD_IMGMOUNT_H
#define CMD_IMGMOUNT_H

#include <pthread.h>
#include <sys/stat.h>
#include "common/source.h"

struct options {
	struct source_options source;
	struct secrets secrets;
	bool write, foreground, allow_other;
};

extern const struct cli imgmount_cli;

/* A file of the folder: the disk, a part of it, or what it was once. */
struct shown {
	char *name;
	uint64_t start, len;	/* bytes of a disk */
	char *snapshot;		/* the id of the one whose disk it is; NULL: that of the image */
};

struct mount {
	const struct options *opt;
	struct source_options source;	/* those of opt, with an absolute parent */
	char *path, *parent;	/* absolute; parent may be NULL */
	struct img *im;
	struct shown *files;
	size_t n;
	int ready;		/* for background_enter(); -1: stays in the foreground */
	bool background;	/* nobody reads standard error any more */
	pthread_mutex_t lock;	/* guards opened */
	struct opened *opened;	/* the first of the files that somebody has open */
};

/* ---- files.c --------------------------------------------------------------------------------- */

/* Finds out what there is to show.  Free with files_free(), also after a failure. */
bool files_find(struct mount *mount, struct img_err *err) IMG_MUST_CHECK;
void files_free(struct mount *mount);
/* Whether it can be written. */
static inline bool files_is_writable(const struct mount *mount, const struct shown *file)
{
	return mount->opt->write && !file->snapshot;
}

/* ---- opened.c -------------------------------------------------------------------------------- */

/* A file that somebody has opened. */
struct opened {
	const struct shown *file;
	struct img *im;		/* that of the mount, or one of its own for a snapshot */
	bool write;
	struct opened *next, **link;	/* where the list of the mount leads to it */
};

/* NULL: err says why.  Any number of threads, as opened_free(). */
struct opened *opened_new(struct mount *mount, const struct shown *file, bool write,
			  struct img_err *err);
void opened_free(struct mount *mount, struct opened *op);
/* At the end: the kernel does not tell of files that are closed when nobody answers any more. */
void opened_free_all(struct mount *mount);
/* The first byte at or behind `at` that is data, or a hole; *found: len when there is none. */
bool opened_seek(const struct opened *op, uint64_t at, bool data, uint64_t *found,
		 struct img_err *err) IMG_MUST_CHECK;

/* ---- requests.c ------------------------------------------------------------------------------ */

struct fuse_lowlevel_ops;

/* What the kernel asks; the user data of a session is a struct mount. */
extern const struct fuse_lowlevel_ops requests;

/* ---- background.c ---------------------------------------------------------------------------- */

/*
 * Goes on in a child, before any thread is started; the parent ends when the child is ready, and if that
 * never happens as the child does.  *ready: for background_enter().
 */
bool background_begin(int *ready, struct img_err *err) IMG_MUST_CHECK;
/* Leaves the terminal and lets the parent end; a failure if that is gone.  Takes ready over. */
bool background_enter(int ready, struct img_err *err) IMG_MUST_CHECK;

/* ---- session.c ------------------------------------------------------------------------------- */

/* Shows the files in folder until it is unmounted. */
bool session_run(struct mount *mount, const char *folder, struct img_err *err) IMG_MUST_CHECK;
/* Tells of a failure those who can still hear of it. */
void session_complain(const struct mount *mount, const struct img_err *err);

#endif
