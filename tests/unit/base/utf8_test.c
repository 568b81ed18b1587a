/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strict decoding: what is not UTF-8 is one invalid byte at a time. */
#include <criterion/criterion.h>
#include "base/utf8.h"

Test(utf8, decoding)
{
	static const struct { const char *text; uint32_t code; size_t len; } table[] = {
		{"a", 'a', 1},
		{"\xc3\xa9", 0xe9, 2},
		{"\xe5\xa4\xa7", 0x5927, 3},
		{"\xf0\x9f\x98\x80", 0x1f600, 4},
		{"\xf4\x8f\xbf\xbf", 0x10ffff, 4},
		{"\xef\xbf\xbd", IMG_UTF8_INVALID, 3},
		{"\x80", IMG_UTF8_INVALID, 1},			/* continues nothing */
		{"\xc3", IMG_UTF8_INVALID, 1},			/* cut short */
		{"\xf0\x9f\x98", IMG_UTF8_INVALID, 1},
		{"\xc1\xbf", IMG_UTF8_INVALID, 1},		/* overlong */
		{"\xe0\x9f\xbf", IMG_UTF8_INVALID, 1},
		{"\xf0\x8f\xbf\xbf", IMG_UTF8_INVALID, 1},
		{"\xed\xa0\x80", IMG_UTF8_INVALID, 1},		/* surrogate */
		{"\xf4\x90\x80\x80", IMG_UTF8_INVALID, 1},	/* beyond Unicode */
		{"\xf8\x88\x80\x80\x80", IMG_UTF8_INVALID, 1},
		{"\xff", IMG_UTF8_INVALID, 1},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		uint32_t code;

		cr_expect_eq(img_utf8_next(table[i].text, &code), table[i].len, "row %zu", i);
		cr_expect_eq(code, table[i].code, "row %zu", i);
	}
}

Test(utf8, columns)
{
	cr_expect_eq(img_utf8_columns('a'), 1);
	cr_expect_eq(img_utf8_columns(0xe9), 1);
	cr_expect_eq(img_utf8_columns(0x5927), 2);
	cr_expect_eq(img_utf8_columns(0xff01), 2);
}
