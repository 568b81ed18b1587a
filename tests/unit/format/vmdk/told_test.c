/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a stream tells by its markers: in order, late, cut off and in contradiction with itself. */
#include "stream_sample.h"
#include "format/vmdk/told.h"

static struct img_err err;
static struct stream s;
static struct img_store *spool;
static struct vmdk_told *told;

static void begin(void)
{
	err = (struct img_err){ 0 };
	stream_start(&s);
}

static void end(void)
{
	vmdk_told_free(told);
	img_store_close(spool);
}

TestSuite(vmdk_told, .init = begin, .fini = end);

static void tell_first(size_t len)
{
	struct vmdk_header hdr;

	cr_assert(vmdk_header_decode(s.bytes, 512, &hdr, &err), "%s", err.text);
	spool = stream_spool(&s, len);
	cr_assert_not_null(told = vmdk_told_new(spool, &hdr, &err), "%s", err.text);
}

static void tell(void)
{
	tell_first(s.len);
}

/* What is at `at`: of that kind, and so long. */
static struct img_extent expect(uint64_t at, enum img_extent_kind kind, uint64_t len)
{
	struct img_extent ex;

	cr_assert(vmdk_told_extent(told, at, STREAM_DISK, &ex, &err), "%s", err.text);
	cr_assert_eq(ex.start, at);
	cr_assert_eq(ex.kind, kind, "at 0x%jx", (uintmax_t)at);
	cr_assert_eq(ex.len, len, "at 0x%jx: %ju bytes", (uintmax_t)at, (uintmax_t)ex.len);
	return ex;
}

static void expect_bytes(uint64_t at, uint32_t len, char letter)
{
	struct vmdk_packed packed;
	uint8_t *bytes = malloc(len);

	cr_assert(vmdk_told_find(told, at, &packed, &err), "%s", err.text);
	cr_assert_eq(packed.len, len);
	cr_assert(img_store_read(packed.store, packed.host, bytes, len, &err), "%s", err.text);
	for (uint32_t i = 0; i < len; i++)
		cr_assert_eq(bytes[i], letter);
	free(bytes);
}

Test(vmdk_told, grains_in_order_and_holes_between_them)
{
	const uint64_t last = STREAM_DISK - 4 * 512;

	stream_grain(&s, 0, 700, 'a');
	stream_grain(&s, 1, 10, 'b');
	stream_table(&s, 0);
	stream_grain(&s, 600, 500, 'c');
	stream_grain(&s, 1124, 20, 'd');
	stream_finish(&s);
	tell();

	const struct img_extent first = expect(0, IMG_EXTENT_ENCODED, STREAM_GRAIN_BYTES);
	cr_assert_eq(first.host, STREAM_OVERHEAD * 512);
	cr_assert_eq(first.store, spool);
	expect_bytes(0, 700, 'a');
	expect(STREAM_GRAIN_BYTES + 100, IMG_EXTENT_ENCODED, STREAM_GRAIN_BYTES - 100);
	expect_bytes(STREAM_GRAIN_BYTES, 10, 'b');
	expect(2 * STREAM_GRAIN_BYTES, IMG_EXTENT_HOLE, 598 * STREAM_GRAIN_BYTES);
	expect(600 * STREAM_GRAIN_BYTES, IMG_EXTENT_ENCODED, STREAM_GRAIN_BYTES);
	expect_bytes(600 * STREAM_GRAIN_BYTES, 500, 'c');
	expect(601 * STREAM_GRAIN_BYTES, IMG_EXTENT_HOLE, last - 601 * STREAM_GRAIN_BYTES);
	expect(last, IMG_EXTENT_ENCODED, 4 * 512);
	cr_assert(vmdk_told_conclude(told, &err), "%s", err.text);
}

Test(vmdk_told, no_more_is_read_than_was_asked_for)
{
	stream_grain(&s, 0, 10, 'a');
	stream_grain(&s, 1, 10, 'b');
	tell();
	expect(0, IMG_EXTENT_ENCODED, STREAM_GRAIN_BYTES);
	expect(STREAM_GRAIN_BYTES, IMG_EXTENT_ENCODED, STREAM_GRAIN_BYTES);
	/* Only here it shows that the stream is cut off. */
	const struct img_extent ex = expect(2 * STREAM_GRAIN_BYTES, IMG_EXTENT_LOST,
					    STREAM_DISK - 2 * STREAM_GRAIN_BYTES);
	cr_assert_eq(ex.loss, IMG_E_INCOMPLETE);
	cr_assert_str_eq(ex.why, vmdk_found_stream_end.text);
}

Test(vmdk_told, a_grain_that_is_cut_off_is_lost)
{
	stream_grain(&s, 0, 10, 'a');
	stream_grain(&s, 1, 2000, 'b');
	tell_first(s.len - 512);
	expect(0, IMG_EXTENT_ENCODED, STREAM_GRAIN_BYTES);
	expect(STREAM_GRAIN_BYTES, IMG_EXTENT_LOST, STREAM_DISK - STREAM_GRAIN_BYTES);
}

Test(vmdk_told, a_disk_of_nothing)
{
	stream_finish(&s);
	tell();
	expect(0, IMG_EXTENT_HOLE, STREAM_DISK);
	cr_assert(vmdk_told_conclude(told, &err), "%s", err.text);
}

Test(vmdk_told, late_grains_are_put_aside)
{
	struct img_extent ex;

	stream_grain(&s, 5, 10, 'a');
	stream_grain(&s, 2, 3000, 'b');
	stream_grain(&s, 700, 10, 'c');
	stream_grain(&s, 3, 20, 'd');
	stream_finish(&s);
	tell();
	/* Holes, as far as anybody can know then. */
	expect(0, IMG_EXTENT_HOLE, 5 * STREAM_GRAIN_BYTES);
	expect(5 * STREAM_GRAIN_BYTES, IMG_EXTENT_ENCODED, STREAM_GRAIN_BYTES);
	expect(6 * STREAM_GRAIN_BYTES, IMG_EXTENT_HOLE, 694 * STREAM_GRAIN_BYTES);
	cr_assert(vmdk_told_conclude(told, &err), "%s", err.text);

	vmdk_told_late(told, 0, &ex);
	cr_assert_eq(ex.kind, IMG_EXTENT_ENCODED);
	cr_assert_eq(ex.start, 2 * STREAM_GRAIN_BYTES);
	cr_assert_eq(ex.len, STREAM_GRAIN_BYTES);
	expect_bytes(ex.start, 3000, 'b');
	vmdk_told_late(told, ex.start + ex.len, &ex);
	cr_assert_eq(ex.start, 3 * STREAM_GRAIN_BYTES);
	expect_bytes(ex.start, 20, 'd');
	vmdk_told_late(told, ex.start + ex.len, &ex);
	cr_assert_eq(ex.len, 0);
}

/* Wherever it is cut, what came in front of the cut is told, and all behind is lost. */
Test(vmdk_told, cut_anywhere_it_is_incomplete)
{
	stream_grain(&s, 0, 700, 'a');
	stream_grain(&s, 600, 10, 'b');
	stream_finish(&s);
	/* Of the last marker 16 bytes are enough: it has no more. */
	for (size_t len = STREAM_OVERHEAD * 512; len < s.len - 512 + 16; len += 100) {
		tell_first(len);
		cr_assert_not(vmdk_told_conclude(told, &err), "cut at %zu of %zu", len, s.len);
		cr_assert_eq(err.code, IMG_E_INCOMPLETE, "cut at %zu: %s", len, err.text);
		end();
	}
	told = NULL;
	spool = NULL;
}

/* ---- Contradictions -------------------------------------------------------------------------- */

static void expect_corrupt(const struct img_finding_kind *why)
{
	tell();
	cr_assert_not(vmdk_told_conclude(told, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT, "%s", err.text);
	cr_assert_str_eq(err.text, why->text);
}

Test(vmdk_told, a_grain_that_comes_twice)
{
	stream_grain(&s, 3, 10, 'a');
	stream_grain(&s, 3, 10, 'b');
	stream_finish(&s);
	expect_corrupt(&vmdk_found_stream_marker);
}

Test(vmdk_told, a_grain_behind_the_disk)
{
	img_put_le64(s.bytes + s.len, STREAM_CAPACITY + 4);
	img_put_le32(s.bytes + s.len + VMDK_MARK_SIZE, 10);
	s.len += 512;
	stream_finish(&s);
	expect_corrupt(&vmdk_found_stream_marker);
}

Test(vmdk_told, a_grain_between_two)
{
	stream_grain(&s, 3, 10, 'a');
	img_put_le64(s.bytes + STREAM_OVERHEAD * 512, 3 * STREAM_GRAIN + 1);
	stream_finish(&s);
	expect_corrupt(&vmdk_found_stream_marker);
}

Test(vmdk_told, a_grain_that_is_too_long)
{
	stream_grain(&s, 3, (uint32_t)vmdk_packed_max(STREAM_GRAIN_BYTES) + 1, 'a');
	stream_finish(&s);
	expect_corrupt(&vmdk_found_stream_marker);
}

Test(vmdk_told, a_marker_of_no_kind)
{
	stream_marker(&s, 0, 7);
	stream_finish(&s);
	expect_corrupt(&vmdk_found_stream_marker);
}

Test(vmdk_told, a_table_of_another_size)
{
	stream_marker(&s, STREAM_TABLE * 4 / 512 + 1, VMDK_MARK_GRAIN_TABLE);
	s.len += STREAM_TABLE * 4 + 512;
	stream_finish(&s);
	expect_corrupt(&vmdk_found_stream_marker);
}

Test(vmdk_told, an_end_that_has_a_value)
{
	stream_directory(&s);
	stream_footer(&s);
	stream_marker(&s, 1, VMDK_MARK_END_OF_STREAM);
	expect_corrupt(&vmdk_found_stream_marker);
}

Test(vmdk_told, a_table_that_says_something_else)
{
	stream_grain(&s, 0, 10, 'a');
	stream_grain(&s, 1, 10, 'b');
	s.entries[0][1] = s.entries[0][0];
	stream_finish(&s);
	expect_corrupt(&vmdk_found_stream_unlisted);
}

Test(vmdk_told, a_table_that_no_directory_leads_to)
{
	stream_grain(&s, 0, 10, 'a');
	stream_table(&s, 0);
	s.tables[0] = 0;
	stream_directory(&s);
	stream_footer(&s);
	stream_marker(&s, 0, VMDK_MARK_END_OF_STREAM);
	expect_corrupt(&vmdk_found_stream_unlisted);
}

Test(vmdk_told, a_directory_that_leads_to_no_table)
{
	stream_grain(&s, 0, 10, 'a');
	stream_table(&s, 0);
	s.tables[1] = s.tables[0] + 1;
	stream_finish(&s);
	expect_corrupt(&vmdk_found_stream_unlisted);
}

Test(vmdk_told, a_footer_for_another_disk)
{
	stream_directory(&s);
	stream_footer(&s);
	img_put_le64(s.bytes + s.len - 512 + VMDK_HDR_CAPACITY, STREAM_CAPACITY + 8);
	stream_marker(&s, 0, VMDK_MARK_END_OF_STREAM);
	expect_corrupt(&vmdk_found_stream_marker);
}

Test(vmdk_told, a_footer_that_leads_elsewhere)
{
	stream_directory(&s);
	s.directory++;
	stream_footer(&s);
	stream_marker(&s, 0, VMDK_MARK_END_OF_STREAM);
	expect_corrupt(&vmdk_found_stream_marker);
}

Test(vmdk_told, an_end_without_a_footer)
{
	stream_directory(&s);
	stream_marker(&s, 0, VMDK_MARK_END_OF_STREAM);
	tell();
	cr_assert_not(vmdk_told_conclude(told, &err));
	cr_assert_eq(err.code, IMG_E_INCOMPLETE);
}

/* An entry that says zeros is as good as none: QEMU's streams have them. */
Test(vmdk_told, entries_of_zeros)
{
	stream_grain(&s, 0, 10, 'a');
	s.entries[0][7] = VMDK_ENTRY_ZERO;
	stream_finish(&s);
	tell();
	cr_assert(vmdk_told_conclude(told, &err), "%s", err.text);
}
