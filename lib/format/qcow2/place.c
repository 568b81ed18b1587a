/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the pieces of a request go, by the tables as they are now. */
#include "format/qcow2/write.h"

uint32_t qcow2_touched(const struct qcow2_geometry *geo, uint64_t from, uint64_t end)
{
	const unsigned bits = geo->cluster_bits - 5;
	const unsigned first = (unsigned)(from >> bits), last = (unsigned)((end - 1) >> bits);

	return (uint32_t)(((UINT64_C(2) << last) - 1) & ~((UINT64_C(1) << first) - 1));
}

/* Whether all bytes [from, end) of a cluster, of which c is the entry, have their data there. */
static bool has_data(const struct qcow2 *q, const struct qcow2_cluster *c, uint64_t from,
		     uint64_t end)
{
	return c->kind == QCOW2_CLUSTER_DATA ||
	       (c->kind == QCOW2_CLUSTER_MIXED &&
		!(qcow2_touched(&q->geo, from, end) & ~c->data_map));
}

/* How the part of [at, end) in at's cluster is written, of which c is the entry. */
static struct qcow2_place place_of(const struct qcow2 *q, const struct qcow2_cluster *c,
				   uint64_t at, uint64_t end)
{
	const uint64_t size = qcow2_cluster_size(&q->geo), skip = at & (size - 1);
	const uint64_t len = img_min_u64(end - at, size - skip);
	struct qcow2_place place = { .kind = PLACE_NEW, .at = at, .len = len };

	if (c->kind == QCOW2_CLUSTER_COMPRESSED || !c->allocated || !c->copied)
		return place;
	if (has_data(q, c, skip, skip + len)) {
		place.kind = PLACE_OURS;
		place.host = c->host + skip;
	} else {
		place.kind = PLACE_CHANGE;
		place.host = c->host;
	}
	return place;
}

static bool continues(const struct qcow2_place *first, const struct qcow2_place *next)
{
	return first->kind == next->kind &&
	       (first->kind == PLACE_NEW ||
		(first->kind == PLACE_OURS && first->host + first->len == next->host));
}

/* The longest piece of [at, end) that is written like its first byte; end is in the same table. */
static bool look_in_table(struct qcow2 *q, const struct qcow2_table *table, bool shared,
			  uint64_t at, uint64_t end, struct qcow2_place *out, struct img_err *err)
{
	struct qcow2_cluster c;

	if (!qcow2_l2_get(q, table, shared, at, &c, err))
		return false;
	*out = place_of(q, &c, at, end);
	for (uint64_t next = at + out->len; next < end; next = out->at + out->len) {
		if (!qcow2_l2_get(q, table, shared, next, &c, err))
			return false;
		const struct qcow2_place more = place_of(q, &c, next, end);

		if (!continues(out, &more))
			break;
		out->len += more.len;
	}
	return true;
}

bool qcow2_look(struct qcow2_request *rq, struct qcow2_place *out, struct img_err *err)
{
	struct qcow2 *q = rq->q;
	const uint64_t table_end = (rq->at >> qcow2_l1_bits(&q->geo)) + 1;
	const uint64_t end = img_min_u64(rq->at + rq->len, table_end << qcow2_l1_bits(&q->geo));
	struct qcow2_table *table;
	bool shared;

	if (!qcow2_l2_for_look(q, rq->at, &table, &shared, err))
		return false;
	*out = (struct qcow2_place){ .kind = PLACE_NEW, .at = rq->at, .len = end - rq->at };
	if (!table)
		return true;
	const bool ok = look_in_table(q, table, shared, rq->at, end, out, err);

	qcow2_cache_put(q->map.cache, table);
	return ok && (out->kind == PLACE_NEW || q->geo.data_file ||
		      qcow2_guard_check(q, out->host, out->len, err));
}

bool qcow2_entry_now(struct qcow2 *q, uint64_t at, struct qcow2_cluster *out, struct img_err *err)
{
	struct qcow2_table *table;
	bool shared;

	*out = (struct qcow2_cluster){ .kind = QCOW2_CLUSTER_HOLE };
	if (!qcow2_l2_for_look(q, at, &table, &shared, err))
		return false;
	if (!table)
		return true;
	const bool ok = qcow2_l2_get(q, table, shared, at, out, err);

	qcow2_cache_put(q->map.cache, table);
	return ok;
}

void qcow2_note_reach(struct qcow2 *q, uint64_t end)
{
	q->map.data_size = img_max_u64(q->map.data_size, end);
	if (!q->data_file)
		q->map.file_size = q->map.data_size;
}
