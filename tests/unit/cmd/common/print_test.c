/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include "common/print.h"

static void expect(void (*print)(FILE *, const char *), const char *text, const char *want)
{
	char *got = NULL;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	print(out, text);
	fclose(out);
	cr_expect_str_eq(got, want, "%s", got);
	free(got);
}

Test(print, json_escapes)
{
	expect(print_json_text, "", "\"\"");
	expect(print_json_text, "a\"b\\c/\n\x01", "\"a\\\"b\\\\c/\\u000a\\u0001\"");
	expect(print_json_text, "\xef\xbf\xbe", "\"\xef\xbf\xbe\"");
	expect(print_json_text, "\xe7\xa3\x81\xe7\x9b\x98", "\"\xe7\xa3\x81\xe7\x9b\x98\"");
}

Test(print, xml_escapes)
{
	expect(print_xml_text, "<a&b>\"c\"\n\t", "&lt;a&amp;b&gt;&quot;c&quot;&#10;&#9;");
	expect(print_xml_text, "\x01", "\xef\xbf\xbd");
	expect(print_xml_text, "\xef\xbf\xbe|\xef\xbf\xbf", "\xef\xbf\xbd|\xef\xbf\xbd");
	expect(print_xml_text, "\xef\xbf\xbd\xef\xbe\xbf", "\xef\xbf\xbd\xef\xbe\xbf");
}

Test(print, plain_text_stays_on_its_line)
{
	expect(print_plain_text, "a\nb\x1b[2J\x7f", "a?b?[2J?");
}

Test(print, what_is_no_utf8_is_replaced)
{
	/* A stray byte, an overlong form, a surrogate, too large, and one cut off by the end. */
	static const char *const bad[] = {
		"\x80", "\xff", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
		"\xe7\xa3",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *got = NULL;
		size_t len;
		FILE *out = open_memstream(&got, &len);

		print_json_text(out, bad[i]);
		fclose(out);
		cr_expect(len >= 5 && !((len - 2) % 3), "case %zu", i);
		for (size_t c = 1; c + 1 < len; c += 3)
			cr_expect_arr_eq(got + c, "\xef\xbf\xbd", 3, "case %zu", i);
		free(got);
	}
}

static void print_cell(FILE *out, const char *text)
{
	print_padded(out, text, 6);
	putc('|', out);
}

Test(print, cells_are_as_wide_as_a_terminal_shows_them)
{
	cr_assert(setlocale(LC_CTYPE, "C.UTF-8"));
	expect(print_cell, "", "      |");
	expect(print_cell, "size", "size  |");
	expect(print_cell, "\xe7\xb2\x92\xe5\xba\xa6", "\xe7\xb2\x92\xe5\xba\xa6  |");
	expect(print_cell, "e\xcc\x81", "e\xcc\x81     |");		/* a combining accent */
	expect(print_cell, "\xff\xe7", "\xff\xe7    |");
	expect(print_cell, "too wide", "too wide|");
}
