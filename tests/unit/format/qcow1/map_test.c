/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tables say about each byte of the disk, damaged or not. */
#include "sample.h"

static void expect(struct sample *s, uint32_t cluster, uint64_t len, enum img_extent_kind kind,
		   const struct img_finding_kind *why)
{
	const struct img_extent ex = sample_extent(s, (uint64_t)cluster * C);

	cr_assert_eq(ex.kind, kind, "cluster %u", cluster);
	cr_assert_eq(ex.len, len, "cluster %u: %lu", cluster, (unsigned long)ex.len);
	cr_assert(!why || ex.why == why->text, "cluster %u: %s", cluster, ex.why);
}

Test(qcow1_map, neighbours_are_joined)
{
	struct sample s;

	sample_start(&s);
	for (uint32_t i = 0; i < 3; i++) {
		sample_put(&s, i, (3 + i) * C);
		sample_fill(&s, 3 + i, 'a');
	}
	sample_put(&s, 3, 7 * C);
	sample_fill(&s, 7, 'b');
	sample_open(&s, 0);
	expect(&s, 0, 3 * C, IMG_EXTENT_DATA, NULL);
	expect(&s, 3, C, IMG_EXTENT_DATA, NULL);
	expect(&s, 4, 60 * C, IMG_EXTENT_HOLE, NULL);
	cr_assert_eq(sample_extent(&s, C + 10).host, 4 * C + 10);
	sample_end(&s);
}

Test(qcow1_map, holes_go_over_tables_that_are_not_there)
{
	struct sample s;

	sample_start(&s);
	sample_put_l1(&s, 0, 0);
	sample_put_l1(&s, 1, 0);
	sample_open(&s, 0);
	expect(&s, 1, 127 * C, IMG_EXTENT_HOLE, NULL);
	sample_end(&s);
}

Test(qcow1_map, damage_is_lost)
{
	struct sample s;

	sample_start(&s);
	sample_fill(&s, 4, 'a');
	sample_put(&s, 0, 3 * C + 8);
	sample_put(&s, 1, 5 * C);
	sample_put(&s, 2, QCOW1_FLAG_COMPRESSED | 3 * C);
	sample_put(&s, 3, qcow1_entry_packed(&s.hdr, 5 * C - 10, 11));
	sample_put(&s, 4, qcow1_entry_packed(&s.hdr, 5 * C - 10, 10));
	sample_put(&s, 5, 4 * C);
	s.len = 5 * C - 1;
	sample_put(&s, 6, 4 * C);
	sample_put_l1(&s, 1, 2 * C + 8);
	sample_open(&s, 0);
	expect(&s, 0, C, IMG_EXTENT_LOST, &qcow1_found_l2_unaligned);
	expect(&s, 1, C, IMG_EXTENT_LOST, &qcow1_found_l2_outside);
	expect(&s, 2, C, IMG_EXTENT_LOST, &qcow1_found_l2_empty);
	expect(&s, 3, 2 * C, IMG_EXTENT_LOST, &qcow1_found_l2_outside);
	/* The last byte of the file is what is missing. */
	expect(&s, 5, C - 1, IMG_EXTENT_DATA, NULL);
	expect(&s, 64, 64 * C, IMG_EXTENT_LOST, &qcow1_found_l1_unaligned);
	sample_end(&s);
}

Test(qcow1_map, cut_tables_are_lost)
{
	struct sample s;

	sample_start(&s);
	s.len = 3 * C - 1;
	sample_open(&s, 0);
	expect(&s, 0, 64 * C, IMG_EXTENT_HOLE, NULL);
	expect(&s, 64, 64 * C, IMG_EXTENT_LOST, &qcow1_found_l1_outside);
	sample_end(&s);
	s.len = SAMPLE_L1 + 15;
	sample_open(&s, 0);
	expect(&s, 0, 64 * C, IMG_EXTENT_LOST, &qcow1_found_l1_outside);
	expect(&s, 64, 64 * C, IMG_EXTENT_LOST, &qcow1_found_l1_cut);
	sample_end(&s);
}
