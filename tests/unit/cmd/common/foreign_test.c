/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of formats that are not known here are not taken for disks. */
#include <criterion/criterion.h>
#include <string.h>
#include "common/foreign.h"

/* The name of what a file begins or ends with, of which len bytes are there. */
static const char *name_of(const char *head, const char *footer, size_t len)
{
	uint8_t first[FOOTER_LEN] = { 0 }, last[FOOTER_LEN] = { 0 };
	const char *name;

	memcpy(first, head, strlen(head));
	memcpy(last, footer, strlen(footer));
	name = foreign_format(first, last, len);
	return name ? name : "none";
}

Test(foreign, is_told_by_its_first_or_last_bytes)
{
	cr_assert_str_eq(name_of("vhdxfile", "", FOOTER_LEN), "VHDX");
	cr_assert_str_eq(name_of("conectix", "", FOOTER_LEN), "VHD");
	cr_assert_str_eq(name_of("", "conectix", FOOTER_LEN), "VHD");
	cr_assert_str_eq(name_of("WithouFreSpacExt", "", FOOTER_LEN), "Parallels");
	cr_assert_str_eq(name_of("QED", "", FOOTER_LEN), "QED");
	cr_assert_str_eq(name_of("", "koly", FOOTER_LEN), "DMG");
}

Test(foreign, what_is_elsewhere_or_cut_is_none)
{
	cr_assert_str_eq(name_of("", "", FOOTER_LEN), "none");
	cr_assert_str_eq(name_of("", "vhdxfile", FOOTER_LEN), "none");
	cr_assert_str_eq(name_of("koly", "", FOOTER_LEN), "none");
	cr_assert_str_eq(name_of("conectix", "", 7), "none");
	cr_assert_str_eq(name_of("", "", 0), "none");
}
