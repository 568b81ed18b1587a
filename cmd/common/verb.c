/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See verb.h. */
#include <string.h>
#include "common/text.h"
#include "common/verb.h"

void verb_need(const struct cli *cli, const struct verb *verb, char *const *operands, int given)
{
	struct cli its = *cli;
	struct img_err err = { 0 };

	if (!verb) {
		img_fail(&err, IMG_E_ARGUMENT, _("\"%s\" is nothing that it can do"), operands[0]);
		cli_misused(cli, &err);
	}
	its.operands = verb->operands;
	cli_need_operands(&its, given - 1, verb->min, verb->max);
}

const void *verb_find(const struct cli *cli, const void *list, size_t n, size_t size,
		      char *const *operands, int given)
{
	const struct verb *found = NULL;

	cli_need_operands(cli, given, 1, given);
	for (size_t i = 0; i < n && !found; i++) {
		const struct verb *verb = (const void *)((const char *)list + i * size);

		found = strcmp(verb->name, operands[0]) ? NULL : verb;
	}
	verb_need(cli, found, operands, given);
	return found;
}
