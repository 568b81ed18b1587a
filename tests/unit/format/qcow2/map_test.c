/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guest offset to extent, on images made by hand; many of them damaged. */
#include "sample.h"

/* 512-byte clusters: an L2 table is for 32 KiB. */
enum { C = 512, L2_SPAN = 64 * C, TABLE = 4 * C, DATA = 16 * C };

static void start(struct sample *s)
{
	sample_start(s, sample_header(9, 4 * L2_SPAN));
	sample_put_l1(s, 1, TABLE);
}

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

Test(map, holes_go_over_tables_that_are_not_there)
{
	struct sample s;

	start(&s);
	sample_open(&s, SAMPLE_BYTES);
	check(&s, 0, L2_SPAN, IMG_EXTENT_HOLE);
	check(&s, L2_SPAN, L2_SPAN, IMG_EXTENT_HOLE);
	check(&s, 2 * L2_SPAN + 1, 2 * L2_SPAN - 1, IMG_EXTENT_HOLE);
	sample_end(&s);
}

Test(map, neighbours_are_one_extent)
{
	struct sample s;

	start(&s);
	sample_put_l2(&s, TABLE, 0, DATA);
	sample_put_l2(&s, TABLE, 1, (DATA + C) | QCOW2_ENTRY_COPIED);
	sample_put_l2(&s, TABLE, 2, DATA + 5 * C);
	sample_put_l2(&s, TABLE, 3, QCOW2_ENTRY_ZERO);
	sample_put_l2(&s, TABLE, 4, QCOW2_ENTRY_ZERO | (DATA + 6 * C));
	sample_open(&s, SAMPLE_BYTES);
	check(&s, L2_SPAN + 7, 2 * C - 7, IMG_EXTENT_DATA);
	cr_assert_eq(sample_extent(&s, L2_SPAN + 7).host, DATA + 7);
	check(&s, L2_SPAN + 2 * C, C, IMG_EXTENT_DATA);
	check(&s, L2_SPAN + 3 * C, C, IMG_EXTENT_ZERO);
	check(&s, L2_SPAN + 4 * C, C, IMG_EXTENT_ZERO);
	cr_assert_null(sample_extent(&s, L2_SPAN + 3 * C).store);
	cr_assert_eq(sample_extent(&s, L2_SPAN + 4 * C).host, DATA + 6 * C);
	cr_assert_not(sample_extent(&s, L2_SPAN + 4 * C).zero_in_store);
	check(&s, L2_SPAN + 5 * C, 59 * C, IMG_EXTENT_HOLE);
	sample_end(&s);
}

Test(map, broken_entries_lose_no_more_than_themselves)
{
	struct sample s;

	start(&s);
	sample_put_l1(&s, 2, TABLE | 1);
	sample_put_l2(&s, TABLE, 0, DATA | 2);
	sample_put_l2(&s, TABLE, 1, DATA);
	sample_open(&s, SAMPLE_BYTES);
	check_lost(&s, L2_SPAN, C, IMG_E_CORRUPT);
	check(&s, L2_SPAN + C, C, IMG_EXTENT_DATA);
	check_lost(&s, 2 * L2_SPAN, L2_SPAN, IMG_E_CORRUPT);
	check(&s, 3 * L2_SPAN, L2_SPAN, IMG_EXTENT_HOLE);
	sample_end(&s);
}

Test(map, data_behind_the_end_is_lost_to_the_byte)
{
	struct sample s;

	start(&s);
	for (size_t i = 0; i < 4; i++)
		sample_put_l2(&s, TABLE, i, DATA + i * C);
	sample_open(&s, DATA + C + 100);
	check(&s, L2_SPAN, C + 100, IMG_EXTENT_DATA);
	check_lost(&s, L2_SPAN + C + 100, 3 * C - 100, IMG_E_INCOMPLETE);
	check(&s, L2_SPAN + 4 * C, 60 * C, IMG_EXTENT_HOLE);
	sample_end(&s);
}

Test(map, the_end_of_the_disk_explains_a_short_cluster)
{
	struct sample s;

	sample_start(&s, sample_header(9, C + 100));
	sample_put_l1(&s, 0, TABLE);
	sample_put_l2(&s, TABLE, 0, DATA);
	sample_put_l2(&s, TABLE, 1, DATA + C);
	sample_open(&s, DATA + C + 100);
	check(&s, 0, C + 100, IMG_EXTENT_DATA);
	sample_end(&s);
}

Test(map, tables_behind_the_end)
{
	struct sample s;

	start(&s);
	sample_put_l1(&s, 2, 8 * C);
	sample_put_l2(&s, TABLE, 0, QCOW2_ENTRY_ZERO);
	/* Two entries of the first table are left, and part of a third. */
	sample_open(&s, TABLE + 20);
	check(&s, L2_SPAN, C, IMG_EXTENT_ZERO);
	check(&s, L2_SPAN + C, C, IMG_EXTENT_HOLE);
	check_lost(&s, L2_SPAN + 2 * C, 62 * C, IMG_E_INCOMPLETE);
	check_lost(&s, 2 * L2_SPAN, L2_SPAN, IMG_E_INCOMPLETE);
	sample_end(&s);
}

Test(map, an_l1_table_that_is_cut)
{
	struct sample s;

	start(&s);
	sample_open(&s, C + 12);
	check(&s, 0, L2_SPAN, IMG_EXTENT_HOLE);
	check_lost(&s, L2_SPAN, 3 * L2_SPAN, IMG_E_INCOMPLETE);
	sample_end(&s);
}

Test(map, subclusters)
{
	enum { K = 16384, SUB = K / 32 };
	struct qcow2_header hdr = sample_header(14, 4 * K);
	struct sample s;

	hdr.incompatible = QCOW2_INCOMPATIBLE_EXTENDED_L2;
	sample_start(&s, hdr);
	sample_put_l1(&s, 0, 4 * K);
	sample_put_l2(&s, 4 * K, 0, 5 * K);
	img_put_be64(s.bytes + 4 * K + 8, UINT64_C(0x0000000c80000001));
	sample_put_l2(&s, 4 * K, 1, 6 * K);
	img_put_be64(s.bytes + 4 * K + 24, UINT32_MAX);
	sample_open(&s, SAMPLE_BYTES);
	check(&s, 0, SUB, IMG_EXTENT_DATA);
	check(&s, SUB, SUB, IMG_EXTENT_HOLE);
	check(&s, 2 * SUB, 2 * SUB, IMG_EXTENT_ZERO);
	cr_assert_eq(sample_extent(&s, 2 * SUB).host, 5 * K + 2 * SUB);
	check(&s, 4 * SUB + 1, 27 * SUB - 1, IMG_EXTENT_HOLE);
	/* The last subcluster goes on in the next cluster, which follows in the file. */
	check(&s, 31 * SUB, SUB + K, IMG_EXTENT_DATA);
	check(&s, 2 * K, 2 * K, IMG_EXTENT_HOLE);
	sample_end(&s);
}

Test(map, encrypted_data_is_for_the_driver)
{
	struct qcow2_header hdr = sample_header(9, L2_SPAN);
	struct img_err err = { 0 };
	uint8_t byte;
	struct sample s;

	hdr.crypt = QCOW2_CRYPT_AES;
	sample_start(&s, hdr);
	sample_put_l1(&s, 0, TABLE);
	sample_put_l2(&s, TABLE, 0, DATA);
	sample_open_with(&s, SAMPLE_BYTES, IMG_OPEN_NO_KEY);
	check(&s, 0, C, IMG_EXTENT_ENCODED);
	cr_assert(sample_extent(&s, 0).encrypted);
	cr_assert_not(img_format_qcow2.read(&s.ly, 0, &byte, 1, &err));
	cr_assert_eq(err.code, IMG_E_KEY);
	sample_end(&s);
}
