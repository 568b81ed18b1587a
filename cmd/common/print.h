/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Texts inside JSON, XML and tables, for output too long to be collected first.  Bytes that are no
 * UTF-8, and characters that XML cannot hold, become U+FFFD.
 */
#ifndef CMD_PRINT_H
#define CMD_PRINT_H

#include <stdio.h>

/* With its quotation marks. */
void print_json_text(FILE *out, const char *text);
void print_xml_text(FILE *out, const char *text);
/* One line whatever is in it: control characters and bad bytes become '?'. */
void print_plain_text(FILE *out, const char *text);
/*
 * A text of ours, and spaces behind it up to so many columns of a terminal: printf counts bytes,
 * of which translations have more.
 */
void print_padded(FILE *out, const char *text, unsigned columns);

#endif
