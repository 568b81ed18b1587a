/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See optlist.h.  Values are checked by the library, which knows each format's table. */
#include <stdlib.h>
#include <string.h>
#include "common/optlist.h"
#include "common/print.h"
#include "common/text.h"

/* The end of the option that starts at p: its comma or the end of the list. */
static const char *option_end(const char *p)
{
	for (; *p; p++) {
		if (*p != ',')
			continue;
		if (p[1] != ',')
			break;
		p++;
	}
	return p;
}

/* The option called name, or NULL. */
static const char *find(const char *list, const char *name)
{
	const size_t len = strlen(name);

	for (const char *p = list; p && *p; ) {
		const char *end = option_end(p);

		if (!strncmp(p, name, len) && (p[len] == '=' || p + len == end))
			return p;
		p = *end ? end + 1 : end;
	}
	return NULL;
}

bool optlist_has(const char *list, const char *name)
{
	return find(list, name) != NULL;
}

bool optlist_wants_help(const char *list)
{
	return find(list, "help") || find(list, "?");
}

/* The value in [from, end), with ",," made one comma. */
static char *copy_value(const char *from, const char *end)
{
	char *value = calloc(1, (size_t)(end - from) + 1);

	for (char *to = value; value && from < end; from++) {
		*to++ = *from;
		if (*from == ',')
			from++;
	}
	return value;
}

char *optlist_value(const char *list, const char *name)
{
	const char *start = find(list, name);
	const char *value;

	if (!start)
		return NULL;
	value = start + strlen(name);
	return copy_value(*value == '=' ? value + 1 : value, option_end(start));
}

char *optlist_take(char *list, const char *name)
{
	char *start = (char *)find(list, name);
	char *taken = optlist_value(start, name);
	const char *end;

	if (!start)
		return NULL;
	end = option_end(start);
	if (*end)
		memmove(start, end + 1, strlen(end + 1) + 1);
	else
		/* The last one goes together with the comma in front of it. */
		*(start > list ? start - 1 : start) = '\0';
	return taken;
}

static bool is_option_of(const struct img_format *format, const char *name, size_t len)
{
	const struct img_option *option = img_format_options(format);

	for (; option && option->name; option++)
		if (!strncmp(option->name, name, len) && !option->name[len])
			return true;
	return false;
}

char *optlist_keep(const char *list, const struct img_format *format)
{
	char *kept = calloc(1, strlen(list) + 1), *to = kept;

	for (const char *p = list; kept && *p; ) {
		const char *end = option_end(p);

		if (is_option_of(format, p, strcspn(p, "=,"))) {
			if (to > kept)
				*to++ = ',';
			to = mempcpy(to, p, (size_t)(end - p));
		}
		p = *end ? end + 1 : end;
	}
	return kept;
}

static void print_value(const struct img_option *option, char *text, size_t size)
{
	static const char *const values[] = {
		[IMG_OPT_SIZE] = N_("SIZE"), [IMG_OPT_NUMBER] = N_("N"),
		[IMG_OPT_FLAG] = N_("on|off"), [IMG_OPT_TEXT] = N_("TEXT"),
	};
	const char *value = option->type == IMG_OPT_CHOICE ? option->choices
							   : _(values[option->type]);

	snprintf(text, size, "%s=%s", option->name, value);
}

static void print_options(const struct img_option *option)
{
	char text[200];

	for (; option->name; option++) {
		print_value(option, text, sizeof(text));
		fputs("  ", stdout);
		print_padded(stdout, text, 38);
		printf(" %s", option->help ? _(option->help) : "");
		if (option->fallback)
			printf(_(" (default: %s)"), option->fallback);
		putchar('\n');
	}
}

void optlist_print_help(const struct img_format *format, const struct img_option *table)
{
	if (table && table->name) {
		printf(_("Options of format %s (-o):\n"), img_format_name(format));
		print_options(table);
	} else {
		printf(_("Images of format %s have no options.\n"), img_format_name(format));
	}
}

void optlist_print_new_help(const struct img_format *format)
{
	optlist_print_help(format, img_format_options(format));
	printf(_("Options of its place, in any format:\n"));
	print_options(img_rbd_options());
}
