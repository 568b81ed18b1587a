/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers for programs and sizes for people. */
#include <criterion/criterion.h>
#include "report/report.h"

Test(number, reals)
{
	static const struct { double value; const char *text; } table[] = {
		{0, "0"}, {0.1, "0.1"}, {-2.5, "-2.5"}, {1e300, "1e+300"},
		{0.1 + 0.2, "0.30000000000000004"}, {123456789.25, "123456789.25"},
	};
	char text[IMG_NUMBER_TEXT];

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		img_real_text(table[i].value, text);
		cr_expect_str_eq(text, table[i].text);
	}
}

Test(number, sizes)
{
	static const struct { uint64_t bytes; const char *text; } table[] = {
		{0, "0 bytes"},
		{1023, "1023 bytes"},
		{1024, "1 KiB (1024 bytes)"},
		{65536, "64 KiB (65536 bytes)"},
		{1048575, "1 MiB (1048575 bytes)"},
		{1610612736, "1.5 GiB (1610612736 bytes)"},
		{1234567, "1.18 MiB (1234567 bytes)"},
		{UINT64_MAX, "16 EiB (18446744073709551615 bytes)"},
	};
	char text[IMG_NUMBER_TEXT];

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		img_size_text(table[i].bytes, text);
		cr_expect_str_eq(text, table[i].text);
	}
}
