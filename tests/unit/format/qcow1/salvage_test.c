/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a salvage makes of lost headers and tables, and what of it it calls a guess. */
#include <string.h>
#include "format/qcow1/salvage.h"
#include "sample.h"

enum {
	TABLES	= 4,
	ENTRIES	= 64,			/* of a table, one sector */
	USED	= 40,			/* of them lead to clusters */
	CLUSTERS = TABLES * ENTRIES,
	STRIDE	= 1 + USED,		/* clusters of the file for each table */
	FIRST	= 1,			/* the first table, in clusters */
	LEN	= (FIRST + TABLES * STRIDE) * C,
};

struct image {
	uint8_t bytes[LEN + 2 * C];
	struct img_layer ly;
};

static size_t table_at(uint32_t i)
{
	return (FIRST + (size_t)i * STRIDE) * C;
}

static void put(struct image *im, size_t at, uint64_t entry)
{
	img_put_be64(im->bytes + at, entry);
}

/* Each table in front of its clusters; in cluster i of the disk all bytes are i + 1. */
static void start(struct image *im)
{
	const struct qcow1_header hdr = {
		.size = CLUSTERS * C, .cluster_bits = 9, .l2_bits = 6, .l1_off = SAMPLE_L1,
	};

	*im = (struct image){ 0 };
	qcow1_header_encode(&hdr, im->bytes);
	for (uint32_t i = 0; i < TABLES; i++) {
		put(im, SAMPLE_L1 + i * 8, table_at(i));
		for (uint32_t k = 0; k < USED; k++) {
			put(im, table_at(i) + k * 8, table_at(i) + (1 + k) * C);
			memset(im->bytes + table_at(i) + (1 + k) * C, (int)(i * ENTRIES + k + 1),
			       C);
		}
	}
}

/* False: nothing was found. */
static bool salvage_as(struct image *im, size_t len, uint64_t size)
{
	const struct img_layer_open how = { .size = size, .cache_size = 1 };
	struct img_err err = { 0 };
	bool ok;

	im->ly = (struct img_layer){ .format = &img_format_qcow };
	cr_assert(im->ly.store = img_store_mem(im->bytes, len, &err));
	ok = img_format_qcow.salvage(&im->ly, &how, &err);
	cr_assert(ok || err.code == IMG_E_NOT_THIS_FORMAT, "%s", err.text);
	return ok;
}

static void salvage(struct image *im)
{
	cr_assert(salvage_as(im, LEN, 0));
}

static void finish(struct image *im)
{
	if (im->ly.priv)
		img_format_qcow.close(&im->ly);
	img_findings_clear(&im->ly.salvaged.notes);
	img_store_close(im->ly.store);
	free(im->ly.backing);
}

static bool is_noted(const struct image *im, const struct img_finding_kind *kind)
{
	return img_findings_count(&im->ly.salvaged.notes, kind);
}

static struct img_extent extent(struct image *im, uint32_t cluster)
{
	struct img_err err = { 0 };
	struct img_extent ex;

	cr_assert(img_format_qcow.extent(&im->ly, (uint64_t)cluster * C, im->ly.size, &ex, &err),
		  "%s", err.text);
	return ex;
}

/* The cluster is what it was. */
static void expect(struct image *im, uint32_t cluster, bool guessed)
{
	const struct img_extent ex = extent(im, cluster);
	const bool used = cluster % ENTRIES < USED;
	struct img_err err = { 0 };
	uint8_t byte;

	cr_assert_eq(ex.kind, used ? IMG_EXTENT_DATA : IMG_EXTENT_HOLE, "cluster %u: %d, %s",
		     cluster, ex.kind, ex.why);
	cr_assert_eq(ex.guessed, guessed, "cluster %u", cluster);
	if (!used)
		return;
	cr_assert(img_store_read(ex.store, ex.host, &byte, 1, &err));
	cr_assert_eq(byte, cluster + 1, "cluster %u is %u", cluster, byte - 1);
}

/* Clusters of the tables [first, end). */
static void expect_tables(struct image *im, uint32_t first, uint32_t end, bool guessed)
{
	for (uint32_t i = first * ENTRIES; i < end * ENTRIES; i++)
		expect(im, i, guessed);
}

static void expect_lost(struct image *im, uint32_t cluster)
{
	cr_assert_eq(extent(im, cluster).kind, IMG_EXTENT_LOST, "%u", cluster);
}

/* ---- Headers --------------------------------------------------------------------------------- */

Test(qcow1_salvage, what_is_whole_stays)
{
	struct image im;

	start(&im);
	salvage(&im);
	cr_assert_eq(im.ly.salvaged.notes.n, 0);
	expect_tables(&im, 0, TABLES, false);
	finish(&im);
}

struct field {
	const char *name;
	size_t at, len;
	uint64_t value;
};

static const struct field fields[] = {
	{ "magic number", QCOW1_HDR_MAGIC, 4, 1 },
	{ "version", QCOW1_HDR_VERSION, 4, 9 },
	{ "cluster size", QCOW1_HDR_CLUSTER_BITS, 1, 12 },
	{ "odd cluster size", QCOW1_HDR_CLUSTER_BITS, 1, 99 },
	{ "table size", QCOW1_HDR_L2_BITS, 1, 9 },
	{ "odd table size", QCOW1_HDR_L2_BITS, 1, 1 },
	{ "encryption", QCOW1_HDR_CRYPT, 4, 17 },
	{ "place of the L1 table", QCOW1_HDR_L1_OFF, 8, SAMPLE_L1 + 8 },
	{ "place far away", QCOW1_HDR_L1_OFF, 8, LEN - 8 * C },
	{ "place outside", QCOW1_HDR_L1_OFF, 8, UINT64_C(1) << 50 },
};

Test(qcow1_salvage, a_field_of_the_header)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		struct image im;
		uint8_t raw[8];

		start(&im);
		img_put_be64(raw, fields[i].value);
		memcpy(im.bytes + fields[i].at, raw + 8 - fields[i].len, fields[i].len);
		salvage(&im);
		cr_assert(is_noted(&im, &qcow1_noted_header) || is_noted(&im, &qcow1_noted_l1),
			  "%s", fields[i].name);
		cr_assert_eq(im.ly.size, CLUSTERS * C, "%s", fields[i].name);
		expect_tables(&im, 0, TABLES, false);
		finish(&im);
	}
}

Test(qcow1_salvage, no_header)
{
	struct image im;

	start(&im);
	memset(im.bytes, 0, QCOW1_HDR_LEN);
	salvage(&im);
	cr_assert(is_noted(&im, &qcow1_noted_header) && is_noted(&im, &qcow1_noted_size) &&
		  is_noted(&im, &qcow1_noted_backing));
	cr_assert(im.ly.salvaged.size_guessed);
	for (uint32_t i = 0; i < (TABLES - 1) * ENTRIES + USED; i++)
		expect(&im, i, i % ENTRIES >= USED);
	finish(&im);
}

Test(qcow1_salvage, the_size_can_be_told)
{
	struct image im;

	start(&im);
	memset(im.bytes, 0, C);
	cr_assert(salvage_as(&im, LEN, CLUSTERS * C));
	cr_assert_eq(im.ly.size, CLUSTERS * C);
	cr_assert_not(im.ly.salvaged.size_guessed);
	expect_tables(&im, 0, TABLES, true);
	finish(&im);
}

Test(qcow1_salvage, noise_is_no_image)
{
	struct image im = { 0 };

	for (size_t i = 0; i < LEN; i++)
		im.bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	cr_assert_not(salvage_as(&im, LEN, 0));
	finish(&im);
}

/* ---- The L1 table ---------------------------------------------------------------------------- */

Test(qcow1_salvage, no_l1)
{
	struct image im;

	for (int noise = 0; noise < 2; noise++) {
		start(&im);
		memset(im.bytes + SAMPLE_L1, noise ? 0x93 : 0, TABLES * 8);
		salvage(&im);
		expect_tables(&im, 0, TABLES, true);
		finish(&im);
	}
}

Test(qcow1_salvage, one_entry_of_l1)
{
	const uint64_t wrong[] = { 0, 3, UINT64_C(1) << 40, table_at(1), table_at(2) + 5 * C };
	struct image im;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		start(&im);
		put(&im, SAMPLE_L1 + 2 * 8, wrong[i]);
		salvage(&im);
		cr_assert(is_noted(&im, &qcow1_noted_l2_placed), "%zu", i);
		expect_tables(&im, 0, 2, false);
		expect_tables(&im, 2, 3, true);
		expect_tables(&im, 3, TABLES, false);
		finish(&im);
	}
}

Test(qcow1_salvage, a_moved_l1)
{
	struct image im;

	start(&im);
	memmove(im.bytes + SAMPLE_L1 + 8, im.bytes + SAMPLE_L1, (TABLES - 1) * 8);
	salvage(&im);
	cr_assert(is_noted(&im, &qcow1_noted_l1_moved));
	expect_tables(&im, 0, 1, false);
	expect_tables(&im, 1, TABLES, true);
	finish(&im);
}

/* A disk of which only two of four parts have anything: which ones nobody knows. */
Test(qcow1_salvage, fewer_tables_than_entries)
{
	struct image im;

	start(&im);
	memset(im.bytes + SAMPLE_L1, 0, TABLES * 8);
	memset(im.bytes + table_at(1), 0, 2 * STRIDE * C);
	salvage(&im);
	expect_tables(&im, 0, 1, true);
	cr_assert_eq(extent(&im, ENTRIES).kind, IMG_EXTENT_DATA);
	cr_assert(extent(&im, ENTRIES).guessed);
	cr_assert(extent(&im, 3 * ENTRIES).guessed);
	finish(&im);
}

/* ---- L2 tables ------------------------------------------------------------------------------- */

Test(qcow1_salvage, no_l2)
{
	struct image im;

	for (int noise = 0; noise < 2; noise++) {
		start(&im);
		memset(im.bytes + table_at(1), noise ? 0x93 : 0, C);
		salvage(&im);
		cr_assert(is_noted(&im, &qcow1_noted_l2_wiped));
		cr_assert_eq(im.ly.salvaged.unplaced, USED * C);
		expect_tables(&im, 0, 1, false);
		for (uint32_t i = 0; i < ENTRIES; i++)
			expect_lost(&im, ENTRIES + i);
		expect_tables(&im, 2, TABLES, false);
		finish(&im);
	}
}

Test(qcow1_salvage, entries_between_two_that_are_right)
{
	struct image im;

	start(&im);
	put(&im, table_at(1) + 10 * 8, 0);
	put(&im, table_at(1) + 11 * 8, UINT64_C(1) << 50);
	put(&im, table_at(1), 3);
	salvage(&im);
	cr_assert(is_noted(&im, &qcow1_noted_l2_entry));
	for (uint32_t i = 0; i < ENTRIES; i++)
		expect(&im, ENTRIES + i, i == 0 || i == 10 || i == 11);
	finish(&im);
}

Test(qcow1_salvage, a_doubled_entry)
{
	struct image im;

	start(&im);
	put(&im, table_at(1) + 10 * 8, table_at(2) + 8 * C);
	salvage(&im);
	cr_assert(is_noted(&im, &qcow1_noted_doubled));
	expect(&im, ENTRIES + 9, false);
	cr_assert(extent(&im, ENTRIES + 10).guessed);
	expect(&im, 2 * ENTRIES + 7, true);
	finish(&im);
}

Test(qcow1_salvage, a_moved_l2)
{
	struct image im;

	start(&im);
	memmove(im.bytes + table_at(1) + 8, im.bytes + table_at(1), (USED - 1) * 8);
	salvage(&im);
	for (uint32_t i = 0; i < USED; i++)
		cr_assert(extent(&im, ENTRIES + i).guessed, "%u", i);
	expect_tables(&im, 2, TABLES, false);
	finish(&im);
}

Test(qcow1_salvage, what_is_cut_off_is_lost)
{
	struct image im;

	start(&im);
	cr_assert(salvage_as(&im, table_at(2) + 3 * C + 100, 0));
	expect_tables(&im, 0, 2, false);
	expect(&im, 2 * ENTRIES + 1, true);
	expect_lost(&im, 2 * ENTRIES + 3);
	expect_lost(&im, 3 * ENTRIES);
	finish(&im);
}

/* No number of the header is believed to be in the file. */
Test(qcow1_salvage, nothing_but_a_header)
{
	struct image im;

	for (size_t len = 0; len <= SAMPLE_L1 + 20; len++) {
		start(&im);
		salvage_as(&im, len, 0);
		finish(&im);
	}
}

Test(qcow1_salvage, remains)
{
	struct image im;

	start(&im);
	cr_assert_not(qcow1_remains(im.bytes, 20));
	img_put_be32(im.bytes, 0);
	cr_assert(qcow1_remains(im.bytes, LEN));
	im.bytes[QCOW1_HDR_L2_BITS] = 99;
	cr_assert_not(qcow1_remains(im.bytes, LEN));
}
