/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command lines that users are given, as a shell reads them. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "imgresize/imgresize.h"

static void expect(const struct request *request, const char *operand, const char *format,
		   const char *want)
{
	char *text = advice_copy(request, operand, img_format_named(format));

	cr_assert_str_eq(text, want);
	free(text);
}

Test(advice, a_copy_is_of_a_format_that_can_be_resized)
{
	const struct request request = { .path = "a.b/disk.x", .shrink = true, .grow = 3 };

	expect(&request, "5G", "cloop", "imgconv a.b/disk.x a.b/disk-resizable.qcow2 && imgresize "
	       "--shrink --partition=3=max a.b/disk-resizable.qcow2 5G");
	expect(&request, "+1M", "vmdk", "imgconv a.b/disk.x a.b/disk-resizable.vmdk && imgresize "
	       "--shrink --partition=3=max a.b/disk-resizable.vmdk +1M");
}

Test(advice, names_are_quoted_and_no_options)
{
	const struct request request = {
		.path = "-it's", .wish.kind = WISH_TO_LAST_PARTITION, .shrink = true,
	};

	expect(&request, NULL, "cloop", "imgconv './-it'\\''s' './-it'\\''s-resizable.qcow2' && "
	       "imgresize --shrink=to-last-partition './-it'\\''s-resizable.qcow2'");
}

Test(advice, file_systems_are_made_larger_by_their_own_commands)
{
	cr_assert_str_eq(advice_inside("xfs"), "xfs_growfs MOUNTPOINT");
	cr_assert_null(advice_inside("squashfs"));
	cr_assert_null(advice_inside(""));
}
