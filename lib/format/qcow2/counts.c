/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counts of clusters, in leaves of 1024 that a hash table finds.  A leaf starts with one bit for
 * each count and is made wider when one no longer fits: a full TiB in 64 KiB clusters takes 3 MiB.
 * An image that points to one cluster in each leaf makes 8 bytes of its own cost us some 160.
 */
#include "format/qcow2/counts.h"

#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/qcow2.h"

enum {
	LEAF_BITS = 10,
	LEAF_CLUSTERS = 1 << LEAF_BITS,
	FIRST_SLOT_BITS = 6,
};
#define MEMORY_MAX (UINT64_C(2) << 30)
#define WINDOW_MEMORY_MIN (UINT64_C(64) << 10)

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
	uint64_t first, end;		/* clusters that are counted */
	uint64_t limit;			/* bytes of leaves; UINT64_MAX: no window */
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

static size_t leaf_len(unsigned order)
{
	return sizeof(struct leaf) + ((size_t)LEAF_CLUSTERS << order) / 8;
}

static struct leaf *new_leaf(struct qcow2_counts *counts, uint64_t index, unsigned order,
			     struct img_err *err)
{
	const size_t len = leaf_len(order);
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

/* Where counts are that n is to be added to; a leaf that is new has room for that. */
static struct leaf **get_leaf(struct qcow2_counts *counts, uint64_t index, uint64_t n,
			      struct img_err *err)
{
	unsigned order = 0;
	struct leaf **slot = find_slot(counts, index);

	if (*slot)
		return slot;
	if (counts->n >= n_slots(counts) / 4 * 3) {
		if (!grow_slots(counts, err))
			return NULL;
		slot = find_slot(counts, index);
	}
	while (n > qcow2_refcount_max(order))
		order++;
	*slot = new_leaf(counts, index, order, err);
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
	counts->memory -= leaf_len(old->order);
	*slot = wide;
	free(old);
	return true;
}

/* ---- Windows ------------------------------------------------------------------------------------- */

static void note_most(struct qcow2_counts *counts, uint64_t cluster, uint64_t n)
{
	if (n <= counts->most)
		return;
	counts->most = n;
	counts->most_cluster = cluster;
}

static void note_most_of(struct qcow2_counts *counts, const struct leaf *leaf)
{
	uint64_t n[LEAF_CLUSTERS];

	if (counts->most >= qcow2_refcount_max(leaf->order))
		return;
	qcow2_refcounts_get(leaf->counts, leaf->order, 0, n, LEAF_CLUSTERS);
	for (size_t i = 0; i < LEAF_CLUSTERS; i++)
		note_most(counts, leaf->index * LEAF_CLUSTERS + i, n[i]);
}

/* Takes all leaves out and puts back those that stay. */
void qcow2_counts_cut(struct qcow2_counts *counts, uint64_t end)
{
	struct leaf **old = counts->slots;
	struct leaf **slots;

	if (end >= counts->end)
		return;
	counts->end = end;
	slots = calloc(n_slots(counts), sizeof(*slots));
	if (!slots)
		return;		/* then they stay, and nobody asks for them */
	counts->slots = slots;
	counts->n = counts->n_sorted = 0;
	counts->memory = counts->most = 0;
	for (size_t i = 0; i < n_slots(counts); i++) {
		if (old[i] && old[i]->index * LEAF_CLUSTERS < end) {
			*find_slot(counts, old[i]->index) = old[i];
			counts->n++;
			counts->memory += leaf_len(old[i]->order);
			note_most_of(counts, old[i]);
		} else {
			free(old[i]);
		}
	}
	free(old);
}

/* The middle one of all indexes, 0 when there is only one. */
static bool find_middle(struct qcow2_counts *counts, uint64_t *index, struct img_err *err)
{
	if (!qcow2_counts_sort(counts, err))
		return false;
	*index = counts->n_sorted > 1 ? counts->sorted[counts->n_sorted / 2] : 0;
	return true;
}

/* Makes room for len bytes more by giving up the upper half of what was counted. */
static bool make_room(struct qcow2_counts *counts, size_t len, struct img_err *err)
{
	uint64_t middle;

	while (counts->memory + len > counts->limit) {
		if (!find_middle(counts, &middle, err))
			return false;
		if (!middle)
			return true;
		qcow2_counts_cut(counts, middle * LEAF_CLUSTERS);
	}
	return true;
}

/* ---- What others see ----------------------------------------------------------------------------- */

struct qcow2_counts *qcow2_counts_new(struct img_err *err)
{
	struct qcow2_counts *counts = img_calloc(1, sizeof(*counts), err);

	if (!counts)
		return NULL;
	counts->end = counts->limit = UINT64_MAX;
	counts->slot_bits = FIRST_SLOT_BITS;
	counts->slots = img_calloc(n_slots(counts), sizeof(*counts->slots), err);
	if (counts->slots)
		return counts;
	free(counts);
	return NULL;
}

struct qcow2_counts *qcow2_counts_new_window(uint64_t first, uint64_t memory, struct img_err *err)
{
	struct qcow2_counts *counts = qcow2_counts_new(err);

	if (!counts)
		return NULL;
	counts->first = first;
	counts->limit = img_max_u64(memory, WINDOW_MEMORY_MIN);
	return counts;
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

uint64_t qcow2_counts_end(const struct qcow2_counts *counts)
{
	return counts->end;
}

static bool is_counted(const struct qcow2_counts *counts, uint64_t cluster)
{
	return cluster >= counts->first && cluster < counts->end;
}

/* Adds to a count of less than a byte that neither needs more bits nor becomes the largest. */
static bool add_quickly(const struct qcow2_counts *counts, struct leaf *leaf, size_t i, uint64_t n)
{
	if (leaf->order >= 3)
		return false;
	const size_t bit = i << leaf->order;
	const unsigned shift = bit % 8, max = (1u << (1u << leaf->order)) - 1;
	uint8_t *byte = &leaf->counts[bit / 8];
	const unsigned old = *byte >> shift & max;

	if (n > max - old || old + n > counts->most)
		return false;
	*byte = (uint8_t)(*byte + (n << shift));
	return true;
}

/* The same for counts that are 0, of n_clusters at most, byte by byte; for how many it did it. */
static size_t add_to_zeros(const struct qcow2_counts *counts, struct leaf *leaf, size_t first,
			   size_t n_clusters, uint64_t n)
{
	const size_t end = first + n_clusters;
	size_t at = first;

	if (leaf->order >= 3)
		return 0;
	const unsigned bits = 1u << leaf->order, per_byte = 8 / bits, max = (1u << bits) - 1;
	if (n > max || n > counts->most)
		return 0;
	const unsigned everywhere = (unsigned)n * (0xff / max);
	while (at < end) {
		const size_t some = img_min_u64(per_byte - at % per_byte, end - at);
		const unsigned mask = ((1u << some * bits) - 1) << at % per_byte * bits;
		uint8_t *byte = &leaf->counts[at / per_byte];

		if (*byte & mask)
			break;
		*byte |= (uint8_t)(everywhere & mask);
		at += some;
	}
	return at - first;
}

/* All others. */
static bool add_slowly(struct qcow2_counts *counts, uint64_t cluster, uint64_t n,
		       struct img_err *err)
{
	const size_t i = cluster % LEAF_CLUSTERS;
	struct leaf **slot;
	uint64_t sum;

	if (counts->limit != UINT64_MAX &&
	    (!make_room(counts, leaf_len(QCOW2_REFCOUNT_ORDER_MAX), err)))
		return false;
	if (!is_counted(counts, cluster))
		return true;
	slot = get_leaf(counts, cluster / LEAF_CLUSTERS, n, err);
	if (!slot)
		return false;
	if (!img_add_u64(qcow2_refcount_get((*slot)->counts, (*slot)->order, i), n, &sum))
		sum = UINT64_MAX;
	if (!widen_leaf(counts, slot, sum, err))
		return false;
	qcow2_refcount_put((*slot)->counts, (*slot)->order, i, sum);
	note_most(counts, cluster, sum);
	return true;
}

bool qcow2_counts_add(struct qcow2_counts *counts, uint64_t cluster, uint64_t n,
		      struct img_err *err)
{
	struct leaf *leaf;

	if (!n || !is_counted(counts, cluster))
		return true;
	leaf = *find_slot(counts, cluster / LEAF_CLUSTERS);
	if (leaf && add_quickly(counts, leaf, cluster % LEAF_CLUSTERS, n))
		return true;
	return add_slowly(counts, cluster, n, err);
}

bool qcow2_counts_add_run(struct qcow2_counts *counts, uint64_t cluster, uint64_t n_clusters,
			  uint64_t n, struct img_err *err)
{
	const uint64_t end = cluster + n_clusters;

	while (cluster < end) {
		const size_t i = cluster % LEAF_CLUSTERS;
		struct leaf *leaf = *find_slot(counts, cluster / LEAF_CLUSTERS);
		const size_t done = leaf && cluster >= counts->first && end <= counts->end
			? add_to_zeros(counts, leaf, i, img_min_u64(end - cluster, LEAF_CLUSTERS - i), n)
			: 0;

		if (!done && !qcow2_counts_add(counts, cluster, n, err))
			return false;
		cluster += done ? done : 1;
	}
	return true;
}

/* Adds what a leaf counts, one by one. */
static bool add_leaf(struct qcow2_counts *counts, const struct leaf *leaf, struct img_err *err)
{
	for (size_t i = 0; i < LEAF_CLUSTERS; i++)
		if (!qcow2_counts_add(counts, leaf->index * LEAF_CLUSTERS + i,
				      qcow2_refcount_get(leaf->counts, leaf->order, i), err))
			return false;
	return true;
}

/* The lowest bit of each count of 1 << order bits that is not 0, among those in eight bytes. */
static uint64_t in_use(uint64_t counts, unsigned order)
{
	const uint64_t max = qcow2_refcount_max(order);

	for (unsigned shift = 1; shift < 1u << order; shift *= 2)
		counts |= counts >> shift;
	return counts & UINT64_MAX / max;
}

/* Whether they are as wide as each other and none counts what the other does; then to counts all. */
static bool join_leaves(struct leaf *to, const struct leaf *from)
{
	const size_t len = leaf_len(to->order) - sizeof(*to);
	uint64_t both = to->order != from->order, a, b;

	for (size_t i = 0; !both && i < len; i += sizeof(a)) {
		memcpy(&a, to->counts + i, sizeof(a));
		memcpy(&b, from->counts + i, sizeof(b));
		both = in_use(a, to->order) & in_use(b, to->order);
	}
	for (size_t i = 0; !both && i < len; i++)
		to->counts[i] |= from->counts[i];
	return !both;
}

/* Takes over a leaf where counts has none; *taken: it did. */
static bool adopt(struct qcow2_counts *counts, struct leaf *leaf, bool *taken, struct img_err *err)
{
	*taken = false;
	if (*find_slot(counts, leaf->index))
		return true;
	if (counts->n >= n_slots(counts) / 4 * 3 && !grow_slots(counts, err))
		return false;
	*find_slot(counts, leaf->index) = leaf;
	counts->n++;
	counts->memory += leaf_len(leaf->order);
	*taken = true;
	return true;
}

static bool merge_leaf(struct qcow2_counts *counts, struct leaf *leaf, struct img_err *err)
{
	bool taken;

	if (!adopt(counts, leaf, &taken, err))
		return false;
	if (taken)
		return true;
	if (!join_leaves(*find_slot(counts, leaf->index), leaf) && !add_leaf(counts, leaf, err))
		return false;
	free(leaf);
	return true;
}

bool qcow2_counts_merge(struct qcow2_counts *counts, struct qcow2_counts *from,
			struct img_err *err)
{
	for (size_t i = 0; i < n_slots(from); i++) {
		if (from->slots[i] && !merge_leaf(counts, from->slots[i], err))
			return false;
		from->slots[i] = NULL;
	}
	/* Leaves that were taken over have no count above it; sums were looked at one by one. */
	note_most(counts, from->most_cluster, from->most);
	from->n = from->n_sorted = 0;
	from->memory = 0;
	return true;
}

uint64_t qcow2_counts_get(const struct qcow2_counts *counts, uint64_t cluster)
{
	const struct leaf *leaf = *find_slot(counts, cluster / LEAF_CLUSTERS);

	return leaf ? qcow2_refcount_get(leaf->counts, leaf->order, cluster % LEAF_CLUSTERS) : 0;
}

void qcow2_counts_get_many(const struct qcow2_counts *counts, uint64_t cluster, uint64_t *out,
			   size_t n)
{
	for (size_t done = 0; done < n; ) {
		const uint64_t at = cluster + done;
		const size_t start = at % LEAF_CLUSTERS;
		const size_t some = img_min_u64(n - done, LEAF_CLUSTERS - start);
		const struct leaf *leaf = *find_slot(counts, at / LEAF_CLUSTERS);

		if (leaf)
			qcow2_refcounts_get(leaf->counts, leaf->order, start, out + done, some);
		else
			memset(out + done, 0, some * sizeof(*out));
		done += some;
	}
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
