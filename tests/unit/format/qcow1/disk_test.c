/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing in place: what lies below, what was packed, what is damaged, and what a flush writes. */
#include <string.h>
#include "../in_place.h"
#include "sample.h"

/* Cluster 1 of the disk is cluster 3 of the file, and full of '1'. */
static void start(struct sample *s, bool child)
{
	sample_start(s);
	sample_put(s, 1, 3 * C);
	sample_fill(s, 3, '1');
	sample_open(s, IMG_OPEN_WRITE);
	s->ly.below = child ? &in_place_below : NULL;
}

Test(qcow1_disk, a_new_cluster_keeps_what_lies_below_around_it)
{
	struct sample s;

	start(&s, true);
	in_place_write(&s.ly, 2 * C + 100, 2 * C, 'a');
	cr_assert_eq(in_place_seen(&s.ly, 2 * C + 99), '#');
	cr_assert_eq(in_place_seen(&s.ly, 2 * C + 100), 'a');
	cr_assert_eq(in_place_seen(&s.ly, 4 * C + 99), 'a');
	cr_assert_eq(in_place_seen(&s.ly, 4 * C + 100), '#');
	cr_assert_eq(in_place_seen(&s.ly, 5 * C), '.');
	in_place_write(&s.ly, C + 10, 1, 'b');
	cr_assert_eq(in_place_seen(&s.ly, C + 9), '1');
	cr_assert_eq(in_place_seen(&s.ly, C + 10), 'b');
	sample_end(&s);
}

Test(qcow1_disk, zeros_hide_what_lies_below_and_take_no_space)
{
	struct sample s;
	uint64_t before, after;

	start(&s, true);
	in_place_zero(&s.ly, 64 * C, 64 * C);
	cr_assert(img_store_size(s.ly.store, &before, NULL));
	in_place_zero(&s.ly, 2 * C, 60 * C);
	cr_assert(img_store_size(s.ly.store, &after, NULL));
	cr_assert_eq(before, after);
	cr_assert_eq(in_place_seen(&s.ly, 64 * C), '0');
	cr_assert_eq(sample_extent(&s, 127 * C).kind, IMG_EXTENT_ENCODED);
	/* What was zeros shows nothing of what is below again. */
	in_place_write(&s.ly, 5 * C + 10, 1, 'a');
	cr_assert_eq(in_place_seen(&s.ly, 5 * C), '0');
	cr_assert_eq(in_place_seen(&s.ly, 6 * C), '0');
	in_place_zero(&s.ly, 63 * C + 10, 10);
	cr_assert_eq(in_place_seen(&s.ly, 63 * C), '#');
	cr_assert_eq(in_place_seen(&s.ly, 63 * C + 10), '0');
	sample_end(&s);
}

Test(qcow1_disk, zeros_over_nothing_stay_nothing)
{
	struct sample s;

	start(&s, false);
	in_place_zero(&s.ly, 0, s.ly.size);
	cr_assert_eq(in_place_seen(&s.ly, 0), '.');
	cr_assert_eq(in_place_seen(&s.ly, C), '0');
	in_place_flush(&s.ly);
	cr_assert_eq(sample_number(&s, C), 0);
	cr_assert_eq(sample_number(&s, C + 8), 3 * C);
	sample_end(&s);
}

Test(qcow1_disk, packed_clusters_are_unpacked_when_they_are_written)
{
	struct sample s;
	uint8_t *packed;
	size_t len;

	sample_start(&s);
	cr_assert(qcow1_pack_zeros(&s.hdr, &packed, &len, NULL));
	sample_fill(&s, 3, 0);
	memcpy(s.bytes + 3 * C, packed, len);
	sample_put(&s, 0, qcow1_entry_packed(&s.hdr, 3 * C, (uint32_t)len));
	sample_put(&s, 1, qcow1_entry_packed(&s.hdr, 3 * C, (uint32_t)len));
	sample_open(&s, IMG_OPEN_WRITE);
	in_place_write(&s.ly, 5, 1, 'a');
	cr_assert_eq(in_place_seen(&s.ly, 4), '0');
	cr_assert_eq(in_place_seen(&s.ly, 5), 'a');
	cr_assert_eq(sample_extent(&s, 0).host, 4 * C);
	cr_assert_eq(sample_extent(&s, C).kind, IMG_EXTENT_ENCODED);
	free(packed);
	sample_end(&s);
}

Test(qcow1_disk, a_new_table_is_named_by_the_flush)
{
	struct sample s;

	sample_start(&s);
	sample_put_l1(&s, 1, 0);
	sample_open(&s, IMG_OPEN_WRITE);
	in_place_write(&s.ly, 70 * C, C, 'a');
	cr_assert_eq(sample_number(&s, SAMPLE_L1 + 8), 0);
	in_place_flush(&s.ly);
	const uint64_t table = sample_number(&s, SAMPLE_L1 + 8);
	cr_assert_eq(table, 2 * C);
	cr_assert_eq(sample_number(&s, table + 6 * 8), 3 * C);
	sample_end(&s);
}

Test(qcow1_disk, a_cluster_gets_its_place_once)
{
	struct sample s;

	start(&s, false);
	in_place_meet(&s.ly, 10 * C);
	sample_end(&s);
}

static void refuse(uint32_t index, uint64_t entry, size_t len, enum img_code code)
{
	struct img_err err = { 0 };
	struct sample s;

	sample_start(&s);
	sample_fill(&s, 4, 'x');
	sample_put(&s, 0, 3 * C);
	sample_put(&s, index, entry);
	s.len = len;
	cr_assert_not(sample_open_as(&s, IMG_OPEN_WRITE, &err));
	cr_assert_eq(err.code, code, "%s", err.text);
	img_store_close(s.ly.store);
}

Test(qcow1_disk, what_is_damaged_is_not_written)
{
	refuse(1, 3 * C, 5 * C, IMG_E_CORRUPT);
	refuse(1, 2 * C, 5 * C, IMG_E_CORRUPT);
	refuse(1, 4 * C + 8, 5 * C, IMG_E_CORRUPT);
	refuse(1, 5 * C, 5 * C, IMG_E_INCOMPLETE);
	refuse(1, 4 * C, 5 * C - 1, IMG_E_INCOMPLETE);
	refuse(1, 0, SAMPLE_L1 + 12, IMG_E_INCOMPLETE);
}
