/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What names a file in a descriptor: a relative path as URIs have it (RFC 3986). */
#include "ovf/ovf.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"

/* The value of two hexadecimal digits; -1: they are none, or would end the name. */
static int escaped(const char *text)
{
	const char digits[] = { text[0], text[0] ? text[1] : '\0', '\0' };
	const long value = isxdigit((unsigned char)digits[0]) && isxdigit((unsigned char)digits[1])
		? strtol(digits, NULL, 16) : 0;

	return value ? (int)value : -1;
}

char *ovf_href_decode(const char *uri, struct img_err *err)
{
	char *name = img_strdup(uri, err), *to = name;

	for (const char *from = name; from && *from; from++) {
		const int c = *from == '%' ? escaped(from + 1) : -1;

		*to++ = c < 0 ? *from : (char)c;
		from += c < 0 ? 0 : 2;
	}
	if (name)
		*to = '\0';
	return name;
}

/* Stands for itself in a path, whoever reads it. */
static bool is_plain(unsigned char c)
{
	return (c < 0x80 && isalnum(c)) || memchr("-._~/", c, 5);
}

char *ovf_href_encode(const char *name, struct img_err *err)
{
	char *uri = img_calloc(3 * strlen(name) + 1, 1, err), *to = uri;

	for (const char *from = name; uri && *from; from++) {
		const unsigned char c = (unsigned char)*from;

		if (is_plain(c))
			*to++ = *from;
		else
			to += snprintf(to, 4, "%%%02X", c);
	}
	if (uri)
		*to = '\0';
	return uri;
}

bool img_ovf_href_is_inside(const char *href)
{
	const char *colon = strchr(href, ':');
	const char *at = href;

	/* A scheme stands in front of the first slash. */
	if (!*href || *href == '/' || (colon && !memchr(href, '/', (size_t)(colon - href))))
		return false;
	while (at) {
		const size_t len = strcspn(at, "/");

		if (!len || (len <= 2 && !strncmp(at, "..", len)))
			return false;
		at = at[len] ? at + len + 1 : NULL;
	}
	return true;
}
