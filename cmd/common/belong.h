/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which options belong to which verbs of a command that has some. */
#ifndef CMD_BELONG_H
#define CMD_BELONG_H

#include "libimg.h"

struct belonging {
	const char *option;
	bool given;
	const char *verbs;		/* with blanks around each */
};

/* Whether all that were given belong to verb.  IMG_E_ARGUMENT names the first that does not. */
bool belong_check(const struct belonging *all, size_t n, const char *verb, struct img_err *err)
	IMG_MUST_CHECK;

#endif
