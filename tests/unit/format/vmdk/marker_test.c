/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What markers are believed. */
#include <string.h>
#include <criterion/criterion.h>
#include "base/bytes.h"
#include "format/vmdk/marker.h"

enum { FILE_BYTES = 16 * 512, CAPACITY = 128 * 512, GRAIN = 8 * 512 };

static struct vmdk_marker read_marker(uint64_t value, uint32_t size, uint32_t type, uint64_t at)
{
	uint8_t bytes[FILE_BYTES] = { 0 };
	struct vmdk_sparse sp = {
		.file_size = FILE_BYTES,
		.hdr = { .kind = VMDK_KIND_HOSTED, .capacity = CAPACITY, .grain = GRAIN,
			 .gt_entries = 512, .entry_len = 4, .n_gd = 1 },
	};
	struct vmdk_marker m;
	struct img_err err = { 0 };

	if (at + 16 <= FILE_BYTES) {
		img_put_le64(bytes + at, value);
		img_put_le32(bytes + at + 8, size);
		img_put_le32(bytes + at + 12, type);
	}
	cr_assert(sp.file = img_store_mem(bytes, sizeof(bytes), &err));
	cr_assert(vmdk_marker_read(&sp, at, &m, &err));
	img_store_close(sp.file);
	return m;
}

Test(vmdk_marker, all_kinds)
{
	static const struct {
		uint64_t value;
		uint32_t size, type;
		enum vmdk_marker_kind kind;
		uint64_t end;			/* from a marker at 512 */
	} cases[] = {
		{ 8, 500, 0, VMDK_MARKER_GRAIN, 512 + 512 },
		{ 8, 501, 0, VMDK_MARKER_GRAIN, 512 + 1024 },
		{ 4, 0, 1, VMDK_MARKER_TABLE, 512 + 5 * 512 },
		{ 1, 0, 2, VMDK_MARKER_DIRECTORY, 512 + 2 * 512 },
		{ 1, 0, 3, VMDK_MARKER_FOOTER, 512 + 2 * 512 },
		{ 0, 0, 0, VMDK_MARKER_END, 512 + 512 },
		/* Not on a grain, behind the disk, too long, behind the file. */
		{ 9, 500, 0, VMDK_MARKER_NONE, 512 },
		{ 128, 500, 0, VMDK_MARKER_NONE, 512 },
		{ UINT64_MAX - 7, 500, 0, VMDK_MARKER_NONE, 512 },
		{ 8, UINT32_MAX, 0, VMDK_MARKER_NONE, 512 },
		{ 8, FILE_BYTES - 512 - 11, 0, VMDK_MARKER_NONE, 512 },
		/* Another length than it can have, an unknown type. */
		{ 3, 0, 1, VMDK_MARKER_NONE, 512 },
		{ UINT64_MAX, 0, 2, VMDK_MARKER_NONE, 512 },
		{ 1, 0, 0, VMDK_MARKER_NONE, 512 },
		{ 1, 0, 4, VMDK_MARKER_NONE, 512 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct vmdk_marker m = read_marker(cases[i].value, cases[i].size, cases[i].type,
							 512);

		cr_assert_eq(m.kind, cases[i].kind, "case %zu", i);
		cr_assert_eq(m.end, cases[i].end, "case %zu", i);
	}
}

Test(vmdk_marker, a_grain_says_where)
{
	const struct vmdk_marker m = read_marker(16, 100, 0, 1024);

	cr_assert_eq(m.guest, 2 * GRAIN);
	cr_assert_eq(m.host, 1024 + VMDK_MARK_GRAIN_LEN);
	cr_assert_eq(m.len, 100);
}

Test(vmdk_marker, what_the_file_lacks)
{
	cr_assert_eq(read_marker(4, 0, 1, FILE_BYTES - 4 * 512).kind, VMDK_MARKER_NONE);
	cr_assert_eq(read_marker(4, 0, 1, FILE_BYTES - 5 * 512).kind, VMDK_MARKER_TABLE);
	cr_assert_eq(read_marker(0, 0, 0, FILE_BYTES - 15).kind, VMDK_MARKER_NONE);
	cr_assert_eq(read_marker(0, 0, 0, FILE_BYTES + 512).kind, VMDK_MARKER_NONE);
}
