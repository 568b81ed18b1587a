/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The refcounts that an image stores, beside the references that it really has. */
#include "format/qcow2/refs.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/bulk.h"

struct comparison {
	struct qcow2_refs *refs;
	const struct qcow2_header *hdr;
	struct qcow2_geometry geo;
	unsigned block_bits;		/* a block counts 1 << block_bits clusters */
	struct qcow2_cluster_list blocks;
	uint64_t *numbers;		/* of the blocks in the list; owned */
	size_t numbers_cap;
	uint64_t at;			/* clusters below this one have been compared */
	struct qcow2_refs_diff *diff;
};

static void compare_one(struct comparison *c, uint64_t cluster, uint64_t stored)
{
	const uint64_t counted = qcow2_refs_get(c->refs, cluster);

	if (stored > counted && !c->diff->leaks++)
		c->diff->first_leak = cluster;
	if (stored < counted && !c->diff->corruptions++)
		c->diff->first_corruption = cluster;
}

/* Clusters that no block is for have a count of 0. */
static void compare_uncounted(struct comparison *c, uint64_t end)
{
	uint64_t n;

	while (qcow2_refs_next(c->refs, &c->at, &n) && c->at < end)
		compare_one(c, c->at++, 0);
	c->at = end;
}

static bool visit_block(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
			struct img_err *err)
{
	struct comparison *c = ctx;
	const uint64_t first = c->numbers[index] << c->block_bits;
	const uint64_t end = img_min_u64(first + (UINT64_C(1) << c->block_bits),
					 qcow2_refs_clusters(c->refs));

	(void)host;
	(void)len;
	(void)err;
	if (first >= end)
		return true;
	compare_uncounted(c, first);
	for (; c->at < end; c->at++)
		compare_one(c, c->at,
			    qcow2_refcount_get(raw, c->hdr->refcount_order, c->at - first));
	return true;
}

static bool add_block(struct comparison *c, uint64_t host, uint64_t number, struct img_err *err)
{
	uint64_t *numbers = img_grow_by_one(c->numbers, c->blocks.n, &c->numbers_cap,
					    sizeof(*numbers), err);

	if (!numbers)
		return false;
	c->numbers = numbers;
	c->numbers[c->blocks.n] = number;
	return qcow2_cluster_list_add(&c->blocks, host, err);
}

static bool visit_table(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
			struct img_err *err)
{
	struct comparison *c = ctx;
	const uint64_t end = qcow2_refs_clusters(c->refs) << c->geo.cluster_bits;
	uint64_t number = index * (QCOW2_BULK_BYTES / 8), block;
	const char *why;

	(void)host;
	for (size_t i = 0; i + 8 <= len; i += 8, number++) {
		if (!qcow2_reftable_decode(&c->geo, img_get_be64(raw + i), &block, &why) ||
		    block >= end)
			c->diff->broken_table++;
		else if (block && !add_block(c, block, number, err))
			return false;
	}
	return true;
}

bool qcow2_refs_compare(struct qcow2_refs *refs, const struct qcow2_header *hdr,
			struct img_store *file, struct qcow2_refs_diff *diff, struct img_err *err)
{
	const uint64_t table_len = (uint64_t)hdr->reftable_clusters << hdr->cluster_bits;
	struct comparison c = {
		.refs = refs, .hdr = hdr, .diff = diff,
		.block_bits = hdr->cluster_bits + 3 - hdr->refcount_order,
		.blocks = { .file = file, .cluster_bits = hdr->cluster_bits },
	};

	*diff = (struct qcow2_refs_diff){ 0 };
	qcow2_geometry_init(&c.geo, hdr);
	const bool ok = qcow2_bulk_range(file, hdr->reftable_off, table_len, visit_table, &c, err) &&
			qcow2_bulk_clusters(&c.blocks, visit_block, &c, err);
	if (ok)
		compare_uncounted(&c, qcow2_refs_clusters(refs));
	qcow2_cluster_list_clear(&c.blocks);
	free(c.numbers);
	return ok;
}
