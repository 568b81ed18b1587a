/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clusters that nobody needs, as the disk is no other without them, or is to be: their entries go, and
 * with these the clusters of the file.  Bitmaps are told if it is another one.
 */
#include "base/num.h"
#include "format/qcow2/resize.h"

/* Of a table that a snapshot has, too, there would have to be a copy first, for no gain. */
static bool is_shared(struct qcow2 *q, uint64_t at, bool *shared, struct img_err *err)
{
	struct qcow2_table *table = NULL;

	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	const bool ok = qcow2_l2_for_look(q, at, &table, shared, err);

	if (ok && table)
		qcow2_cache_put(q->map.cache, table);
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	return ok;
}

/* Whole clusters. */
static bool hollow_run(struct img_layer *ly, uint64_t at, uint64_t end, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	const unsigned bits = qcow2_l1_bits(&q->geo);

	for (uint64_t next; at < end; at = next) {
		bool shared = false;

		next = img_min_u64(end, ((at >> bits) + 1) << bits);
		if (!is_shared(q, at, &shared, err) ||
		    (!shared && !qcow2_discard(ly, at, next - at, err)))
			return false;
	}
	return true;
}

bool qcow2_hollow(struct img_layer *ly, const struct img_layer_compact *how, struct img_err *err)
{
	const struct img_rangeset *hollow = how->hollow;
	struct qcow2 *q = ly->priv;
	const uint64_t size = qcow2_cluster_size(&q->geo);

	for (size_t i = 0; i < hollow->n; i++) {
		const struct img_stretch *s = &hollow->v[i];
		const uint64_t from = img_round_up(s->start, size);
		/* The end of the disk ends its last cluster. */
		const uint64_t end = s->end >= ly->size ? ly->size : img_round_down(s->end, size);

		if (from < end && !((!how->changes || qcow2_bitmaps_mark(q, from, end - from, err)) &&
				    hollow_run(ly, from, end, err)))
			return false;
	}
	return true;
}
