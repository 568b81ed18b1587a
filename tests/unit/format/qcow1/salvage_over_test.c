/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entries of the L1 table that lead beside an L2 table of many clusters. */
#include <string.h>
#include "format/qcow1/salvage.h"
#include "sample.h"

enum {
	TABLES	= 4,
	ENTRIES	= 256,			/* of a table, of four clusters */
	USED	= 100,			/* of them lead to clusters, behind the table */
	LEN	= C + TABLES * (4 + USED) * C,
};

struct image {
	uint8_t bytes[LEN];
	struct img_store *store;
	struct img_salvaged told;
	struct qcow1_salvage *s;
};

static size_t table_at(uint32_t i)
{
	return C + (size_t)i * (4 + USED) * C;
}

static void put(struct image *im, size_t at, uint64_t entry)
{
	img_put_be64(im->bytes + at, entry);
}

static void start(struct image *im)
{
	const struct qcow1_header hdr = {
		.size = TABLES * ENTRIES * C, .cluster_bits = 9, .l2_bits = 8, .l1_off = SAMPLE_L1,
	};

	*im = (struct image){ 0 };
	qcow1_header_encode(&hdr, im->bytes);
	for (uint32_t i = 0; i < TABLES; i++) {
		put(im, SAMPLE_L1 + i * 8, table_at(i));
		memset(im->bytes + table_at(i) + 4 * C, 0xaa, USED * C);
		for (uint32_t k = 0; k < USED; k++)
			put(im, table_at(i) + k * 8, table_at(i) + (4 + k) * C);
	}
}

static void salvage(struct image *im)
{
	struct img_err err = { 0 };

	cr_assert(im->store = img_store_mem(im->bytes, LEN, &err));
	cr_assert(im->s = qcow1_salvage_new(im->store, 0, 1 << 20, &im->told, &err), "%s", err.text);
}

static void finish(struct image *im)
{
	qcow1_salvage_free(im->s);
	img_findings_clear(&im->told.notes);
	img_store_close(im->store);
}

static bool is_noted(const struct image *im, const struct img_finding_kind *kind)
{
	return img_findings_count(&im->told.notes, kind);
}

static bool is_guessed(const struct image *im, uint32_t cluster)
{
	struct img_extent ex = { .start = cluster * UINT64_C(512), .len = C,
				 .kind = IMG_EXTENT_DATA };

	qcow1_salvage_judge(im->s, &ex);
	return ex.guessed;
}

static uint64_t l1_of(const struct image *im, uint32_t i)
{
	uint8_t raw[QCOW1_ENTRY_LEN];

	cr_assert(img_store_read(im->s->l1_file, i * sizeof(raw), raw, sizeof(raw), NULL));
	return img_get_be64(raw);
}

/* All entries of the L1 table are right, and of one of them it is said that it is a guess. */
static void expect_right(const struct image *im, uint32_t guessed)
{
	for (uint32_t i = 0; i < TABLES; i++) {
		cr_assert_eq(l1_of(im, i), table_at(i), "%u: 0x%jx", i, (uintmax_t)l1_of(im, i));
		cr_assert_eq(is_guessed(im, i * ENTRIES), i == guessed, "%u", i);
	}
}

Test(qcow1_salvage_over, beside_a_table)
{
	static const int by[] = { -3 * C, -C, C, 2 * C, 3 * C };
	struct image im;

	for (size_t i = 0; i < sizeof(by) / sizeof(*by); i++) {
		start(&im);
		put(&im, SAMPLE_L1 + 2 * 8, table_at(2) + (size_t)by[i]);
		salvage(&im);
		expect_right(&im, 2);
		cr_assert(is_noted(&im, &qcow1_noted_l1_over));
		finish(&im);
	}
}

Test(qcow1_salvage_over, into_the_table_of_another)
{
	struct image im;

	start(&im);
	put(&im, SAMPLE_L1 + 8, table_at(2) + C);
	salvage(&im);
	expect_right(&im, 1);
	cr_assert(is_noted(&im, &qcow1_noted_l2_placed));
	finish(&im);
}

Test(qcow1_salvage_over, into_data)
{
	struct image im;

	start(&im);
	put(&im, SAMPLE_L1 + 8, table_at(2) + 20 * C);
	memset(im.bytes + table_at(2) + 4 * C, 0, USED * C);
	salvage(&im);
	expect_right(&im, 1);
	finish(&im);
}

/* The table behind which it lies is gone: nothing says where it begins, but that it is wrong. */
Test(qcow1_salvage_over, nothing_to_go_by)
{
	struct image im;

	start(&im);
	put(&im, SAMPLE_L1 + 2 * 8, table_at(2) + C);
	put(&im, table_at(2), 0);
	salvage(&im);
	cr_assert(is_guessed(&im, 2 * ENTRIES));
	cr_assert(is_noted(&im, &qcow1_noted_l1_over));
	finish(&im);
}

/* What leads into a table is no data; the table stays what it is. */
Test(qcow1_salvage_over, an_entry_into_a_table)
{
	struct image im;

	start(&im);
	put(&im, table_at(1) + 10 * 8, table_at(2) + 2 * C);
	salvage(&im);
	for (uint32_t i = 0; i < TABLES; i++) {
		cr_assert_eq(l1_of(&im, i), table_at(i));
		cr_assert_not(is_guessed(&im, i * ENTRIES));
	}
	cr_assert(is_guessed(&im, ENTRIES + 10));
	finish(&im);
}
