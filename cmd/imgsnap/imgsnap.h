/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of imgsnap share: a verb is a function here, and a row of the table in imgsnap.c. */
#ifndef IMGSNAP_IMGSNAP_H
#define IMGSNAP_IMGSNAP_H

#include "common/cli.h"
#include "common/source.h"

/* The options of all verbs. */
struct options {
	struct source_options source;
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

#endif
