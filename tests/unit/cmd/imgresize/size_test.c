/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes that users ask for, and what they become of a disk. */
#include <criterion/criterion.h>
#include "imgresize/imgresize.h"

static struct img_err err;

/* Of a disk of 1 MiB with sectors of that many bytes; 0: refused. */
static uint64_t size_of(const char *text, unsigned sector)
{
	const struct plan plan = { .old_size = 1 << 20, .table.sector = sector };
	struct wish wish;
	uint64_t size;

	err = (struct img_err){ 0 };
	return wish_parse(text, &wish, &err) && wish_size(&wish, &plan, &size, &err) ? size : 0;
}

Test(size, is_absolute_or_counts_from_what_there_is)
{
	cr_assert_eq(size_of("2M", 512), 2 << 20);
	cr_assert_eq(size_of("+1k", 512), (1 << 20) + 1024);
	cr_assert_eq(size_of("-1k", 512), (1 << 20) - 1024);
	cr_assert_eq(size_of("+0", 512), 1 << 20);
}

Test(size, is_whole_sectors)
{
	cr_assert_eq(size_of("1", 512), 512);
	cr_assert_eq(size_of("513", 512), 1024);
	cr_assert_eq(size_of("513", 4096), 4096);
	cr_assert_eq(size_of("-1", 4096), 1 << 20);
}

Test(size, of_no_disk_is_refused)
{
	static const char *const texts[] = {
		"0", "-1M", "-2M", "+8E", "7.99999999999999999E", "9223372036854775807",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		cr_assert_eq(size_of(texts[i], 4096), 0, "%s", texts[i]);
		cr_assert_eq(err.code, IMG_E_RANGE, "%s: %s", texts[i], err.text);
	}
	cr_assert_eq(size_of("x", 512), 0);
}

Test(size, to_the_last_partition_needs_one)
{
	const struct wish wish = { .kind = WISH_TO_LAST_PARTITION };
	struct plan plan = { .old_size = 1 << 20, .table.sector = 512, .need = 5000 };
	uint64_t size;

	cr_assert(wish_size(&wish, &plan, &size, &err));
	cr_assert_eq(size, 5120);
	plan.need = 0;
	cr_assert_not(wish_size(&wish, &plan, &size, &err));
	cr_assert_eq(err.code, IMG_E_ARGUMENT);
}

/* A number with a minus is no option, wherever it stands. */
Test(size, with_a_minus_is_taken_out_of_the_command_line)
{
	char name[] = "imgresize", quiet[] = "-q", less[] = "-5G", disk[] = "disk";
	char *argv[] = { name, quiet, less, disk, NULL };
	int argc = 4;

	cr_assert_str_eq(wish_take_less(&argc, argv), "-5G");
	cr_assert_eq(argc, 3);
	cr_assert_str_eq(argv[2], "disk");
	cr_assert_null(argv[3]);
	cr_assert_null(wish_take_less(&argc, argv));
	cr_assert_eq(argc, 3);
}
