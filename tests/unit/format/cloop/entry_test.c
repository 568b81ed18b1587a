/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What two entries of an index say, and what they cannot. */
#include <criterion/criterion.h>
#include "format/cloop/cloop.h"

#define AS(id) ((uint64_t)(id) << CLOOP_ENTRY_SHIFT)

enum { BLOCK = 4096, BLOCKS = 5, DATA = CLOOP_HDR_LEN + 6 * 8 };

static struct cloop_header header(enum cloop_version version)
{
	return (struct cloop_header){
		.version = version, .block_size = BLOCK, .n_blocks = BLOCKS,
		.index_off = CLOOP_HDR_LEN,
	};
}

Test(cloop_entry, numbers_are_as_wide_as_the_version_has_them)
{
	static const uint8_t raw[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct cloop_header hdr = header(CLOOP_V0);

	cr_assert_eq(cloop_entry_decode(&hdr, raw), 0x01020304);
	hdr.version = CLOOP_V2;
	cr_assert_eq(cloop_entry_decode(&hdr, raw), UINT64_C(0x0102030405060708));
	hdr.version = CLOOP_V1;
	hdr.little = true;
	cr_assert_eq(cloop_entry_decode(&hdr, raw), UINT64_C(0x0807060504030201));
}

Test(cloop_entry, places_follow_from_two_entries)
{
	static const struct {
		uint32_t i;
		uint64_t entry, next;
		const struct img_finding_kind *bad;
	} rows[] = {
		{ 0, DATA, DATA + 1, NULL },
		{ 0, DATA, DATA + 2 * BLOCK + 512, NULL },
		{ 0, DATA, DATA + 2 * BLOCK + 513, &cloop_found_index_size },
		{ 0, DATA, DATA, &cloop_found_index_size },
		{ 0, DATA, DATA - 1, &cloop_found_index_order },
		{ 0, DATA - 1, DATA, &cloop_found_index_inside },
		{ 0, 0, DATA, &cloop_found_index_inside },
		{ 0, DATA, AS(15) | (DATA + 9), NULL },
		{ 0, AS(CLOOP_LZO) | DATA, DATA + 9, NULL },
		{ 0, AS(5) | DATA, DATA + 9, &cloop_found_index_compressor },
		{ 0, AS(15) | DATA, DATA + 9, &cloop_found_index_compressor },
		{ 0, AS(CLOOP_NONE) | DATA, DATA + BLOCK, NULL },
		{ 0, AS(CLOOP_NONE) | DATA, DATA + BLOCK - 1, &cloop_found_index_size },
		{ 4, AS(CLOOP_NONE) | DATA, DATA + BLOCK - 1, NULL },
		{ 4, AS(CLOOP_NONE) | DATA, DATA + BLOCK + 1, &cloop_found_index_size },
		{ 4, AS(CLOOP_NONE) | DATA, DATA, &cloop_found_index_size },
	};
	const struct cloop_header hdr = header(CLOOP_V4);

	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		const struct cloop_place place = cloop_place_of(&hdr, rows[k].i, rows[k].entry,
								rows[k].next);

		cr_assert_eq(place.bad, rows[k].bad, "row %zu: %s", k,
			     place.bad ? place.bad->id : "fine");
		cr_assert_eq(place.host, rows[k].entry & CLOOP_ENTRY_HOST);
		if (!place.bad)
			cr_assert_eq(place.host + place.len, rows[k].next & CLOOP_ENTRY_HOST);
	}
}

Test(cloop_entry, older_versions_have_no_compressors)
{
	const struct cloop_header hdr = header(CLOOP_V2);
	const struct cloop_place place = cloop_place_of(&hdr, 0, AS(2) | DATA, AS(2) | (DATA + 9));

	cr_assert_eq(place.compressor, CLOOP_ZLIB);
	cr_assert_eq(place.host, AS(2) | DATA);
	cr_assert_null(place.bad);
	cr_assert_eq(cloop_place_of(&hdr, 0, UINT64_MAX - 1, UINT64_MAX).bad, NULL);
}

Test(cloop_entry, in_front_of_a_header_that_is_last_blocks_begin_anywhere)
{
	struct cloop_header hdr = header(CLOOP_V4);

	hdr.at_end = true;
	hdr.index_off = 1000;
	cr_assert_null(cloop_place_of(&hdr, 0, 0, 9).bad);
	cr_assert_eq(cloop_data_end(&hdr, 5000), 1000);
	cr_assert_eq(cloop_data_end(&hdr, 500), 500);
	hdr.at_end = false;
	cr_assert_eq(cloop_data_end(&hdr, 5000), 5000);
}
