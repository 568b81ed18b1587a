/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The -o option: "name=value,name=value", where ",," is a comma in a value. */
#ifndef CMD_OPTLIST_H
#define CMD_OPTLIST_H

#include "libimg.h"

/* Whether one of the options asks for help: "help" or "?". */
bool optlist_wants_help(const char *list);
/* Prints the options of a table that belongs to a format. */
void optlist_print_help(const struct img_format *format, const struct img_option *table);
/* Prints those of a new image of that format, which may be made anywhere. */
void optlist_print_new_help(const struct img_format *format);
bool optlist_has(const char *list, const char *name);
/* The value of name in list, which may be NULL; the caller frees it.  NULL: none, or memory is out. */
char *optlist_value(const char *list, const char *name);
/* The same, and takes name=value out of list. */
char *optlist_take(char *list, const char *name);
/* The options of list that a format has, as a list; the caller frees it.  NULL: memory is out. */
char *optlist_keep(const char *list, const struct img_format *format);

#endif
