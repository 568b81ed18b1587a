/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes as users write them. */
#include <criterion/criterion.h>
#include "libimg.h"

Test(size, understood)
{
	static const struct { const char *text; uint64_t bytes; } table[] = {
		{"0", 0},
		{"65536", 65536},
		{"512b", 512},
		{"64k", 65536},
		{"64K", 65536},
		{"1.5G", UINT64_C(3) << 29},
		{"0.1k", 102},				/* 102.4 bytes */
		{"0.999999999999999999999k", 1023},
		{"2T", UINT64_C(1) << 41},
		{"3p", UINT64_C(3) << 50},
		{"15.5E", UINT64_C(31) << 59},
		{"18446744073709551615", UINT64_MAX},
		{"17592186044415M", UINT64_C(17592186044415) << 20},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct img_err err = {0};
		uint64_t bytes = 1;

		cr_expect(img_size_parse(table[i].text, &bytes, &err), "%s", err.text);
		cr_expect_eq(bytes, table[i].bytes, "\"%s\"", table[i].text);
	}
}

Test(size, refused)
{
	static const struct { const char *text; enum img_code code; } table[] = {
		{"", IMG_E_ARGUMENT}, {"k", IMG_E_ARGUMENT}, {"-1", IMG_E_ARGUMENT},
		{"+1", IMG_E_ARGUMENT}, {" 1", IMG_E_ARGUMENT}, {"1 ", IMG_E_ARGUMENT},
		{"1kk", IMG_E_ARGUMENT}, {"1x", IMG_E_ARGUMENT}, {"1.", IMG_E_ARGUMENT},
		{".5k", IMG_E_ARGUMENT}, {"1.k", IMG_E_ARGUMENT}, {"1.5.5k", IMG_E_ARGUMENT},
		{"0x10", IMG_E_ARGUMENT}, {"1,5k", IMG_E_ARGUMENT}, {"1@", IMG_E_ARGUMENT},
		{"16E", IMG_E_RANGE}, {"18446744073709551616", IMG_E_RANGE},
		{"17592186044416M", IMG_E_RANGE},
		{"99999999999999999999999999k", IMG_E_RANGE},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct img_err err = {0};
		uint64_t bytes = 7;

		cr_expect_not(img_size_parse(table[i].text, &bytes, &err), "\"%s\"", table[i].text);
		cr_expect_eq(err.code, table[i].code, "\"%s\"", table[i].text);
		cr_expect_eq(bytes, 7);
	}
}
