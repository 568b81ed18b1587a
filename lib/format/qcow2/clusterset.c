/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A set of numbers: open addressing, linear probing, at most half full. */
#include "format/qcow2/clusterset.h"

#include "base/mem.h"

enum { SLOTS_MIN = 64 };

static size_t home(const struct qcow2_clusterset *set, uint64_t cluster)
{
	return cluster * UINT64_C(0x9e3779b97f4a7c15) >> 20 & (set->n_slots - 1);
}

/* The slot of cluster, or the free one where it would be. */
static size_t find(const struct qcow2_clusterset *set, uint64_t cluster)
{
	size_t i = home(set, cluster);

	while (set->slots[i] && set->slots[i] != cluster + 1)
		i = (i + 1) & (set->n_slots - 1);
	return i;
}

void qcow2_clusterset_clear(struct qcow2_clusterset *set)
{
	free(set->slots);
	*set = (struct qcow2_clusterset){ 0 };
}

static bool grow(struct qcow2_clusterset *set, struct img_err *err)
{
	struct qcow2_clusterset larger = {
		.n_slots = set->n_slots ? set->n_slots * 2 : SLOTS_MIN, .n = set->n,
	};

	larger.slots = img_calloc(larger.n_slots, sizeof(*larger.slots), err);
	if (!larger.slots)
		return false;
	for (size_t i = 0; i < set->n_slots; i++)
		if (set->slots[i])
			larger.slots[find(&larger, set->slots[i] - 1)] = set->slots[i];
	free(set->slots);
	*set = larger;
	return true;
}

bool qcow2_clusterset_add(struct qcow2_clusterset *set, uint64_t cluster, struct img_err *err)
{
	if (set->n * 2 >= set->n_slots && !grow(set, err))
		return false;
	const size_t i = find(set, cluster);

	set->n += !set->slots[i];
	set->slots[i] = cluster + 1;
	return true;
}

bool qcow2_clusterset_add_run(struct qcow2_clusterset *set, uint64_t first, uint64_t n,
			      struct img_err *err)
{
	for (uint64_t i = 0; i < n; i++)
		if (!qcow2_clusterset_add(set, first + i, err))
			return false;
	return true;
}

void qcow2_clusterset_remove(struct qcow2_clusterset *set, uint64_t cluster)
{
	if (!set->n)
		return;
	size_t hole = find(set, cluster), i = hole;

	if (!set->slots[hole])
		return;
	set->n--;
	set->slots[hole] = 0;
	/* Those behind it that could not be nearer to their homes move up. */
	for (;;) {
		i = (i + 1) & (set->n_slots - 1);
		if (!set->slots[i])
			return;
		const size_t wish = home(set, set->slots[i] - 1);

		if (((i - wish) & (set->n_slots - 1)) < ((i - hole) & (set->n_slots - 1)))
			continue;
		set->slots[hole] = set->slots[i];
		set->slots[i] = 0;
		hole = i;
	}
}

bool qcow2_clusterset_has(const struct qcow2_clusterset *set, uint64_t cluster)
{
	return set->n && set->slots[find(set, cluster)];
}
