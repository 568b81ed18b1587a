/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UUIDs: from and to text, and new ones. */
#include "base/uuid.h"

#include <stdio.h>
#include <string.h>
#include "base/random.h"

/* Where the bytes of the text lie in the file; a '-' stands in front of those in dashes. */
static const uint8_t order[IMG_UUID_BYTES] = {
	3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15,
};
static const bool dash_before[IMG_UUID_BYTES] = {
	[4] = true, [6] = true, [8] = true, [10] = true,
};

bool img_uuid_equal(const struct img_uuid *a, const struct img_uuid *b)
{
	return !memcmp(a->raw, b->raw, IMG_UUID_BYTES);
}

bool img_uuid_is_nil(const struct img_uuid *id)
{
	static const struct img_uuid nil;

	return img_uuid_equal(id, &nil);
}

void img_uuid_to_text(const struct img_uuid *id, char text[IMG_UUID_TEXT])
{
	for (size_t i = 0; i < IMG_UUID_BYTES; i++) {
		if (dash_before[i])
			*text++ = '-';
		snprintf(text, 3, "%02x", id->raw[order[i]]);
		text += 2;
	}
}

/* -1: no hexadecimal digit. */
static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* What follows the UUID in text, or NULL. */
static const char *parse_bytes(const char *text, struct img_uuid *out)
{
	for (size_t i = 0; i < IMG_UUID_BYTES; i++) {
		if (dash_before[i] && *text++ != '-')
			return NULL;
		const int high = digit(text[0]);
		const int low = high < 0 ? -1 : digit(text[1]);
		if (low < 0)
			return NULL;
		out->raw[order[i]] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	return text;
}

bool img_uuid_parse(const char *text, struct img_uuid *out, struct img_err *err)
{
	const bool braces = text[0] == '{';
	struct img_uuid id;
	const char *rest = parse_bytes(text + braces, &id);

	if (!rest || strcmp(rest, braces ? "}" : ""))
		return img_fail(err, IMG_E_ARGUMENT, _("\"%s\" is not a UUID"), text);
	*out = id;
	return true;
}

bool img_uuid_make(struct img_uuid *out, struct img_err *err)
{
	struct img_uuid id;

	if (!img_random(id.raw, sizeof(id.raw), err))
		return false;
	id.raw[7] = (id.raw[7] & 0x0f) | 0x40;
	id.raw[8] = (id.raw[8] & 0x3f) | 0x80;
	*out = id;
	return true;
}
