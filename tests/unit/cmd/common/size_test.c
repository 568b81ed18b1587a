/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include "common/size.h"

Test(size, reads_what_users_write)
{
	static const struct { const char *text; uint64_t bytes; } good[] = {
		{ "0", 0 }, { "1", 1 }, { "4096", 4096 }, { "17b", 17 }, { "64k", 65536 },
		{ "64K", 65536 }, { "3M", 3145728 }, { "1.5G", 1610612736 }, { "0.5k", 512 },
		{ "2t", UINT64_C(2) << 40 }, { "1P", UINT64_C(1) << 50 },
		{ "15E", UINT64_C(15) << 60 }, { "18446744073709551615", UINT64_MAX },
		{ "1.00000000000000000000000000001k", 1024 }, { "1.9", 1 },
		{ "7.75E", (UINT64_C(7) << 60) + 3 * (UINT64_C(1) << 58) },
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct img_err err = { 0 };
		uint64_t bytes = 99;

		cr_expect(size_parse(good[i].text, &bytes, &err), "%s", good[i].text);
		cr_expect_eq(bytes, good[i].bytes, "%s: %ju", good[i].text, (uintmax_t)bytes);
	}
}

Test(size, refuses_what_is_no_size)
{
	static const struct { const char *text; enum img_code code; } bad[] = {
		{ "", IMG_E_ARGUMENT }, { "k", IMG_E_ARGUMENT }, { "-1", IMG_E_ARGUMENT },
		{ "+1", IMG_E_ARGUMENT }, { " 1", IMG_E_ARGUMENT }, { "1 ", IMG_E_ARGUMENT },
		{ "1x", IMG_E_ARGUMENT }, { "1kk", IMG_E_ARGUMENT }, { "1.2.3", IMG_E_ARGUMENT },
		{ "0x10", IMG_E_ARGUMENT }, { "18446744073709551616", IMG_E_RANGE },
		{ "16E", IMG_E_RANGE }, { "99999999999999999999999", IMG_E_RANGE },
		{ "99999999999999999999999z", IMG_E_ARGUMENT },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct img_err err = { 0 };
		uint64_t bytes = 99;

		cr_expect_not(size_parse(bad[i].text, &bytes, &err), "%s", bad[i].text);
		cr_expect_eq(err.code, bad[i].code, "%s", bad[i].text);
		cr_expect_eq(bytes, 99, "%s", bad[i].text);
	}
}

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
