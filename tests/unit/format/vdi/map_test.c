/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guest offset to extent, on images made by hand; some of them damaged or cut. */
#include <string.h>
#include "sample.h"

enum { B = SAMPLE_BLOCK };

static void check(struct sample *s, uint64_t at, uint64_t len, enum img_extent_kind kind)
{
	const struct img_extent ex = sample_extent(s, at);

	cr_assert_eq(ex.kind, kind, "0x%lx: kind %d", (unsigned long)at, ex.kind);
	cr_assert_eq(ex.len, len, "0x%lx: len 0x%lx", (unsigned long)at, (unsigned long)ex.len);
}

static void check_lost(struct sample *s, uint64_t at, uint64_t len, enum img_code loss)
{
	const struct img_extent ex = sample_extent(s, at);

	check(s, at, len, IMG_EXTENT_LOST);
	cr_assert_eq(ex.loss, loss);
	cr_assert(ex.why);
}

Test(vdi_map, neighbours_are_one_extent)
{
	struct sample s;

	sample_start(&s, sample_header(10));
	sample_put(&s, 2, 3);
	sample_put(&s, 3, 4);
	sample_put(&s, 4, 0);
	sample_put(&s, 5, VDI_ENTRY_ZERO);
	sample_put(&s, 6, VDI_ENTRY_ZERO);
	sample_open(&s, SAMPLE_BYTES);
	check(&s, 0, 2 * B, IMG_EXTENT_HOLE);
	check(&s, 2 * B + 7, 2 * B - 7, IMG_EXTENT_DATA);
	cr_assert_eq(sample_extent(&s, 2 * B + 7).host, s.hdr.data_off + 3 * B + 7);
	check(&s, 4 * B, B, IMG_EXTENT_DATA);
	check(&s, 5 * B, 2 * B, IMG_EXTENT_ZERO);
	check(&s, 7 * B, 3 * B, IMG_EXTENT_HOLE);
	sample_end(&s);
}

Test(vdi_map, bytes_in_front_of_blocks_are_skipped)
{
	struct vdi_header hdr = sample_header(4);
	struct sample s;

	hdr.block_extra = 64;
	sample_start(&s, hdr);
	sample_put(&s, 0, 0);
	sample_put(&s, 1, 1);
	sample_open(&s, SAMPLE_BYTES);
	check(&s, 0, B, IMG_EXTENT_DATA);
	cr_assert_eq(sample_extent(&s, B).host, hdr.data_off + 2 * 64 + B);
	sample_end(&s);
}

Test(vdi_map, broken_entries_lose_no_more_than_themselves)
{
	struct sample s;

	sample_start(&s, sample_header(4));
	sample_put(&s, 0, 4);
	sample_put(&s, 1, 3);
	sample_put(&s, 2, VDI_ENTRY_ZERO - 1);
	sample_open(&s, SAMPLE_BYTES);
	check_lost(&s, 0, B, IMG_E_CORRUPT);
	check(&s, B, B, IMG_EXTENT_DATA);
	check_lost(&s, 2 * B, B, IMG_E_CORRUPT);
	check(&s, 3 * B, B, IMG_EXTENT_HOLE);
	sample_end(&s);
}

Test(vdi_map, a_cut_file_is_lost_to_the_byte)
{
	struct sample s;

	sample_start(&s, sample_header(4));
	sample_put(&s, 0, 1);
	sample_put(&s, 1, 2);
	sample_put(&s, 2, 0);
	sample_open(&s, s.hdr.data_off + B + 100);
	check(&s, 0, 100, IMG_EXTENT_DATA);
	check_lost(&s, 100, 2 * B - 100, IMG_E_INCOMPLETE);
	check(&s, 2 * B, B, IMG_EXTENT_DATA);
	sample_end(&s);
}

Test(vdi_map, entries_that_the_file_lacks_are_lost)
{
	struct sample s;

	sample_start(&s, sample_header(4));
	sample_open(&s, s.hdr.map_off + 2 * VDI_ENTRY_LEN + 3);
	check(&s, 0, 2 * B, IMG_EXTENT_HOLE);
	check_lost(&s, 2 * B, 2 * B, IMG_E_INCOMPLETE);
	sample_end(&s);
}

Test(vdi_map, the_last_block_ends_with_the_disk)
{
	struct vdi_header hdr = sample_header(2);
	struct sample s;

	hdr.size = B + 100;
	sample_start(&s, hdr);
	sample_put(&s, 1, 0);
	sample_open(&s, hdr.data_off + 100);
	check(&s, B, 100, IMG_EXTENT_DATA);
	sample_end(&s);
}

Test(vdi_map, pieces_are_read_when_they_are_wanted)
{
	struct sample s;
	const uint64_t second = (uint64_t)VDI_PIECE_ENTRIES * B;

	sample_start(&s, sample_header(VDI_PIECE_ENTRIES + 10));
	sample_put(&s, VDI_PIECE_ENTRIES, 1);
	sample_put(&s, VDI_PIECE_ENTRIES + 9, 0);
	sample_open(&s, SAMPLE_BYTES);
	check(&s, 0, second, IMG_EXTENT_HOLE);
	check(&s, second, B, IMG_EXTENT_DATA);
	check(&s, second + B, 8 * B, IMG_EXTENT_HOLE);
	check(&s, second + 9 * B, B, IMG_EXTENT_DATA);
	sample_end(&s);
}

Test(vdi_map, a_disk_of_petabytes_opens_at_once)
{
	struct vdi_header hdr = sample_header(1);
	struct sample s;

	sample_start(&s, hdr);
	hdr.n_blocks = VDI_BLOCKS_MAX - 1000;
	hdr.data_off = UINT32_MAX;
	hdr.block_size = VDI_BLOCK_SIZE_MAX;
	hdr.size = (uint64_t)hdr.n_blocks * hdr.block_size;
	s.hdr = hdr;
	vdi_header_encode(&hdr, s.bytes);
	sample_open(&s, SAMPLE_BYTES);
	check_lost(&s, hdr.size - 1, 1, IMG_E_INCOMPLETE);
	sample_end(&s);
}
