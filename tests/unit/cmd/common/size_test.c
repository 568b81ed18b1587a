/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include "common/size.h"

Test(size, shows_the_largest_unit)
{
	static const struct { uint64_t bytes; const char *text; } sizes[] = {
		{ 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1 KiB" }, { 1536, "1.5 KiB" },
		{ 1048575, "1023 KiB" }, { 1048576, "1 MiB" }, { 1288490188, "1.1 GiB" },
		{ 1288490189, "1.2 GiB" }, { UINT64_MAX, "15.9 EiB" },
	};
	char text[SIZE_TEXT_BYTES];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		cr_expect_str_eq(size_text(sizes[i].bytes, text), sizes[i].text, "%s", text);
}
