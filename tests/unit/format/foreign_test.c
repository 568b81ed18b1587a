/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of formats that are not known here are not taken for disks. */
#include <criterion/criterion.h>
#include <string.h>
#include "format/format.h"

enum { LEN = 512 };

/* The name of what a file begins or ends with, of which len bytes are there. */
static const char *name_of(const char *head, const char *footer, size_t len)
{
	uint8_t first[LEN] = { 0 }, last[LEN] = { 0 };
	const struct img_peek peek = {
		.head = first, .head_len = len, .tail = last, .tail_len = len, .size = len,
	};
	const char *name;

	memcpy(first, head, strlen(head));
	memcpy(last, footer, strlen(footer));
	name = img_foreign_format(&peek);
	return name ? name : "none";
}

Test(foreign, is_told_by_its_first_or_last_bytes)
{
	cr_assert_str_eq(name_of("vhdxfile", "", LEN), "VHDX");
	cr_assert_str_eq(name_of("conectix", "", LEN), "VHD");
	cr_assert_str_eq(name_of("", "conectix", LEN), "VHD");
	cr_assert_str_eq(name_of("WithouFreSpacExt", "", LEN), "Parallels");
	cr_assert_str_eq(name_of("QED", "", LEN), "QED");
	cr_assert_str_eq(name_of("", "koly", LEN), "DMG");
	cr_assert_str_eq(name_of("rbd image v2\n", "", LEN), "RBD export");
	cr_assert_str_eq(name_of("rbd diff v1\n", "", LEN), "RBD difference");
}

Test(foreign, what_is_elsewhere_or_cut_is_none)
{
	cr_assert_str_eq(name_of("", "", LEN), "none");
	cr_assert_str_eq(name_of("", "vhdxfile", LEN), "none");
	cr_assert_str_eq(name_of("koly", "", LEN), "none");
	cr_assert_str_eq(name_of("conectix", "", 7), "none");
	cr_assert_str_eq(name_of("", "conectix", LEN - 1), "none");
	cr_assert_str_eq(name_of("", "", 0), "none");
}
