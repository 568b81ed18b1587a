/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What comes first on the line of a command that does several things. */
#ifndef CMD_VERB_H
#define CMD_VERB_H

#include "common/cli.h"

struct verb {
	const char *name;
	const char *operands;		/* translatable */
	int min, max;			/* of operands, behind the name */
};

/*
 * The one that operands[0] names, of a list of n structs of `size` bytes that begin with a struct verb
 * each.  Ends the program when there is none of that name, or it has too few or too many operands.
 */
const void *verb_find(const struct cli *cli, const void *list, size_t n, size_t size,
		      char *const *operands, int given);
/* Of the one that was found otherwise; NULL: there is none. */
void verb_need(const struct cli *cli, const struct verb *verb, char *const *operands, int given);

#endif
