/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of imgsnap share: a verb is a function here, and a row of the table in imgsnap.c. */
#ifndef IMGSNAP_IMGSNAP_H
#define IMGSNAP_IMGSNAP_H

#include "common/progress.h"
#include "common/source.h"
#include "common/target.h"

/* How something is printed, and whether anybody asked for that. */
struct snap_output {
	enum img_style style;
	bool said;
};

/* The options of all verbs; which belong to which says usage.c. */
struct options {
	struct source_options source;
	struct secrets secrets;
	struct target_options target;	/* extract, overlay: what is made */
	const char *backing, *backing_format;	/* commit, rebase: another image below, or NULL */
	const char *from, *from_format;	/* diff: the image that has the older disk, or NULL */
	const char *data;		/* diff: where the patch goes, or NULL */
	enum img_patch_format data_format;
	bool compare;			/* diff: the bytes, also of snapshots of one image */
	bool discard_current;		/* apply */
	bool keep, unsafe;		/* commit; rebase */
	bool force, dry_run, quiet;
	uint64_t sparse;		/* bytes that must be zeros to be left out */
	unsigned threads;		/* 0: all cores */
	struct progress_options progress;
	struct snap_output output;
};

enum { SNAP_SPARSE_SIZE = 4096 };	/* options.sparse when nothing was said */

extern const struct cli imgsnap_cli;

/* As progress_start(), of what opt says. */
const struct img_job *snap_progress(struct progress *p, const struct options *opt,
				    const char *phase);

/* Does what the verb says to names[0], the image; the other operands, or NULL, stand behind it. */
typedef bool snap_verb(const struct options *opt, char *const *names, struct img_err *err);

/* ---- usage.c --------------------------------------------------------------------------------- */

/*
 * Whether all options that were given belong to the verb, and none is missing; looks: it changes
 * nothing.  IMG_E_ARGUMENT.
 */
bool snap_check_usage(const struct options *opt, const char *verb, bool looks, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- list.c ---------------------------------------------------------------------------------- */

snap_verb snap_list;

/* ---- change.c -------------------------------------------------------------------------------- */

snap_verb snap_create, snap_apply, snap_delete, snap_rename;
/* A snapshot of that name that is made in this moment. */
struct img_snapshot_new snap_made_now(const char *name);

/* ---- extract.c, diff.c, patch.c -------------------------------------------------------------- */

snap_verb snap_extract, snap_diff, snap_patch;

/* ---- overlay.c, commit.c, rebase.c ----------------------------------------------------------- */

snap_verb snap_overlay, snap_commit, snap_rebase, snap_flatten;

#endif
