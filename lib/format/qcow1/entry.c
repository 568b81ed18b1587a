/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entries of the tables, and what cannot be right in one.  Pure. */
#include "format/qcow1/qcow1.h"

/* Where the number of compressed bytes begins in an entry. */
static unsigned len_shift(const struct qcow1_header *hdr)
{
	return 63 - hdr->cluster_bits;
}

struct qcow1_cluster qcow1_entry_decode(const struct qcow1_header *hdr, uint64_t entry)
{
	const uint32_t size = qcow1_cluster_size(hdr);

	if (!entry)
		return (struct qcow1_cluster){ .kind = QCOW1_HOLE };
	if (!(entry & QCOW1_FLAG_COMPRESSED))
		return (struct qcow1_cluster){
			.kind = QCOW1_PLAIN, .host = entry, .stored_len = size,
		};
	return (struct qcow1_cluster){
		.kind = QCOW1_PACKED,
		.host = entry & ((UINT64_C(1) << len_shift(hdr)) - 1),
		.stored_len = (uint32_t)(entry >> len_shift(hdr)) & (size - 1),
	};
}

uint64_t qcow1_entry_packed(const struct qcow1_header *hdr, uint64_t host, uint32_t len)
{
	return QCOW1_FLAG_COMPRESSED | (uint64_t)len << len_shift(hdr) | host;
}

const struct img_finding_kind *qcow1_cluster_damage(const struct qcow1_header *hdr,
						    const struct qcow1_cluster *cluster)
{
	if (cluster->kind == QCOW1_PACKED)
		return cluster->stored_len ? NULL : &qcow1_found_l2_empty;
	return cluster->host % qcow1_cluster_size(hdr) ? &qcow1_found_l2_unaligned : NULL;
}

const struct img_finding_kind *qcow1_l1_damage(const struct qcow1_header *hdr, uint64_t entry,
					       uint64_t file_size)
{
	if (entry % qcow1_cluster_size(hdr))
		return &qcow1_found_l1_unaligned;
	if (entry > file_size || qcow1_l2_bytes(hdr) > file_size - entry)
		return &qcow1_found_l1_outside;
	return NULL;
}
