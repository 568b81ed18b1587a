/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images that contradict themselves, and are written in place: what stops the writing, what damage
 * does not grow, and what is not opened at all.
 */
#include "disk_sample.h"

/* ---- Contradictions -------------------------------------------------------------------------- */

/* A write meets a contradiction: the header says so, and it was the last write. */
static void expect_contradiction(struct sample *s, size_t len, uint64_t at)
{
	struct img_err err = { 0 };
	bool freed;

	open_disk(s, len);
	cr_assert_not(write_at(s, at, 512, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT, "%s", err.text);
	cr_assert(be64_at(s, QCOW2_HDR_INCOMPATIBLE) & QCOW2_INCOMPATIBLE_CORRUPT);
	const uint64_t writes = traffic(s).writes;

	cr_assert_not(write_at(s, 30 * C, 512, &err));
	cr_assert_not(img_format_qcow2.disk->flush(&s->ly, &freed, &err));
	cr_assert_not(img_format_qcow2.disk->finish(&s->ly, &err));
	cr_assert_eq(traffic(s).writes, writes);
	sample_end(s);
}

Test(qcow2_disk_damage, data_over_a_table_are_not_written)
{
	const uint64_t targets[] = { C, 2 * C, BLOCK, FREE };

	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		struct sample s;

		start(&s, sample_header(12, DISK));
		sample_put_l1(&s, 0, qcow2_l1_encode(FREE, true));
		put_count(&s, 4, 1);
		sample_put_l2(&s, FREE, 5, targets[i] | QCOW2_ENTRY_COPIED);
		expect_contradiction(&s, FREE + C, 5 * C);
	}
}

Test(qcow2_disk_damage, a_table_that_counts_as_free_is_not_given_out)
{
	struct sample s;

	start(&s, sample_header(12, DISK));
	sample_put_l1(&s, 0, qcow2_l1_encode(FREE, true));
	expect_contradiction(&s, FREE + C, 5 * C);
}

Test(qcow2_disk_damage, entries_that_break_the_specification_stop_the_writing)
{
	struct img_err err = { 0 };
	struct sample s;

	start(&s, sample_header(12, DISK));
	sample_put_l1(&s, 0, qcow2_l1_encode(FREE, true));
	put_count(&s, 4, 1);
	sample_put_l2(&s, FREE, 5, UINT64_C(1) << 60);
	expect_contradiction(&s, FREE + C, 5 * C);

	start(&s, sample_header(12, DISK));
	sample_put_l1(&s, 0, FREE + 512);
	expect_contradiction(&s, FREE + C, 5 * C);

	start(&s, sample_header(12, DISK));
	/* All counts are looked at when the image is opened. */
	img_put_be64(s.bytes + s.hdr.reftable_off, BLOCK + 512);
	cr_assert_not(try_open(&s, FREE, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT, "%s", err.text);
	img_store_close(s.ly.store);
	free(s.bytes);
}

Test(qcow2_disk_damage, a_count_does_not_fall_below_zero)
{
	struct img_err err = { 0 };
	struct sample s;
	bool freed;

	start(&s, sample_header(12, DISK));
	sample_put_l1(&s, 0, qcow2_l1_encode(FREE, true));
	put_count(&s, 4, 1);
	sample_put_l2(&s, FREE, 5, (FREE + C) | QCOW2_ENTRY_COPIED);
	open_disk(&s, FREE + 2 * C);
	cr_assert(img_format_qcow2.disk->discard(&s.ly, 5 * C, C, &err), "%s", err.text);
	cr_assert(img_format_qcow2.disk->flush(&s.ly, &freed, &err), "%s", err.text);
	cr_assert_not(img_format_qcow2.disk->reclaim(&s.ly, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT, "%s", err.text);
	sample_end(&s);
}

/* ---- Damage that must not grow --------------------------------------------------------------- */

/* An entry that is given up leads to a table, or to the header: what lies there stays. */
Test(qcow2_disk_damage, tables_that_an_entry_refers_to_are_not_given_up)
{
	const uint64_t compressed = QCOW2_ENTRY_COMPRESSED | 512;
	const uint64_t targets[] = { C, 2 * C, BLOCK, FREE, compressed };

	for (size_t i = 0; i < 2 * sizeof(targets) / sizeof(*targets); i++) {
		struct img_err err = { 0 };
		struct sample s;

		start(&s, sample_header(12, DISK));
		sample_put_l1(&s, 0, qcow2_l1_encode(FREE, true));
		put_count(&s, 4, 1);
		sample_put_l2(&s, FREE, 5, targets[i / 2]);
		open_disk(&s, FREE + C);
		cr_assert_not(i % 2 ? write_at(&s, 5 * C, C, &err)
				    : img_format_qcow2.disk->discard(&s.ly, 5 * C, C, &err));
		cr_assert_eq(err.code, IMG_E_CORRUPT, "%s", err.text);
		sample_end(&s);
	}
}

/* A snapshot has the table too, so none of its clusters is ours alone, whatever the entries say. */
Test(qcow2_disk_damage, a_copied_table_does_not_believe_its_flags)
{
	struct sample s;

	start(&s, sample_header(12, DISK));
	sample_put_l1(&s, 0, qcow2_l1_encode(FREE, false));
	put_count(&s, 4, 2);
	for (uint64_t i = 0; i < 2; i++) {
		put_count(&s, 5 + i, 2);
		sample_put_l2(&s, FREE, i, (FREE + C + i * C) | QCOW2_ENTRY_COPIED);
	}
	open_disk(&s, FREE + 3 * C);
	must_write(&s, 0, 512);
	must_write(&s, C, 512);
	cr_assert_eq(be64_at(&s, FREE + 2 * C), 0, "what the snapshot has");
	sample_end(&s);
}

/* Its number times the size of a cluster is more than 64 bits: the file was cut to nothing. */
Test(qcow2_disk_damage, no_cluster_is_counted_behind_the_end_of_all_files)
{
	struct qcow2_header hdr = sample_header(21, DISK);
	const uint64_t cluster = UINT64_C(1) << 21, index = (UINT64_C(1) << 19) - 1;
	struct img_err err = { 0 };
	struct sample s;

	hdr.refcount_order = 0;
	hdr.reftable_clusters = 2;
	s = (struct sample){ .hdr = hdr, .bytes = calloc(6, cluster) };
	qcow2_geometry_init(&s.geo, &hdr);
	cr_assert(qcow2_header_encode(&hdr, s.bytes, cluster, &err), "%s", err.text);
	img_put_be64(s.bytes + hdr.reftable_off, 4 * cluster);
	img_put_be64(s.bytes + hdr.reftable_off + index * 8, 5 * cluster);
	s.bytes[4 * cluster] = 0x3f;
	s.bytes[6 * cluster - 1] = 0x80;
	cr_assert_not(try_open(&s, 6 * cluster, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT, "%s", err.text);
	img_store_close(s.ly.store);
	free(s.bytes);
}

Test(qcow2_disk_damage, free_clusters_behind_the_end_of_the_file_can_be_used)
{
	for (size_t more = 0; more < 3; more++) {
		struct sample s;

		start(&s, sample_header(12, DISK));
		put_count(&s, 30, 1);
		open_disk(&s, FREE + more * 600);
		must_write(&s, 0, 4 * C);
		must_write(&s, 20 * C, 4 * C);
		cr_assert_eq(sample_extent(&s, 0).kind, IMG_EXTENT_DATA);
		cr_assert_geq(file_size(&s), sample_extent(&s, 23 * C).host + C);
		must_finish(&s);
		sample_end(&s);
	}
}

Test(qcow2_disk_damage, a_neighbour_that_is_lost_is_no_obstacle)
{
	struct sample s;

	start(&s, sample_header(12, 4096 * C));
	sample_put_l1(&s, 0, qcow2_l1_encode(FREE, true));
	put_count(&s, 4, 1);
	sample_put_l2(&s, FREE, 4, (UINT64_C(1) << 30) | QCOW2_ENTRY_COPIED);
	open_disk(&s, FREE + C);
	must_write(&s, 5 * C, C);
	sample_end(&s);
}

Test(qcow2_disk_damage, the_file_is_not_cut_through_a_table)
{
	struct img_err err = { 0 };
	struct sample s;

	start(&s, sample_header(12, DISK));
	sample_put_l1(&s, 0, qcow2_l1_encode(40 * C, true));
	open_disk(&s, 41 * C);
	must_write(&s, 0, C);
	must_flush(&s);
	cr_assert_not(img_format_qcow2.disk->finish(&s.ly, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT, "%s", err.text);
	cr_assert_eq(file_size(&s), 41 * C);
	sample_end(&s);
}

Test(qcow2_disk_damage, tables_that_lie_over_each_other_are_refused)
{
	const uint64_t targets[] = { C, 2 * C, BLOCK, FREE };

	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		struct qcow2_header hdr = sample_header(12, 4096 * C);
		struct img_err err = { 0 };
		struct sample s;

		start(&s, hdr);
		sample_put_l1(&s, 0, qcow2_l1_encode(FREE, true));
		sample_put_l1(&s, 1, qcow2_l1_encode(targets[i], true));
		put_count(&s, 4, 1);
		cr_assert_not(try_open(&s, FREE + C, &err));
		cr_assert_eq(err.code, IMG_E_CORRUPT, "%s", err.text);
		img_store_close(s.ly.store);
		free(s.bytes);
	}
	struct qcow2_header hdr = sample_header(12, DISK);
	struct img_err err = { 0 };
	struct sample s;

	hdr.l1_off = hdr.reftable_off;
	start(&s, hdr);
	cr_assert_not(try_open(&s, FREE, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT, "%s", err.text);
	img_store_close(s.ly.store);
	free(s.bytes);
}

/* The file grows over what an L1 entry refers to: that would make a table of guest bytes. */
Test(qcow2_disk_damage, a_table_of_two_entries_that_is_not_ours_alone_is_copied)
{
	const uint64_t second = UINT64_C(512) * C;
	struct sample s;

	start(&s, sample_header(12, 2 * second));
	sample_put_l1(&s, 0, qcow2_l1_encode(FREE, false));
	sample_put_l1(&s, 1, qcow2_l1_encode(FREE, false));
	put_count(&s, 4, 2);
	put_count(&s, 5, 2);
	sample_put_l2(&s, FREE, 7, FREE + C);
	open_disk(&s, FREE + 2 * C);
	must_write(&s, 7 * C, 512);
	must_finish(&s);
	cr_assert_neq(sample_extent(&s, 7 * C).host, FREE + C);
	cr_assert_eq(sample_extent(&s, second + 7 * C).host, FREE + C);
	cr_assert_eq(count_of(&s, 4), 1);
	cr_assert_eq(count_of(&s, 5), 1);
	sample_end(&s);
}

Test(qcow2_disk_damage, tables_behind_the_end_of_the_file_are_not_given_out)
{
	struct img_err err = { 0 };
	struct sample s;

	start(&s, sample_header(12, 4096 * C));
	sample_put_l1(&s, 1, qcow2_l1_encode(6 * C, true));
	open_disk(&s, FREE);
	cr_assert_not(write_at(&s, 0, C, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT, "%s", err.text);
	sample_end(&s);
}

/* The table of a bitmap that is removed leads to the tables of the image. */
Test(qcow2_disk_damage, tables_are_not_given_up_with_a_bitmap)
{
	struct qcow2_header hdr = sample_header(12, DISK);
	const uint64_t l1_entry = qcow2_l1_encode(FREE + 2 * C, true);
	struct img_err err = { 0 };
	struct sample s;

	hdr.n_bitmaps = 1;
	hdr.bitmap_dir_off = FREE;
	hdr.bitmap_dir_len = 32;
	hdr.autoclear = QCOW2_AUTOCLEAR_BITMAPS;
	start(&s, hdr);
	img_put_be64(s.bytes + FREE + QCOW2_BITMAP_TABLE_OFF, FREE + C);
	img_put_be32(s.bytes + FREE + QCOW2_BITMAP_TABLE_ENTRIES, 1);
	s.bytes[FREE + QCOW2_BITMAP_TYPE] = QCOW2_BITMAP_TYPE_DIRTY;
	s.bytes[FREE + QCOW2_BITMAP_GRANULARITY] = 16;
	img_put_be16(s.bytes + FREE + QCOW2_BITMAP_NAME_LEN, 1);
	s.bytes[FREE + QCOW2_BITMAP_EXTRA] = 'b';
	img_put_be64(s.bytes + FREE + C, C);
	sample_put_l1(&s, 0, l1_entry);
	for (uint64_t c = 4; c < 7; c++)
		put_count(&s, c, 1);
	open_disk(&s, FREE + 3 * C);
	cr_assert(img_format_qcow2.bitmap->remove(&s.ly, "b", &err), "%s", err.text);
	must_finish(&s);
	cr_assert_eq(be64_at(&s, C), l1_entry);
	cr_assert_eq(count_of(&s, 1), 1);
	sample_end(&s);
}

/* ---- What is not opened for writing ---------------------------------------------------------- */

Test(qcow2_disk_damage, snapshots_with_absurd_tables_are_refused)
{
	struct qcow2_header hdr = sample_header(12, DISK);
	struct img_err err = { 0 };
	struct sample s;

	hdr.n_snapshots = 1;
	hdr.snapshots_off = FREE;
	start(&s, hdr);
	put_count(&s, 4, 1);
	img_put_be64(s.bytes + FREE + QCOW2_SNAP_L1_OFF, FREE + C);
	img_put_be32(s.bytes + FREE + QCOW2_SNAP_L1_ENTRIES, UINT32_MAX);
	cr_assert_not(try_open(&s, FREE + 2 * C, &err));
	cr_assert_eq(err.code, IMG_E_RANGE, "%s", err.text);
	img_store_close(s.ly.store);
	free(s.bytes);
}

Test(qcow2_disk_damage, images_that_must_not_be_written_are_refused)
{
	struct qcow2_header hdr = sample_header(12, DISK);
	struct img_err err = { 0 };
	struct sample s;

	hdr.incompatible = QCOW2_INCOMPATIBLE_CORRUPT;
	start(&s, hdr);
	cr_assert_not(try_open(&s, FREE, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT);
	img_store_close(s.ly.store);
	free(s.bytes);

	hdr = sample_header(12, DISK);
	hdr.crypt = QCOW2_CRYPT_AES;
	start(&s, hdr);
	cr_assert_not(try_open(&s, FREE, &err));
	cr_assert_eq(err.code, IMG_E_KEY);
	img_store_close(s.ly.store);
	free(s.bytes);
}

Test(qcow2_disk_damage, unknown_autoclear_bits_are_cleared_by_writing_only)
{
	struct qcow2_header hdr = sample_header(12, DISK);
	struct sample s;

	hdr.autoclear = UINT64_C(1) << 40;
	start(&s, hdr);
	sample_open(&s, FREE);
	cr_assert_eq(be64_at(&s, QCOW2_HDR_AUTOCLEAR), UINT64_C(1) << 40);
	img_format_qcow2.close(&s.ly);
	img_store_close(s.ly.store);
	open_disk(&s, FREE);
	cr_assert_eq(be64_at(&s, QCOW2_HDR_AUTOCLEAR), 0);
	sample_end(&s);
}
