/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is left of an image whose header was overwritten: tables whose entries fit together.  The
 * size of its clusters went with the header, so every sector may start a table.
 */
#include "base/bytes.h"
#include "base/num.h"
#include "format/qcow2/qcow2.h"

enum {
	SECTOR = 512,
	CLUSTER_MAX = 1 << QCOW2_CLUSTER_BITS_MAX,
};

/* Two entries of an L1 or L2 table at `at`, which name clusters that lie behind each other. */
static bool is_cluster_table(const uint8_t *head, size_t at)
{
	const uint64_t first = img_get_be64(head + at), second = img_get_be64(head + at + 8);
	const uint64_t cluster = second - first;
	const uint64_t place = first & ~QCOW2_ENTRY_COPIED;

	return (first & second & QCOW2_ENTRY_COPIED) && img_is_pow2(cluster) && cluster >= SECTOR &&
	       cluster <= CLUSTER_MAX && at % cluster == 0 && place % cluster == 0 &&
	       place >= cluster && place < UINT64_C(1) << 56;
}

/* The first entry of a refcount table, whose block counts the header and what follows it once. */
static bool is_refcount_table(const uint8_t *head, size_t len, size_t at)
{
	static const uint8_t counts[] = { 0, 1, 0, 1, 0, 1 };
	const uint64_t block = img_get_be64(head + at);

	return block >= SECTOR && block % SECTOR == 0 && block != at &&
	       block <= len - sizeof(counts) && !memcmp(head + block, counts, sizeof(counts));
}

bool qcow2_remains(const uint8_t *head, size_t len)
{
	for (size_t at = SECTOR; at + SECTOR <= len; at += SECTOR)
		if (is_cluster_table(head, at) || is_refcount_table(head, len, at))
			return true;
	return false;
}
