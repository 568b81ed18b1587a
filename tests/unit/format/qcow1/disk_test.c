/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing in place: what lies below, what was packed, what is damaged, and what a flush writes. */
#include <string.h>
#include "sample.h"

/* A layer of '#'. */
static bool below_extent(const struct img_below *self, uint64_t at, uint64_t limit,
			 struct img_extent *out, struct img_err *err)
{
	(void)self;
	(void)err;
	*out = (struct img_extent){ .start = at, .len = limit - at, .kind = IMG_EXTENT_ENCODED };
	return true;
}

static bool below_read(const struct img_below *self, uint64_t at, void *buf, size_t len,
		       struct img_err *err)
{
	(void)self;
	(void)at;
	(void)err;
	memset(buf, '#', len);
	return true;
}

static const struct img_below below = { .extent = below_extent, .read = below_read };

static void put(struct sample *s, uint64_t at, size_t len, char c)
{
	struct img_err err = { 0 };
	char bytes[8 * C];

	memset(bytes, c, len);
	cr_assert(img_format_qcow.disk->write(&s->ly, at, bytes, len, &err), "%s", err.text);
}

static void zero(struct sample *s, uint64_t at, size_t len)
{
	struct img_err err = { 0 };

	cr_assert(img_format_qcow.disk->zero(&s->ly, at, len, true, &err), "%s", err.text);
}

static void flush(struct sample *s)
{
	struct img_err err = { 0 };
	bool freed = true;

	cr_assert(img_format_qcow.disk->flush(&s->ly, &freed, &err), "%s", err.text);
	cr_assert_not(freed);
}

/* The byte at `at`, 'z' for zero, '.' for what is not here. */
static char seen(struct sample *s, uint64_t at)
{
	const struct img_extent ex = sample_extent(s, at);
	char c;

	if (ex.kind == IMG_EXTENT_HOLE)
		return '.';
	if (ex.kind == IMG_EXTENT_ENCODED)
		cr_assert(img_format_qcow.read(&s->ly, at, &c, 1, NULL));
	else
		cr_assert(img_store_read(s->ly.store, ex.host, &c, 1, NULL));
	return c ? c : 'z';
}

/* Cluster 1 of the disk is cluster 3 of the file, and full of '1'. */
static void start(struct sample *s, bool child)
{
	sample_start(s);
	sample_put(s, 1, 3 * C);
	sample_fill(s, 3, '1');
	sample_open(s, IMG_OPEN_WRITE);
	s->ly.below = child ? &below : NULL;
}

Test(qcow1_disk, a_new_cluster_keeps_what_lies_below_around_it)
{
	struct sample s;

	start(&s, true);
	put(&s, 2 * C + 100, 2 * C, 'a');
	cr_assert_eq(seen(&s, 2 * C + 99), '#');
	cr_assert_eq(seen(&s, 2 * C + 100), 'a');
	cr_assert_eq(seen(&s, 4 * C + 99), 'a');
	cr_assert_eq(seen(&s, 4 * C + 100), '#');
	cr_assert_eq(seen(&s, 5 * C), '.');
	put(&s, C + 10, 1, 'b');
	cr_assert_eq(seen(&s, C + 9), '1');
	cr_assert_eq(seen(&s, C + 10), 'b');
	sample_end(&s);
}

Test(qcow1_disk, zeros_hide_what_lies_below_and_take_no_space)
{
	struct sample s;
	uint64_t before, after;

	start(&s, true);
	zero(&s, 64 * C, 64 * C);
	cr_assert(img_store_size(s.ly.store, &before, NULL));
	zero(&s, 2 * C, 60 * C);
	cr_assert(img_store_size(s.ly.store, &after, NULL));
	cr_assert_eq(before, after);
	cr_assert_eq(seen(&s, 64 * C), 'z');
	cr_assert_eq(sample_extent(&s, 127 * C).kind, IMG_EXTENT_ENCODED);
	/* What was zeros shows nothing of what is below again. */
	put(&s, 5 * C + 10, 1, 'a');
	cr_assert_eq(seen(&s, 5 * C), 'z');
	cr_assert_eq(seen(&s, 6 * C), 'z');
	zero(&s, 63 * C + 10, 10);
	cr_assert_eq(seen(&s, 63 * C), '#');
	cr_assert_eq(seen(&s, 63 * C + 10), 'z');
	sample_end(&s);
}

Test(qcow1_disk, zeros_over_nothing_stay_nothing)
{
	struct sample s;

	start(&s, false);
	zero(&s, 0, s.ly.size);
	cr_assert_eq(seen(&s, 0), '.');
	cr_assert_eq(seen(&s, C), 'z');
	flush(&s);
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
	put(&s, 5, 1, 'a');
	cr_assert_eq(seen(&s, 4), 'z');
	cr_assert_eq(seen(&s, 5), 'a');
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
	put(&s, 70 * C, C, 'a');
	cr_assert_eq(sample_number(&s, SAMPLE_L1 + 8), 0);
	flush(&s);
	const uint64_t table = sample_number(&s, SAMPLE_L1 + 8);
	cr_assert_eq(table, 2 * C);
	cr_assert_eq(sample_number(&s, table + 6 * 8), 3 * C);
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
