/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counts of clusters, in leaves of 1024 that a hash table finds.  A leaf starts with one bit for
 * each count and is made wider when one no longer fits: a full TiB in 64 KiB clusters takes 3 MiB.
 * An image that points to one cluster in each leaf makes 8 bytes of its own cost us some 160.
 */
#include "format/qcow2/counts.h"

#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/qcow2.h"

enum {
	LEAF_BITS = 10,
	LEAF_CLUSTERS = 1 << LEAF_BITS,
	FIRST_SLOT_BITS = 6,
};
#define MEMORY_MAX (UINT64_C(2) << 30)

struct leaf {
	uint64_t index;			/* of the first cluster, in units of LEAF_CLUSTERS */
	unsigned order;			/* counts are 1 << order bits wide */
	uint8_t counts[];
};

struct qcow2_counts {
	struct leaf **slots;		/* 1 << slot_bits, at most three quarters of them in use */
	unsigned slot_bits;
	size_t n;			/* leaves */
	uint64_t memory;		/* bytes of all leaves */
	uint64_t *sorted;		/* the indexes of the first n_sorted leaves, rising */
	size_t n_sorted;
	size_t sorted_at;		/* where the last search ended */
	uint64_t most, most_cluster;
};

/* ---- The hash table ------------------------------------------------------------------------------ */

static size_t n_slots(const struct qcow2_counts *counts)
{
	return (size_t)1 << counts->slot_bits;
}

/* Where the leaf is, or would go. */
static struct leaf **find_slot(const struct qcow2_counts *counts, uint64_t index)
{
	const uint64_t spread = index * UINT64_C(0x9e3779b97f4a7c15);	/* 2^64 / golden ratio */
	size_t at = (size_t)(spread >> (64 - counts->slot_bits));

	while (counts->slots[at] && counts->slots[at]->index != index)
		at = (at + 1) & (n_slots(counts) - 1);
	return &counts->slots[at];
}

static bool grow_slots(struct qcow2_counts *counts, struct img_err *err)
{
	struct qcow2_counts wider = { .slot_bits = counts->slot_bits + 1 };

	wider.slots = img_calloc(n_slots(&wider), sizeof(*wider.slots), err);
	if (!wider.slots)
		return false;
	for (size_t i = 0; i < n_slots(counts); i++)
		if (counts->slots[i])
			*find_slot(&wider, counts->slots[i]->index) = counts->slots[i];
	free(counts->slots);
	counts->slots = wider.slots;
	counts->slot_bits = wider.slot_bits;
	return true;
}

/* ---- Leaves -------------------------------------------------------------------------------------- */

static struct leaf *new_leaf(struct qcow2_counts *counts, uint64_t index, unsigned order,
			     struct img_err *err)
{
	const size_t len = sizeof(struct leaf) + ((size_t)LEAF_CLUSTERS << order) / 8;
	struct leaf *leaf;

	if (counts->memory + len > MEMORY_MAX) {
		img_fail(err, IMG_E_RANGE, _("the tables point to so many places that counting "
			 "them would take more than 2 GiB of memory"));
		return NULL;
	}
	leaf = img_calloc(1, len, err);
	if (!leaf)
		return NULL;
	leaf->index = index;
	leaf->order = order;
	counts->memory += len;
	return leaf;
}

static struct leaf **get_leaf(struct qcow2_counts *counts, uint64_t index, struct img_err *err)
{
	struct leaf **slot = find_slot(counts, index);

	if (*slot)
		return slot;
	if (counts->n >= n_slots(counts) / 4 * 3) {
		if (!grow_slots(counts, err))
			return NULL;
		slot = find_slot(counts, index);
	}
	*slot = new_leaf(counts, index, 0, err);
	if (!*slot)
		return NULL;
	counts->n++;
	return slot;
}

/* Makes the counts in *slot wide enough for value. */
static bool widen_leaf(struct qcow2_counts *counts, struct leaf **slot, uint64_t value,
		       struct img_err *err)
{
	struct leaf *old = *slot;
	unsigned order = old->order;

	while (value > qcow2_refcount_max(order))
		order++;
	if (order == old->order)
		return true;
	struct leaf *wide = new_leaf(counts, old->index, order, err);
	if (!wide)
		return false;
	for (size_t i = 0; i < LEAF_CLUSTERS; i++)
		qcow2_refcount_put(wide->counts, order, i,
				   qcow2_refcount_get(old->counts, old->order, i));
	counts->memory -= sizeof(*old) + ((size_t)LEAF_CLUSTERS << old->order) / 8;
	*slot = wide;
	free(old);
	return true;
}

/* ---- What others see ----------------------------------------------------------------------------- */

struct qcow2_counts *qcow2_counts_new(struct img_err *err)
{
	struct qcow2_counts *counts = img_calloc(1, sizeof(*counts), err);

	if (!counts)
		return NULL;
	counts->slot_bits = FIRST_SLOT_BITS;
	counts->slots = img_calloc(n_slots(counts), sizeof(*counts->slots), err);
	if (counts->slots)
		return counts;
	free(counts);
	return NULL;
}

void qcow2_counts_free(struct qcow2_counts *counts)
{
	if (!counts)
		return;
	for (size_t i = 0; i < n_slots(counts); i++)
		free(counts->slots[i]);
	free(counts->slots);
	free(counts->sorted);
	free(counts);
}

bool qcow2_counts_add(struct qcow2_counts *counts, uint64_t cluster, uint64_t n,
		      struct img_err *err)
{
	const size_t i = cluster % LEAF_CLUSTERS;
	struct leaf **slot;
	uint64_t sum;

	if (!n)
		return true;
	slot = get_leaf(counts, cluster / LEAF_CLUSTERS, err);
	if (!slot)
		return false;
	if (!img_add_u64(qcow2_refcount_get((*slot)->counts, (*slot)->order, i), n, &sum))
		sum = UINT64_MAX;
	if (!widen_leaf(counts, slot, sum, err))
		return false;
	qcow2_refcount_put((*slot)->counts, (*slot)->order, i, sum);
	if (sum > counts->most) {
		counts->most = sum;
		counts->most_cluster = cluster;
	}
	return true;
}

uint64_t qcow2_counts_get(const struct qcow2_counts *counts, uint64_t cluster)
{
	const struct leaf *leaf = *find_slot(counts, cluster / LEAF_CLUSTERS);

	return leaf ? qcow2_refcount_get(leaf->counts, leaf->order, cluster % LEAF_CLUSTERS) : 0;
}

/* ---- In order ------------------------------------------------------------------------------------ */

static int compare_indexes(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

bool qcow2_counts_sort(struct qcow2_counts *counts, struct img_err *err)
{
	uint64_t *sorted = img_calloc(img_max_u64(counts->n, 1), sizeof(*sorted), err);
	size_t n = 0;

	if (!sorted)
		return false;
	for (size_t i = 0; i < n_slots(counts); i++)
		if (counts->slots[i])
			sorted[n++] = counts->slots[i]->index;
	qsort(sorted, n, sizeof(*sorted), compare_indexes);
	free(counts->sorted);
	counts->sorted = sorted;
	counts->n_sorted = n;
	counts->sorted_at = 0;
	return true;
}

/* The place in sorted of the first leaf at index or behind. */
static size_t find_sorted(struct qcow2_counts *counts, uint64_t index)
{
	size_t low = 0, high = counts->n_sorted;
	const size_t at = counts->sorted_at;

	/* Most searches go on where the last one ended. */
	if (at < high && counts->sorted[at] == index)
		return at;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (counts->sorted[middle] < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first count from *i on that is not 0. */
static bool next_in_leaf(const struct leaf *leaf, size_t *i, uint64_t *n)
{
	for (; *i < LEAF_CLUSTERS; ++*i) {
		*n = qcow2_refcount_get(leaf->counts, leaf->order, *i);
		if (*n)
			return true;
	}
	return false;
}

bool qcow2_counts_next(struct qcow2_counts *counts, uint64_t *cluster, uint64_t *n)
{
	uint64_t index = *cluster / LEAF_CLUSTERS;
	size_t i = *cluster % LEAF_CLUSTERS;

	assert(counts->n_sorted == counts->n);
	for (size_t at = find_sorted(counts, index); at < counts->n_sorted; at++) {
		if (counts->sorted[at] != index)
			i = 0;
		index = counts->sorted[at];
		counts->sorted_at = at;
		if (next_in_leaf(*find_slot(counts, index), &i, n)) {
			*cluster = index * LEAF_CLUSTERS + i;
			return true;
		}
	}
	return false;
}

uint64_t qcow2_counts_most(const struct qcow2_counts *counts, uint64_t *cluster)
{
	*cluster = counts->most_cluster;
	return counts->most;
}
