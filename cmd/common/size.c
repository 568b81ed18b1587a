/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See size.h.  Integers only: a double cannot hold every size. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "common/size.h"
#include "common/text.h"

static const char unit_letters[] = "bkmgtpe";

/* False when it does not fit; *text moves behind the digits. */
static bool parse_whole(const char **text, uint64_t *value)
{
	for (*value = 0; isdigit((unsigned char)**text); ++*text)
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(**text - '0'), value))
			return false;
	return true;
}

/* The digits behind a point as parts of unit; *text stands on the first of them. */
static uint64_t parse_fraction(const char **text, uint64_t unit)
{
	unsigned __int128 part = 0, scale = 1;

	for (; isdigit((unsigned char)**text); ++*text) {
		/* More digits than a size has bits change nothing. */
		if (scale >= UINT64_MAX / 10)
			continue;
		part = part * 10 + (unsigned)(**text - '0');
		scale *= 10;
	}
	return (uint64_t)(part * unit / scale);
}

/* The unit that ends text, or 0. */
static uint64_t unit_of(const char *text)
{
	const char *letter;

	if (!*text)
		return 1;
	letter = strchr(unit_letters, tolower((unsigned char)*text));
	return letter && !text[1] ? UINT64_C(1) << (10 * (letter - unit_letters)) : 0;
}

bool size_parse(const char *text, uint64_t *bytes, struct img_err *err)
{
	const char *p = text;
	uint64_t whole, unit, total;
	bool fits;

	if (!isdigit((unsigned char)*p))
		return img_fail(err, IMG_E_ARGUMENT, _("\"%s\" is not a size"), text);
	fits = parse_whole(&p, &whole);
	p += strspn(p, "0123456789");
	unit = unit_of(p + (*p == '.' ? 1 + strspn(p + 1, "0123456789") : 0));
	if (!unit)
		return img_fail(err, IMG_E_ARGUMENT,
				_("\"%s\" is not a size; it may end in k, M, G, T, P or E"), text);
	if (*p == '.')
		p++;
	if (!fits || __builtin_mul_overflow(whole, unit, &total) ||
	    __builtin_add_overflow(total, parse_fraction(&p, unit), &total))
		return img_fail(err, IMG_E_RANGE, _("%s is more bytes than there can be"), text);
	*bytes = total;
	return true;
}

const char *size_text(uint64_t bytes, char text[SIZE_TEXT_BYTES])
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned power = 0;
	uint64_t tenths;

	while (power < 6 && bytes >> (10 * (power + 1)))
		power++;
	if (!power) {
		snprintf(text, SIZE_TEXT_BYTES, "%" PRIu64 " B", bytes);
		return text;
	}
	tenths = (uint64_t)((unsigned __int128)bytes * 10 >> (10 * power));
	if (tenths >= 1000 || !(tenths % 10))
		snprintf(text, SIZE_TEXT_BYTES, "%" PRIu64 " %s", tenths / 10, names[power]);
	else
		snprintf(text, SIZE_TEXT_BYTES, "%" PRIu64 ".%u %s", tenths / 10,
			 (unsigned)(tenths % 10), names[power]);
	return text;
}
