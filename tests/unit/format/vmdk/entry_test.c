/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entries of directories and grain tables, of each kind of file. */
#include <criterion/criterion.h>
#include "format/vmdk/sparse.h"

static const struct vmdk_header hosted = {
	.kind = VMDK_KIND_HOSTED, .grain = 4096, .gt_entries = 512, .entry_len = 4,
	.capacity = 512 * 4096 + 3 * 4096 + 512,
};
static const struct vmdk_header zeroed = {
	.kind = VMDK_KIND_HOSTED, .flags = VMDK_FLAG_ZERO_GRAIN,
};
static const struct vmdk_header sesparse = {
	.kind = VMDK_KIND_SESPARSE, .grain = 4096, .gt_entries = 4096, .entry_len = 8,
	.gts_at = 8192, .grains_at = 1 << 20,
};

static const struct {
	const struct vmdk_header *hdr;
	bool directory;
	uint64_t raw;
	enum vmdk_entry_kind kind;
	uint64_t host;
} entries[] = {
	{ &hosted, false, 0, VMDK_ENTRY_NOTHING, 0 },
	{ &hosted, false, 1, VMDK_ENTRY_PLACE, 512 },
	{ &zeroed, false, 1, VMDK_ENTRY_ZEROS, 0 },
	{ &zeroed, true, 1, VMDK_ENTRY_ZEROS, 0 },
	{ &zeroed, false, 2, VMDK_ENTRY_PLACE, 1024 },
	{ &hosted, true, UINT32_MAX, VMDK_ENTRY_PLACE, UINT32_MAX * UINT64_C(512) },
	{ &sesparse, true, 0, VMDK_ENTRY_NOTHING, 0 },
	{ &sesparse, true, VMDK_SE_TABLE | 2, VMDK_ENTRY_PLACE, 8192 + 2 * 32768 },
	{ &sesparse, true, VMDK_SE_TABLE | UINT64_C(1) << 32, VMDK_ENTRY_BAD, 0 },
	{ &sesparse, true, 1, VMDK_ENTRY_BAD, 0 },
	{ &sesparse, false, 0, VMDK_ENTRY_NOTHING, 0 },
	{ &sesparse, false, 1, VMDK_ENTRY_BAD, 0 },
	{ &sesparse, false, VMDK_SE_UNMAPPED, VMDK_ENTRY_ZEROS, 0 },
	{ &sesparse, false, VMDK_SE_ZERO, VMDK_ENTRY_ZEROS, 0 },
	{ &sesparse, false, VMDK_SE_DATA, VMDK_ENTRY_PLACE, 1 << 20 },
	{ &sesparse, false, VMDK_SE_DATA | UINT64_C(3) << 48, VMDK_ENTRY_PLACE,
	  (1 << 20) + 3 * 4096 },
	{ &sesparse, false, VMDK_SE_DATA | 1, VMDK_ENTRY_PLACE, (1 << 20) + 4096 * 4096 },
	{ &sesparse, false, VMDK_SE_DATA | UINT64_C(0xffffffffffff), VMDK_ENTRY_BAD, 0 },
	{ &sesparse, false, UINT64_C(4) << 60, VMDK_ENTRY_BAD, 0 },
};

Test(entry, means)
{
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		const struct vmdk_entry got =
			entries[i].directory ? vmdk_directory_entry(entries[i].hdr, entries[i].raw)
					     : vmdk_grain_entry(entries[i].hdr, entries[i].raw);

		cr_assert_eq(got.kind, entries[i].kind, "%zu: %d", i, got.kind);
		cr_assert_eq(got.host, entries[i].host, "%zu: %lu", i, got.host);
		cr_assert_eq(got.bad != NULL, got.kind == VMDK_ENTRY_BAD, "%zu", i);
	}
}

Test(entry, the_last_table_and_the_last_grain_are_shorter)
{
	cr_assert_eq(vmdk_table_len(&hosted, 0), 2048);
	cr_assert_eq(vmdk_table_len(&hosted, 1), 16);
	cr_assert_eq(vmdk_grain_len(&hosted, 514), 4096);
	cr_assert_eq(vmdk_grain_len(&hosted, 515), 512);
}
