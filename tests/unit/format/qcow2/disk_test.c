/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An image that is written in place: what a flush costs, and where space comes from and goes to.
 * tests/disk has the rest: power cuts, faults, threads.
 */
#include <inttypes.h>
#include "disk_sample.h"

/* ---- What it costs --------------------------------------------------------------------------- */

Test(qcow2_disk, a_flush_writes_what_changed_in_the_tables_and_no_more)
{
	struct sample s;

	start(&s, sample_header(12, DISK));
	open_disk(&s, FREE);
	must_write(&s, 0, 512);
	const uint64_t before = traffic(&s).writes;

	must_write(&s, 10 * C, 512);
	must_write(&s, 11 * C, 512);
	cr_assert_eq(traffic(&s).writes, before + 2, "tables wait for the flush");
	must_flush(&s);
	cr_assert_eq(traffic(&s).writes, before + 4, "one piece of L2 and one of L1");
	must_write(&s, 12 * C, 2 * C);
	must_flush(&s);
	cr_assert_eq(traffic(&s).writes, before + 6, "the data, and one piece of L2");
	sample_end(&s);
}

Test(qcow2_disk, neighbours_are_written_at_once)
{
	struct sample s;

	start(&s, sample_header(12, DISK));
	open_disk(&s, FREE);
	must_write(&s, 0, 512);
	const uint64_t before = traffic(&s).writes;

	must_write(&s, 20 * C, 3 * C);
	cr_assert_eq(traffic(&s).writes, before + 1);
	must_write(&s, 20 * C + 512, 2 * C);
	cr_assert_eq(traffic(&s).writes, before + 2);
	sample_end(&s);
}

Test(qcow2_disk, neighbours_become_neighbours_in_whatever_order_they_come)
{
	struct sample s;

	start(&s, sample_header(12, 4096 * C));
	open_disk(&s, FREE);
	for (uint64_t i = 0; i < 16; i++) {
		must_write(&s, (100 + i * 7 % 16) * C, C);
		must_write(&s, (300 + i) * C, C);
	}
	const struct img_extent ex = sample_extent(&s, 100 * C);

	cr_assert_eq(ex.len, 16 * C);
	sample_end(&s);
}

Test(qcow2_disk, over_old_and_new_clusters_goes_one_write)
{
	struct sample s;

	start(&s, sample_header(12, 4096 * C));
	open_disk(&s, FREE);
	must_write(&s, 100 * C, 2 * C);
	const uint64_t before = traffic(&s).writes;

	must_write(&s, 101 * C, 4 * C);
	cr_assert_eq(traffic(&s).writes, before + 1);
	cr_assert_eq(sample_extent(&s, 100 * C).len, 5 * C);
	sample_end(&s);
}

/* ---- Space ----------------------------------------------------------------------------------- */

/* A batch goes to data as a whole, and for the L2 table there is no more space. */
Test(qcow2_disk, clusters_of_a_write_that_failed_are_free_again)
{
	struct img_err err = { 0 };
	struct sample s;

	start(&s, sample_header(12, DISK));
	cr_assert(try_open_failing(&s, FREE, "resize:2=ENOSPC,resize:3=ENOSPC", &err), "%s",
		  err.text);
	cr_assert_not(write_at(&s, 0, 8 * C, &err));
	cr_assert_eq(err.code, IMG_E_NOSPACE);
	must_finish(&s);
	for (uint64_t c = 4; c < 12; c++)
		cr_assert_eq(count_of(&s, c), 0, "cluster %" PRIu64, c);
	sample_end(&s);
}

Test(qcow2_disk, the_end_gives_back_what_was_not_used)
{
	struct sample s;

	start(&s, sample_header(12, DISK));
	open_disk(&s, FREE);
	must_write(&s, 0, 2 * C);
	cr_assert_gt(file_size(&s), FREE + 3 * C);
	must_finish(&s);
	cr_assert_eq(file_size(&s), FREE + 3 * C, "two clusters and an L2 table");
	cr_assert_eq(count_of(&s, 6), 1);
	cr_assert_eq(count_of(&s, 7), 0);
	sample_end(&s);
}

Test(qcow2_disk, what_is_discarded_is_free_behind_the_flush)
{
	struct img_err err = { 0 };
	struct sample s;

	start(&s, sample_header(12, DISK));
	open_disk(&s, FREE);
	must_write(&s, 0, 4 * C);
	cr_assert_not(must_flush(&s));
	const struct img_extent ex = sample_extent(&s, 0);

	cr_assert(img_format_qcow2.disk->discard(&s.ly, 0, 4 * C, &err), "%s", err.text);
	cr_assert_eq(sample_extent(&s, 0).kind, IMG_EXTENT_HOLE);
	cr_assert_eq(count_of(&s, ex.host / C), 1, "the tables on the disk refer to it");
	cr_assert(must_flush(&s));
	must_flush(&s);
	cr_assert_eq(count_of(&s, ex.host / C), 0);
	sample_end(&s);
}

Test(qcow2_disk, free_clusters_inside_the_file_are_used_and_are_zero)
{
	struct sample s;
	uint8_t raw[C];

	start(&s, sample_header(12, DISK));
	memset(s.bytes + FREE, 'x', 20 * C);
	open_disk(&s, FREE + 20 * C);
	must_write(&s, C, 512);
	const struct img_extent ex = sample_extent(&s, C);

	cr_assert_lt(ex.host, FREE + 20 * C);
	cr_assert(img_store_read(s.ly.store, ex.host, raw, C, NULL));
	cr_assert_eq(raw[0], 'w');
	for (size_t i = 512; i < C; i++)
		cr_assert_eq(raw[i], 0);
	sample_end(&s);
}

/* Clusters inside the file, and those that the file grew by, are free after the failure. */
Test(qcow2_disk, clusters_that_could_not_be_made_ready_do_not_leak)
{
	for (uint64_t inside = 0; inside < 20; inside += 4) {
		struct img_err err = { 0 };
		struct sample s;

		start(&s, sample_header(12, DISK));
		cr_assert(try_open_failing(&s, FREE + inside * C, inside ? "zero:1" : "write:1", &err),
			  "%s", err.text);
		cr_assert_not(write_at(&s, 0, C, &err));
		must_write(&s, 0, C);
		must_finish(&s);
		for (uint64_t c = 6; c < 60; c++)
			cr_assert_eq(count_of(&s, c), 0, "%" PRIu64 " with %" PRIu64, c, inside);
		sample_end(&s);
	}
}
