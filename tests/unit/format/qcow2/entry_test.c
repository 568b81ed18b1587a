/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Table entries: both directions, every width, every reserved bit. */
#include <criterion/criterion.h>
#include "base/bytes.h"
#include "format/qcow2/qcow2.h"

static struct qcow2_geometry geometry(unsigned cluster_bits, uint64_t incompatible)
{
	const struct qcow2_header hdr = {
		.version = 3, .cluster_bits = cluster_bits, .incompatible = incompatible,
	};
	struct qcow2_geometry geo;

	qcow2_geometry_init(&geo, &hdr);
	return geo;
}

static void check_round_trip(const struct qcow2_geometry *geo, const struct qcow2_cluster *in)
{
	uint8_t raw[16] = { 0 };
	struct qcow2_cluster out;
	const struct img_finding_kind *why;

	qcow2_l2_encode(geo, in, raw);
	cr_assert(qcow2_l2_decode(geo, img_get_be64(raw), img_get_be64(raw + 8), &out, &why));
	cr_assert_eq(out.kind, in->kind);
	cr_assert_eq(out.allocated, in->allocated);
	cr_assert_eq(out.copied, in->copied);
	cr_assert_eq(out.host, in->host);
	cr_assert_eq(out.data_map, in->data_map);
	cr_assert_eq(out.zero_map, in->zero_map);
	/* A compressed length is told up to the end of its last sector. */
	cr_assert_geq(out.stored_len, in->stored_len);
	cr_assert_lt(out.stored_len - in->stored_len, QCOW2_SECTOR);
}

static const struct qcow2_cluster standard[] = {
	{ .kind = QCOW2_CLUSTER_HOLE },
	{ .kind = QCOW2_CLUSTER_ZERO },
	{ .kind = QCOW2_CLUSTER_ZERO, .allocated = true, .copied = true, .host = 0x600000 },
	{ .kind = QCOW2_CLUSTER_DATA, .allocated = true, .host = 0x200000 },
	{ .kind = QCOW2_CLUSTER_DATA, .allocated = true, .copied = true, .host = 0xffffffffe00000 },
};

Test(entry, standard_clusters)
{
	const struct qcow2_geometry plain = geometry(16, 0);
	const struct qcow2_geometry extended = geometry(16, QCOW2_INCOMPATIBLE_EXTENDED_L2);

	for (size_t i = 0; i < sizeof(standard) / sizeof(*standard); i++) {
		check_round_trip(&plain, &standard[i]);
		check_round_trip(&extended, &standard[i]);
	}
}

Test(entry, subclusters)
{
	const struct qcow2_geometry geo = geometry(14, QCOW2_INCOMPATIBLE_EXTENDED_L2);
	const struct qcow2_cluster mixed = {
		.kind = QCOW2_CLUSTER_MIXED, .allocated = true, .host = 0x4000,
		.data_map = 0x80000001, .zero_map = 0x7ffffff0,
	};

	cr_assert_eq(geo.l2_bits, 10);
	check_round_trip(&geo, &mixed);
}

Test(entry, compressed_clusters_of_every_size)
{
	for (unsigned bits = QCOW2_CLUSTER_BITS_MIN; bits <= QCOW2_CLUSTER_BITS_MAX; bits++) {
		const struct qcow2_geometry geo = geometry(bits, 0);
		const uint32_t cluster = UINT32_C(1) << bits;
		const struct qcow2_cluster all[] = {
			{ QCOW2_CLUSTER_COMPRESSED, true, false, 0x30001, 1, 0, 0 },
			{ QCOW2_CLUSTER_COMPRESSED, true, false, 511, cluster - 1, 0, 0 },
			{ QCOW2_CLUSTER_COMPRESSED, true, false, qcow2_compressed_end(&geo) - 1,
			  2 * cluster - QCOW2_SECTOR, 0, 0 },
		};

		for (size_t i = 0; i < 3; i++)
			check_round_trip(&geo, &all[i]);
	}
}

Test(entry, compressed_offsets_end_where_the_specification_says)
{
	const struct qcow2_geometry small = geometry(9, 0), large = geometry(21, 0);

	cr_assert_eq(qcow2_compressed_end(&small), UINT64_C(1) << 56);
	cr_assert_eq(qcow2_compressed_end(&large), UINT64_C(1) << 49);
}

static bool accepts(const struct qcow2_geometry *geo, uint64_t entry, uint64_t bitmap)
{
	struct qcow2_cluster out;
	const struct img_finding_kind *why = NULL;
	const bool ok = qcow2_l2_decode(geo, entry, bitmap, &out, &why);

	cr_assert(ok || why);
	return ok;
}

Test(entry, every_reserved_bit_is_refused)
{
	const struct qcow2_geometry geo = geometry(9, 0);
	uint64_t host;
	const struct img_finding_kind *why;

	for (unsigned bit = 0; bit < 64; bit++) {
		const uint64_t flag = UINT64_C(1) << bit;
		const bool free_in_l1 = (bit >= 9 && bit < 56) || bit == 63;

		cr_assert_eq(qcow2_l1_decode(&geo, 0x200 | flag, &host, &why), free_in_l1, "%u", bit);
		/* Bit 0 is the zero flag, bit 62 makes it compressed. */
		cr_assert_eq(accepts(&geo, 0x200 | flag, 0), free_in_l1 || bit == 0 || bit == 62,
			     "%u", bit);
		cr_assert_eq(qcow2_reftable_decode(&geo, 0x200 | flag, &host, &why), bit >= 9);
	}
}

Test(entry, misplaced_bits_are_refused)
{
	const struct qcow2_geometry plain = geometry(16, 0);
	const struct qcow2_geometry extended = geometry(16, QCOW2_INCOMPATIBLE_EXTENDED_L2);
	const struct qcow2_geometry tiny = geometry(9, 0);
	const struct qcow2_geometry data_file = geometry(16, QCOW2_INCOMPATIBLE_DATA_FILE);
	struct qcow2_geometry v2 = plain;
	uint64_t host;
	const struct img_finding_kind *why;

	v2.zero_flag = false;
	cr_assert_not(accepts(&v2, QCOW2_ENTRY_ZERO, 0));
	cr_assert_not(accepts(&extended, QCOW2_ENTRY_ZERO, 0));
	cr_assert_not(accepts(&plain, 0x10200, 0));			/* not aligned */
	cr_assert_not(qcow2_l1_decode(&plain, 0x10200, &host, &why));
	cr_assert_not(qcow2_reftable_decode(&plain, 0x10200, &host, &why));
	cr_assert_not(accepts(&plain, QCOW2_ENTRY_COPIED, 0));		/* in use, but where? */
	cr_assert(accepts(&data_file, QCOW2_ENTRY_COPIED, 0));
	cr_assert_not(accepts(&extended, 0x10000, UINT64_C(0x100000001)));	/* both at once */
	cr_assert_not(accepts(&extended, 0, 1));
	cr_assert(accepts(&extended, 0, UINT64_C(1) << 32));
	cr_assert_not(accepts(&extended, QCOW2_ENTRY_COMPRESSED | 0x10000, 1));
	cr_assert_not(accepts(&data_file, QCOW2_ENTRY_COMPRESSED | 0x10000, 0));
	cr_assert_not(accepts(&tiny, QCOW2_ENTRY_COMPRESSED | UINT64_C(1) << 56, 0));
}

Test(entry, refcounts_of_every_width)
{
	for (unsigned order = 0; order <= QCOW2_REFCOUNT_ORDER_MAX; order++) {
		const uint64_t max = qcow2_refcount_max(order);
		uint8_t block[512] = { 0 };

		for (size_t i = 0; i < 64; i++)
			qcow2_refcount_put(block, order, i, max);
		for (size_t i = 0; i < 64; i += 2)
			qcow2_refcount_put(block, order, i, i & max);
		for (size_t i = 0; i < 64; i++)
			cr_assert_eq(qcow2_refcount_get(block, order, i), i % 2 ? max : (i & max));
	}
}

/* In bulk, from any place on, beside one after the other. */
Test(entry, refcounts_in_bulk)
{
	enum { N = 64 };

	for (unsigned order = 0; order <= QCOW2_REFCOUNT_ORDER_MAX; order++)
		for (size_t first = 0; first < 20; first++)
			for (size_t n = 0; n < 20; n++) {
				uint8_t block[N * 8], other[N * 8];
				uint64_t got[N];

				memset(block, 0x5a, sizeof(block));
				memset(other, 0x5a, sizeof(other));
				qcow2_refcounts_put(block, order, first, 1, n);
				for (size_t i = 0; i < n; i++)
					qcow2_refcount_put(other, order, first + i, 1);
				cr_assert_arr_eq(block, other, sizeof(block));
				qcow2_refcounts_get(block, order, first / 2, got, N / 2);
				for (size_t i = 0; i < N / 2; i++)
					cr_assert_eq(got[i], qcow2_refcount_get(block, order,
										first / 2 + i));
			}
}

Test(entry, narrow_refcounts_fill_a_byte_from_its_lowest_bit)
{
	uint8_t block[2] = { 0 };

	qcow2_refcount_put(block, 0, 3, 1);
	cr_assert_eq(block[0], 0x08);
	qcow2_refcount_put(block, 2, 3, 0xa);
	cr_assert_eq(block[1], 0xa0);
}

Test(entry, l1_entries_for_a_disk)
{
	const struct qcow2_geometry geo = geometry(16, 0);

	cr_assert_eq(qcow2_l1_needed(&geo, 0), 0);
	cr_assert_eq(qcow2_l1_needed(&geo, 1), 1);
	cr_assert_eq(qcow2_l1_needed(&geo, UINT64_C(512) << 20), 1);
	cr_assert_eq(qcow2_l1_needed(&geo, UINT64_C(1) << 40), 2048);
}

static void put_run(const struct qcow2_geometry *geo, uint8_t *raw, size_t n, uint64_t host)
{
	for (size_t i = 0; i < n; i++) {
		const struct qcow2_cluster cluster = {
			.kind = QCOW2_CLUSTER_DATA, .allocated = true, .copied = true,
			.host = host + i * qcow2_cluster_size(geo),
		};

		qcow2_l2_encode(geo, &cluster, raw + i * geo->l2_entry_len);
	}
}

/* A run ends where the place, a flag or the map of subclusters is another. */
Test(entry, runs_end_where_an_entry_is_another)
{
	enum { N = 12 };

	for (int subclusters = 0; subclusters < 2; subclusters++) {
		const struct qcow2_geometry geo =
			geometry(16, subclusters ? QCOW2_INCOMPATIBLE_EXTENDED_L2 : 0);
		const size_t len = geo.l2_entry_len;

		for (size_t odd = 1; odd < N; odd++)
			for (size_t bit = 0; bit < len * 8; bit++) {
				uint8_t raw[N * 16];

				put_run(&geo, raw, N, 0x10000);
				cr_assert_eq(qcow2_l2_run(&geo, raw, N), N);
				cr_assert_eq(qcow2_l2_run(&geo, raw, odd), odd);
				raw[odd * len + bit / 8] ^= (uint8_t)(1 << bit % 8);
				cr_assert_eq(qcow2_l2_run(&geo, raw, N), odd, "bit %zu", bit);
			}
	}
}

/* What would follow the last place that an entry can say is another thing. */
Test(entry, runs_end_with_the_places_that_can_be_said)
{
	const struct qcow2_geometry geo = geometry(16, 0);
	uint8_t raw[4 * 8];

	for (size_t left = 1; left < 4; left++) {
		const uint64_t first = QCOW2_ENTRY_COPIED |
				       (UINT64_C(0x100000000000000) - left * 0x10000);

		for (size_t i = 0; i < 4; i++)
			img_put_be64(raw + i * 8, first + i * 0x10000);
		cr_assert_eq(qcow2_l2_run(&geo, raw, 4), left);
	}
}
