/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing into a cluster of ours that reads as zeros, or of which some subclusters have no data.
 * What lies in the file there may be anything, so the entry is late.
 */
#include "base/mem.h"
#include "format/qcow2/write.h"

/* What was there before is no part of the disk's content: whatever shows up must be written. */
static struct qcow2_filling filling_of(const struct qcow2 *q, const struct qcow2_place *place,
				       uint32_t data_map)
{
	const uint64_t start = img_round_down(place->at, qcow2_cluster_size(&q->geo));
	const uint64_t grain = q->geo.subclusters ? qcow2_cluster_size(&q->geo) / QCOW2_SUBCLUSTERS
						  : qcow2_cluster_size(&q->geo);
	const uint64_t end = place->at + place->len;
	struct qcow2_filling f = {
		.from = img_round_down(place->at, grain), .end = img_round_up(end, grain),
		.late = true,
	};

	/* Parts that have their data keep what the request leaves alone. */
	if (q->geo.subclusters && data_map >> ((place->at - start) / grain) & 1)
		f.from = place->at;
	if (q->geo.subclusters && data_map >> ((end - 1 - start) / grain) & 1)
		f.end = end;
	return f;
}

/* Lock held; the cluster is claimed. */
static bool enter_change(struct qcow2_request *rq, const struct qcow2_place *place,
			 struct img_err *err)
{
	struct qcow2 *q = rq->q;
	const uint64_t skip = place->at & (qcow2_cluster_size(&q->geo) - 1);
	struct qcow2_cluster c;
	struct qcow2_table *table;

	if (!qcow2_l2_for_change(q, place->at, &table, err))
		return false;
	const bool ok = qcow2_l2_get(q, table, false, place->at, &c, err);

	if (ok) {
		const uint32_t map = q->geo.subclusters
			? qcow2_touched(&q->geo, skip, skip + place->len) : UINT32_MAX;

		qcow2_cluster_set_maps(&c, qcow2_cluster_data_map(&c) | map,
				       qcow2_cluster_zero_map(&c) & ~map);
		qcow2_l2_put(q, table, place->at, &c, true);
	}
	qcow2_cache_put(q->map.cache, table);
	return ok;
}

bool qcow2_write_change(struct qcow2_request *rq, const struct qcow2_place *place,
			struct img_err *err)
{
	struct qcow2 *q = rq->q;
	const uint64_t start = img_round_down(place->at, qcow2_cluster_size(&q->geo));
	struct qcow2_cluster old;
	struct qcow2_filling f;
	bool ok;

	if (!qcow2_entry_now(q, place->at, &old, err))
		return false;
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	f = filling_of(q, place, qcow2_cluster_data_map(&old));
	f.end = qcow2_fill_end(rq, f.end);
	ok = qcow2_fill_bytes(rq, place, &f, err) &&
	     qcow2_write_filling(rq, place, &f, place->host + (f.from - start), err);
	free(f.bytes);
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	qcow2_note_reach(q, place->host + (f.end - start));
	return ok && enter_change(rq, place, err);
}
