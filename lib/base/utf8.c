/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strict decoding of UTF-8, and the width of characters, in every locale alike. */
#include "base/utf8.h"

/* Bytes of a sequence and the bits of the code in its first byte; 0: starts none. */
static size_t lead_length(unsigned char lead, uint32_t *bits)
{
	if (lead < 0x80) {
		*bits = lead;
		return 1;
	}
	if (lead >= 0xc2 && lead < 0xe0) {
		*bits = lead & 0x1f;
		return 2;
	}
	if (lead >= 0xe0 && lead < 0xf0) {
		*bits = lead & 0x0f;
		return 3;
	}
	*bits = lead & 0x07;
	return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

static bool is_character(uint32_t code, size_t len)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

	return code >= smallest[len] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

size_t img_utf8_next(const char *text, uint32_t *code)
{
	const unsigned char *bytes = (const unsigned char *)text;
	uint32_t value;
	const size_t len = lead_length(bytes[0], &value);

	*code = IMG_UTF8_INVALID;
	for (size_t i = 1; i < len; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 1;
		value = value << 6 | (bytes[i] & 0x3f);
	}
	if (len == 0 || !is_character(value, len))
		return 1;
	*code = value;
	return len;
}

unsigned img_utf8_columns(uint32_t code)
{
	static const struct { uint32_t first, last; } wide[] = {
		{0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
		{0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1faff},
		{0x20000, 0x3fffd},
	};

	for (size_t i = 0; i < sizeof(wide) / sizeof(*wide); i++) {
		if (code >= wide[i].first && code <= wide[i].last)
			return 2;
	}
	return 1;
}
