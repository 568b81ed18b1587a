/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a value on the command line becomes a field of the command's options. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "common/cli.h"
#include "common/memory.h"
#include "common/text.h"

bool cli_set_flag(const struct cli_option *row, void *field, const char *text, struct img_err *err)
{
	(void)row, (void)text, (void)err;
	*(bool *)field = true;
	return true;
}

bool cli_set_text(const struct cli_option *row, void *field, const char *text, struct img_err *err)
{
	(void)row, (void)err;
	*(const char **)field = text;
	return true;
}

bool cli_set_size(const struct cli_option *row, void *field, const char *text, struct img_err *err)
{
	(void)row;
	return img_size_parse(text, field, err);
}

bool cli_set_amount(const struct cli_option *row, void *field, const char *text,
		    struct img_err *err)
{
	return cli_set_size(row, field, text, err) &&
	       (*(const uint64_t *)field ||
		img_fail(err, IMG_E_ARGUMENT, _("\"%s\" is not a size from 1 on"), text));
}

bool cli_whole_number(const char *text, uint64_t *n)
{
	return !strchr(text, '.') && img_size_parse(text, n, NULL);
}

bool cli_set_count(const struct cli_option *row, void *field, const char *text,
		   struct img_err *err)
{
	uint64_t n;

	(void)row;
	if (!cli_whole_number(text, &n) || !n || n > UINT_MAX)
		return img_fail(err, IMG_E_ARGUMENT, _("\"%s\" is not a number from 1 to %u"), text,
				UINT_MAX);
	*(unsigned *)field = n;
	return true;
}

/* The place of text among choices ("a|b|c"), or -1. */
static int choice_index(const char *choices, const char *text)
{
	const size_t len = strlen(text);

	for (int i = 0; choices; i++) {
		const char *end = strchrnul(choices, '|');

		if ((size_t)(end - choices) == len && !memcmp(choices, text, len))
			return i;
		choices = *end ? end + 1 : NULL;
	}
	return -1;
}

static bool set_choice(const char *choices, const char *text, int *index, struct img_err *err)
{
	const int found = choice_index(choices, text);

	if (found < 0)
		return img_fail(err, IMG_E_ARGUMENT, _("\"%s\" is none of %s"), text, choices);
	*index = found;
	return true;
}

bool cli_set_choice(const struct cli_option *row, void *field, const char *text,
		    struct img_err *err)
{
	return set_choice(row->value, text, field, err);
}

/* CLI_CACHES and CLI_STYLES are in the order of their enumerations. */
bool cli_set_cache(const struct cli_option *row, void *field, const char *text,
		   struct img_err *err)
{
	int index;

	(void)row;
	if (!set_choice(CLI_CACHES, text, &index, err))
		return false;
	*(enum img_cache *)field = index;
	return true;
}

bool cli_set_style(const struct cli_option *row, void *field, const char *text,
		   struct img_err *err)
{
	int index;

	(void)row;
	if (!set_choice(CLI_STYLES, text, &index, err))
		return false;
	*(enum img_style *)field = index;
	return true;
}

bool cli_set_list(const struct cli_option *row, void *field, const char *text, struct img_err *err)
{
	char **list = field;
	const size_t old = *list ? strlen(*list) : 0;
	char *longer = realloc(*list, old + 1 + strlen(text) + 1);

	(void)row;
	if (!longer)
		return out_of_memory(err);
	if (old)
		longer[old] = ',';
	strcpy(longer + old + (old ? 1 : 0), text);
	*list = longer;
	return true;
}

bool cli_ignore(const struct cli_option *row, void *field, const char *text, struct img_err *err)
{
	(void)row, (void)field, (void)text, (void)err;
	return true;
}
