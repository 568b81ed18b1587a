/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fields of a header; bsdtar and GNU tar judge it in tests/cmd/imgova. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "ovf/tar.h"

Test(tar, fields)
{
	uint8_t h[TAR_BLOCK];
	unsigned sum = 0;

	tar_header("web.ovf", 01234567, 1, h);
	cr_assert_str_eq((char *)h, "web.ovf");
	cr_assert_str_eq((char *)h + 100, "0000644");
	cr_assert_str_eq((char *)h + 124, "00001234567");
	cr_assert_str_eq((char *)h + 136, "00000000001");
	cr_assert_eq(h[156], '0');
	cr_assert_eq(memcmp(h + 257, "ustar\0" "00", 8), 0);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : h[i];
	cr_assert_eq(strtoul((char *)h + 148, NULL, 8), sum);
	cr_assert_eq(h[155], ' ');
}

Test(tar, large_files_and_long_names)
{
	uint8_t h[TAR_BLOCK];
	char name[TAR_NAME_MOST + 1] = "";

	memset(name, 'n', TAR_NAME_MOST);
	tar_header(name, UINT64_C(1) << 33, 0, h);
	cr_assert_eq(memcmp(h, name, TAR_NAME_MOST), 0);
	cr_assert_eq(h[124], 0x80);
	cr_assert_eq(h[124 + 7], 2);
	tar_header(name, (UINT64_C(1) << 33) - 1, 0, h);
	cr_assert_str_eq((char *)h + 124, "77777777777");
}
