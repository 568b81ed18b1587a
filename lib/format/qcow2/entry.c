/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Table entries of qcow2, from and to bytes: L1, L2 with and without subclusters, compressed
 * descriptors, refcount table and refcounts.  Pure: whether a host offset lies inside the file is
 * not known here.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/num.h"
#include "format/qcow2/qcow2.h"

#define ALL_SUBCLUSTERS UINT32_MAX

void qcow2_geometry_init(struct qcow2_geometry *geo, const struct qcow2_header *hdr)
{
	const bool subclusters = hdr->incompatible & QCOW2_INCOMPATIBLE_EXTENDED_L2;
	const unsigned entry_bits = subclusters ? 4 : 3;

	*geo = (struct qcow2_geometry){
		.cluster_bits = hdr->cluster_bits,
		.l2_bits = hdr->cluster_bits - entry_bits,
		.l2_entry_len = 1u << entry_bits,
		.zero_flag = hdr->version >= 3 && !subclusters,
		.subclusters = subclusters,
		.data_file = hdr->incompatible & QCOW2_INCOMPATIBLE_DATA_FILE,
	};
}

uint64_t qcow2_l1_needed(const struct qcow2_geometry *geo, uint64_t size)
{
	return img_div_up(size, UINT64_C(1) << qcow2_l1_bits(geo));
}

static bool broken(const struct img_finding_kind **why, const struct img_finding_kind *kind)
{
	*why = kind;
	return false;
}

static bool is_aligned(const struct qcow2_geometry *geo, uint64_t host)
{
	return !(host & (qcow2_cluster_size(geo) - 1));
}

bool qcow2_l1_decode(const struct qcow2_geometry *geo, uint64_t entry, uint64_t *host,
		     const struct img_finding_kind **why)
{
	if (entry & QCOW2_L1_RESERVED)
		return broken(why, &qcow2_found_l1_reserved);
	if (!is_aligned(geo, entry & QCOW2_ENTRY_HOST))
		return broken(why, &qcow2_found_l1_unaligned);
	if (entry && !(entry & QCOW2_ENTRY_HOST))
		return broken(why, &qcow2_found_l1_nowhere);
	*host = entry & QCOW2_ENTRY_HOST;
	return true;
}

uint64_t qcow2_l1_encode(uint64_t host, bool copied)
{
	assert(!(host & ~QCOW2_ENTRY_HOST));
	return host | (copied ? QCOW2_ENTRY_COPIED : 0);
}

/* ---- Compressed clusters: §"Compressed Clusters Descriptor" ------------------------------------- */

/* The number of bits that hold the offset: x of the specification. */
static unsigned compressed_offset_bits(const struct qcow2_geometry *geo)
{
	return 62 - (geo->cluster_bits - 8);
}

uint64_t qcow2_compressed_end(const struct qcow2_geometry *geo)
{
	return img_min_u64(UINT64_C(1) << compressed_offset_bits(geo), QCOW2_HOST_END);
}

static bool compressed_decode(const struct qcow2_geometry *geo, uint64_t entry, uint64_t bitmap,
			      struct qcow2_cluster *out, const struct img_finding_kind **why)
{
	const unsigned x = compressed_offset_bits(geo);
	const uint64_t descriptor = entry & ~(QCOW2_ENTRY_COPIED | QCOW2_ENTRY_COMPRESSED);
	const uint64_t host = descriptor & ((UINT64_C(1) << x) - 1);
	const uint32_t sectors = (uint32_t)(descriptor >> x) + 1;

	if (geo->data_file)
		return broken(why, &qcow2_found_compressed_data_file);
	if (host >= QCOW2_HOST_END)
		return broken(why, &qcow2_found_compressed_reserved);
	if (bitmap)
		return broken(why, &qcow2_found_compressed_subclusters);
	*out = (struct qcow2_cluster){
		.kind = QCOW2_CLUSTER_COMPRESSED,
		.allocated = true,
		.host = host,
		.stored_len = sectors * QCOW2_SECTOR - (uint32_t)(host % QCOW2_SECTOR),
	};
	return true;
}

static uint64_t compressed_encode(const struct qcow2_geometry *geo,
				  const struct qcow2_cluster *cluster)
{
	const unsigned x = compressed_offset_bits(geo);
	const uint64_t last = cluster->host + cluster->stored_len - 1;
	const uint64_t sectors = last / QCOW2_SECTOR - cluster->host / QCOW2_SECTOR;

	assert(cluster->stored_len > 0 && cluster->host < qcow2_compressed_end(geo));
	assert(sectors < UINT64_C(1) << (62 - x));
	return QCOW2_ENTRY_COMPRESSED | sectors << x | cluster->host;
}

/* ---- Standard clusters -------------------------------------------------------------------------- */

static enum qcow2_cluster_kind kind_of_maps(uint32_t data_map, uint32_t zero_map)
{
	if (data_map == ALL_SUBCLUSTERS)
		return QCOW2_CLUSTER_DATA;
	if (zero_map == ALL_SUBCLUSTERS)
		return QCOW2_CLUSTER_ZERO;
	return data_map || zero_map ? QCOW2_CLUSTER_MIXED : QCOW2_CLUSTER_HOLE;
}

static enum qcow2_cluster_kind kind_of_entry(uint64_t entry, bool allocated)
{
	if (entry & QCOW2_ENTRY_ZERO)
		return QCOW2_CLUSTER_ZERO;
	return allocated ? QCOW2_CLUSTER_DATA : QCOW2_CLUSTER_HOLE;
}

/* What no choice of kind can heal. */
static bool standard_validate(const struct qcow2_geometry *geo, uint64_t entry,
			      const struct img_finding_kind **why)
{
	const uint64_t reserved = QCOW2_L2_RESERVED | (geo->zero_flag ? 0 : QCOW2_ENTRY_ZERO);

	if (entry & reserved)
		return broken(why, &qcow2_found_l2_reserved);
	if (!is_aligned(geo, entry & QCOW2_ENTRY_HOST))
		return broken(why, &qcow2_found_l2_unaligned);
	return true;
}

bool qcow2_l2_decode(const struct qcow2_geometry *geo, uint64_t entry, uint64_t bitmap,
		     struct qcow2_cluster *out, const struct img_finding_kind **why)
{
	const uint64_t host = entry & QCOW2_ENTRY_HOST;
	const bool copied = entry & QCOW2_ENTRY_COPIED;
	/* The first cluster of a data file is a guest cluster, that of an image is its header. */
	const bool allocated = host || (geo->data_file && copied);
	const uint32_t data_map = (uint32_t)bitmap, zero_map = (uint32_t)(bitmap >> 32);

	if (entry & QCOW2_ENTRY_COMPRESSED)
		return compressed_decode(geo, entry, bitmap, out, why);
	if (!standard_validate(geo, entry, why))
		return false;
	if (data_map & zero_map)
		return broken(why, &qcow2_found_l2_both);
	if (data_map && !allocated)
		return broken(why, &qcow2_found_l2_subcluster_nowhere);

	const enum qcow2_cluster_kind kind = geo->subclusters ? kind_of_maps(data_map, zero_map)
							      : kind_of_entry(entry, allocated);
	if (kind == QCOW2_CLUSTER_HOLE && copied && !allocated)
		return broken(why, &qcow2_found_l2_nowhere);
	*out = (struct qcow2_cluster){
		.kind = kind,
		.allocated = allocated,
		.copied = copied,
		.host = host,
		.data_map = kind == QCOW2_CLUSTER_MIXED ? data_map : 0,
		.zero_map = kind == QCOW2_CLUSTER_MIXED ? zero_map : 0,
	};
	return true;
}

size_t qcow2_l2_run(const struct qcow2_geometry *geo, const uint8_t *raw, size_t n)
{
	const uint64_t first = img_get_be64(raw), step = qcow2_cluster_size(geo);
	/* An entry can say the place of so many clusters more. */
	const uint64_t room = (QCOW2_ENTRY_HOST - (first & QCOW2_ENTRY_HOST)) / step;
	const size_t len = geo->l2_entry_len, bitmap_len = len - 8;
	const size_t end = img_min_u64(n, room + 1);
	size_t run = 1;

	while (run < end && img_get_be64(raw + run * len) == first + run * step &&
	       (!bitmap_len || !memcmp(raw + run * len + 8, raw + 8, bitmap_len)))
		run++;
	return run;
}

static uint64_t bitmap_of(const struct qcow2_cluster *cluster)
{
	switch (cluster->kind) {
	case QCOW2_CLUSTER_DATA:
		return ALL_SUBCLUSTERS;
	case QCOW2_CLUSTER_ZERO:
		return (uint64_t)ALL_SUBCLUSTERS << 32;
	case QCOW2_CLUSTER_MIXED:
		return (uint64_t)cluster->zero_map << 32 | cluster->data_map;
	default:
		return 0;
	}
}

static uint64_t standard_encode(const struct qcow2_geometry *geo,
				const struct qcow2_cluster *cluster)
{
	uint64_t entry = cluster->host | (cluster->copied ? QCOW2_ENTRY_COPIED : 0);

	assert(!(cluster->host & ~QCOW2_ENTRY_HOST) && is_aligned(geo, cluster->host));
	if (cluster->kind == QCOW2_CLUSTER_ZERO && !geo->subclusters) {
		assert(geo->zero_flag);
		entry |= QCOW2_ENTRY_ZERO;
	}
	return entry;
}

void qcow2_l2_encode(const struct qcow2_geometry *geo, const struct qcow2_cluster *cluster,
		     uint8_t *raw)
{
	assert(geo->subclusters || cluster->kind != QCOW2_CLUSTER_MIXED);
	if (cluster->kind == QCOW2_CLUSTER_COMPRESSED)
		img_put_be64(raw, compressed_encode(geo, cluster));
	else
		img_put_be64(raw, standard_encode(geo, cluster));
	if (geo->subclusters)
		img_put_be64(raw + 8, bitmap_of(cluster));
}

/* ---- Refcounts: §"Host cluster management" ------------------------------------------------------ */

bool qcow2_reftable_decode(const struct qcow2_geometry *geo, uint64_t entry, uint64_t *host,
			   const struct img_finding_kind **why)
{
	if (entry & QCOW2_REFTABLE_RESERVED)
		return broken(why, &qcow2_found_reftable_reserved);
	if (!is_aligned(geo, entry))
		return broken(why, &qcow2_found_reftable_unaligned);
	*host = entry;
	return true;
}

uint64_t qcow2_refcount_max(unsigned order)
{
	assert(order <= QCOW2_REFCOUNT_ORDER_MAX);
	return order == 6 ? UINT64_MAX : (UINT64_C(1) << (1u << order)) - 1;
}

uint64_t qcow2_refcount_get(const uint8_t *block, unsigned order, size_t index)
{
	switch (order) {
	case 3:
		return block[index];
	case 4:
		return img_get_be16(block + index * 2);
	case 5:
		return img_get_be32(block + index * 4);
	case 6:
		return img_get_be64(block + index * 8);
	default: {
		/* Widths below a byte fill it from its least significant bit. */
		const size_t bit = index << order;

		assert(order < 3);
		return block[bit / 8] >> (bit % 8) & qcow2_refcount_max(order);
	}
	}
}

void qcow2_refcounts_get(const uint8_t *block, unsigned order, size_t index, uint64_t *out,
			 size_t n)
{
	/* The widths that matter, each in a loop that the compiler can unroll. */
	if (order == QCOW2_REFCOUNT_ORDER_V2) {
		for (size_t i = 0; i < n; i++)
			out[i] = img_get_be16(block + (index + i) * 2);
	} else if (order < 3) {
		const unsigned bits = 1u << order, mask = (1u << bits) - 1;
		const size_t end = (index + n) << order;

		for (size_t bit = index << order; bit < end; ) {
			unsigned byte = block[bit / 8] >> bit % 8;

			do {
				*out++ = byte & mask;
				byte >>= bits;
				bit += bits;
			} while (bit % 8 && bit < end);
		}
	} else {
		for (size_t i = 0; i < n; i++)
			out[i] = qcow2_refcount_get(block, order, index + i);
	}
}

void qcow2_refcount_put(uint8_t *block, unsigned order, size_t index, uint64_t count)
{
	assert(count <= qcow2_refcount_max(order));
	switch (order) {
	case 3:
		block[index] = (uint8_t)count;
		break;
	case 4:
		img_put_be16(block + index * 2, (uint16_t)count);
		break;
	case 5:
		img_put_be32(block + index * 4, (uint32_t)count);
		break;
	case 6:
		img_put_be64(block + index * 8, count);
		break;
	default: {
		const size_t bit = index << order;
		const unsigned mask = (unsigned)qcow2_refcount_max(order) << (bit % 8);

		block[bit / 8] = (uint8_t)((block[bit / 8] & ~mask) | count << (bit % 8));
	}
	}
}

void qcow2_refcounts_put(uint8_t *block, unsigned order, size_t index, uint64_t count, size_t n)
{
	if (order == QCOW2_REFCOUNT_ORDER_V2)
		for (size_t i = 0; i < n; i++)
			img_put_be16(block + (index + i) * 2, (uint16_t)count);
	else
		for (size_t i = 0; i < n; i++)
			qcow2_refcount_put(block, order, index + i, count);
}
