/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which sectors are in use: ranges across words, windows of the file, and who was there first. */
#include <criterion/criterion.h>
#include "format/vmdk/layout.h"
#include "format/vmdk/usage.h"

static uint64_t at(uint64_t sector)
{
	return sector * VMDK_SECTOR;
}

static void start(struct vmdk_usage *used, uint64_t sectors)
{
	struct img_err err = { 0 };

	cr_assert(vmdk_usage_init(used, sectors, 1 << 20, &err), "%s", err.text);
}

Test(vmdk_usage, each_range_is_marked_and_no_more)
{
	static const struct { uint64_t first, n; } ranges[] = {
		{ 0, 1 }, { 63, 1 }, { 63, 2 }, { 64, 64 }, { 1, 200 }, { 70, 3 }, { 127, 1 },
	};
	struct vmdk_usage used;

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		start(&used, 1000);
		cr_assert_eq(vmdk_usage_grain(&used, at(ranges[i].first), at(ranges[i].n)),
			     VMDK_USED_NOT);
		for (uint64_t s = 0; s < 300; s++)
			cr_assert_eq(vmdk_usage_of(&used, at(s), VMDK_SECTOR) == VMDK_USED_GRAIN,
				     s >= ranges[i].first && s < ranges[i].first + ranges[i].n,
				     "range %zu, sector %u", i, (unsigned)s);
		vmdk_usage_clear(&used);
	}
}

Test(vmdk_usage, a_part_of_a_sector_is_a_sector)
{
	struct vmdk_usage used;

	start(&used, 1000);
	(void)vmdk_usage_grain(&used, at(3) + 500, 13);
	cr_assert_eq(vmdk_usage_of(&used, at(2), VMDK_SECTOR), VMDK_USED_NOT);
	cr_assert_eq(vmdk_usage_of(&used, at(3), 1), VMDK_USED_GRAIN);
	cr_assert_eq(vmdk_usage_of(&used, at(4), 1), VMDK_USED_GRAIN);
	cr_assert_eq(vmdk_usage_of(&used, at(5), 1), VMDK_USED_NOT);
	vmdk_usage_clear(&used);
}

Test(vmdk_usage, who_was_there_first)
{
	struct vmdk_usage used;

	start(&used, 1000);
	cr_assert_eq(vmdk_usage_table(&used, at(10), at(4)), VMDK_USED_NOT);
	cr_assert_eq(vmdk_usage_grain(&used, at(20), at(4)), VMDK_USED_NOT);
	cr_assert_eq(vmdk_usage_grain(&used, at(23), at(4)), VMDK_USED_GRAIN);
	cr_assert_eq(vmdk_usage_grain(&used, at(13), at(9)), VMDK_USED_TABLE);
	cr_assert_eq(vmdk_usage_table(&used, at(12), at(1)), VMDK_USED_TABLE);
	vmdk_usage_clear(&used);
}

Test(vmdk_usage, a_long_file_is_seen_in_windows)
{
	const uint64_t sectors = UINT64_C(1) << 40;
	struct vmdk_usage used;
	struct img_err err = { 0 };

	cr_assert(vmdk_usage_init(&used, sectors, 32 << 10, &err));
	const uint64_t window = used.to;

	cr_assert_leq(window / 8 * 2, 32 << 10);
	cr_assert_eq(vmdk_usage_grain(&used, at(window), at(8)), VMDK_USED_NOT);
	cr_assert_eq(vmdk_usage_grain(&used, at(window - 4), at(8)), VMDK_USED_NOT);
	cr_assert_eq(vmdk_usage_grain(&used, at(window - 1), at(1)), VMDK_USED_GRAIN);
	cr_assert(vmdk_usage_next(&used, sectors));
	cr_assert_eq(used.from, window);
	cr_assert_eq(vmdk_usage_of(&used, at(window - 4), at(8)), VMDK_USED_NOT);
	(void)vmdk_usage_grain(&used, at(window - 4), at(8));
	cr_assert_eq(vmdk_usage_of(&used, at(window + 3), 1), VMDK_USED_GRAIN);
	cr_assert_eq(vmdk_usage_of(&used, at(window + 4), 1), VMDK_USED_NOT);
	cr_assert_not(vmdk_usage_next(&used, used.to));
	vmdk_usage_clear(&used);
}
