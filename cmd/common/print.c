/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See print.h. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>
#include "common/print.h"

static const char replacement[] = "\xef\xbf\xbd";

/* Bytes of the character at p if it is well-formed UTF-8 (RFC 3629, section 4), else 0. */
static int character_len(const unsigned char *p)
{
	uint32_t c;
	int len;

	if (*p < 0x80)
		return 1;
	if (*p < 0xc2 || *p > 0xf4)
		return 0;
	len = *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	c = *p & (0x7f >> len);
	for (int i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if ((len == 3 && c < 0x800) || (len == 4 && (c < 0x10000 || c > 0x10ffff)) ||
	    (c >= 0xd800 && c < 0xe000))
		return 0;
	return len;
}

/* fwrite() of every character would take a third of the time of a large map. */
static void put_bytes(FILE *out, const unsigned char *p, int len)
{
	for (int i = 0; i < len; i++)
		putc_unlocked(p[i], out);
}

/* Walks over text; one(out, p) prints the characters that need care, or returns 0. */
static void print_text(FILE *out, const char *text, int (*one)(FILE *out, const unsigned char *p),
		       const char *bad)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; ) {
		const int len = character_len(p);

		if (!len)
			fputs(bad, out);
		else if (!one(out, p))
			put_bytes(out, p, len);
		p += len ? len : 1;
	}
}

static int json_character(FILE *out, const unsigned char *p)
{
	if (*p == '"' || *p == '\\')
		return fprintf(out, "\\%c", *p);
	return *p < 0x20 ? fprintf(out, "\\u%04x", *p) : 0;
}

void print_json_text(FILE *out, const char *text)
{
	putc_unlocked('"', out);
	print_text(out, text, json_character, replacement);
	putc_unlocked('"', out);
}

static int xml_character(FILE *out, const unsigned char *p)
{
	switch (*p) {
	case '&':
		return fputs("&amp;", out) >= 0;
	case '<':
		return fputs("&lt;", out) >= 0;
	case '>':
		return fputs("&gt;", out) >= 0;
	case '"':
		return fputs("&quot;", out) >= 0;
	case '\t': case '\n': case '\r':
		return fprintf(out, "&#%d;", *p);
	}
	/* U+FFFE and U+FFFF are no characters of XML either. */
	return *p < 0x20 || (*p == 0xef && p[1] == 0xbf && p[2] >= 0xbe) ? fputs(replacement, out) >= 0 : 0;
}

void print_xml_text(FILE *out, const char *text)
{
	print_text(out, text, xml_character, replacement);
}

static int plain_character(FILE *out, const unsigned char *p)
{
	return *p < 0x20 || *p == 0x7f ? putc('?', out) : 0;
}

void print_plain_text(FILE *out, const char *text)
{
	print_text(out, text, plain_character, "?");
}

/* What the locale takes for no character counts one for each byte. */
static unsigned columns_of(const char *text)
{
	const char *const end = text + strlen(text);
	mbstate_t state = { 0 };
	unsigned columns = 0;

	while (text < end) {
		wchar_t c;
		const size_t len = mbrtowc(&c, text, (size_t)(end - text), &state);
		const bool known = len <= (size_t)(end - text);
		const int width = known ? wcwidth(c) : 1;

		if (!known)
			state = (mbstate_t){ 0 };
		columns += width > 0 ? (unsigned)width : 0;
		text += known ? len : 1;
	}
	return columns;
}

void print_padded(FILE *out, const char *text, unsigned columns)
{
	const unsigned used = columns_of(text);

	fprintf(out, "%s%*s", text, used < columns ? (int)(columns - used) : 0, "");
}
