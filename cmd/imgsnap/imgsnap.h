/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of imgsnap share: a verb is a function here, and a row of the table in imgsnap.c. */
#ifndef IMGSNAP_IMGSNAP_H
#define IMGSNAP_IMGSNAP_H

#include "common/progress.h"
#include "common/source.h"

/* What overlay, commit, rebase and flatten want. */
struct chain_options {
	const char *backing, *backing_format, *target_format;
	char *options;			/* owned */
	bool unsafe, keep, force, dry_run;
	unsigned threads;
};

/* The options of all verbs. */
struct options {
	struct source_options source;
	struct chain_options chain;
	struct progress_options progress;
	bool discard_current;
	bool quiet;
	enum img_style style;
};

extern const struct cli imgsnap_cli;

/* Does what the verb says to names[0], the image; the other operands, or NULL, stand behind it. */
typedef bool snap_verb(const struct options *opt, char *const *names, struct img_err *err);

/* ---- list.c ---------------------------------------------------------------------------------- */

snap_verb snap_list;

/* ---- change.c -------------------------------------------------------------------------------- */

snap_verb snap_create, snap_apply, snap_delete, snap_rename;

/* ---- overlay.c, commit.c, rebase.c ----------------------------------------------------------- */

snap_verb snap_overlay, snap_commit, snap_rebase, snap_flatten;

#endif
