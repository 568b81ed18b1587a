/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing into new clusters, and copy-on-write of what the guest saw around the request. */
#include "base/mem.h"
#include "format/qcow2/write.h"

/* Copy-on-write of several clusters goes through one buffer of about this size. */
#define FILL_BYTES (1 << 20)
/* Neighbours that are looked at on each side. */
#define NEAR_MAX 16

/* The clusters that a piece touches, whole: guest bytes. */
struct span {
	uint64_t start, end;
};

static struct span span_of(const struct qcow2 *q, const struct qcow2_place *place)
{
	return (struct span){
		.start = img_round_down(place->at, qcow2_cluster_size(&q->geo)),
		.end = qcow2_end_of_cluster(q, place->at + place->len - 1),
	};
}

/* Of an old cluster that nothing is stored in only the touched subclusters need a place. */
static bool is_hollow(const struct qcow2_cluster *old)
{
	return old->kind == QCOW2_CLUSTER_HOLE || old->kind == QCOW2_CLUSTER_ZERO;
}

/* How far the filling goes beyond the request at one end, in a cluster with that old entry. */
static uint64_t grain_of(const struct qcow2 *q, const struct qcow2_cluster *old)
{
	const uint64_t size = qcow2_cluster_size(&q->geo);

	return q->geo.subclusters && is_hollow(old) ? size / QCOW2_SUBCLUSTERS : size;
}

/* Lock held.  Shortens a piece that must be filled to what one buffer holds. */
static bool plan_filling(struct qcow2_request *rq, struct qcow2_place *place,
			 struct qcow2_filling *f, struct img_err *err)
{
	struct qcow2 *q = rq->q;
	const uint64_t most = img_max_u64(qcow2_end_of_cluster(q, place->at),
					  img_round_down(place->at + FILL_BYTES,
							 qcow2_cluster_size(&q->geo)));
	struct qcow2_cluster head, tail;

	place->len = img_min_u64(place->len, most - place->at);
	if (!qcow2_entry_now(q, place->at, &head, err) ||
	    !qcow2_entry_now(q, place->at + place->len - 1, &tail, err))
		return false;
	f->from = img_round_down(place->at, grain_of(q, &head));
	f->end = qcow2_fill_end(rq, img_round_up(place->at + place->len, grain_of(q, &tail)));
	return true;
}

/* Lock held.  The place in the file of a guest cluster; 0: it has none, or the file has lost it. */
static bool place_of(struct qcow2 *q, uint64_t guest, uint64_t *place, struct img_err *err)
{
	struct img_err why = { 0 };
	struct qcow2_cluster c;

	*place = 0;
	if (!qcow2_entry_now(q, guest << q->geo.cluster_bits, &c, &why)) {
		if (why.code != IMG_E_INCOMPLETE && err)
			*err = why;
		return why.code == IMG_E_INCOMPLETE;
	}
	if (c.allocated && c.kind != QCOW2_CLUSTER_COMPRESSED)
		*place = c.host >> q->geo.cluster_bits;
	return true;
}

/*
 * Lock held.  Where a guest cluster would lie if its nearest neighbour in the region that has a place
 * were followed by all in between; 0: none has.
 */
static bool find_near(struct qcow2 *q, uint64_t guest, uint64_t *near, struct img_err *err)
{
	const unsigned bits = q->geo.cluster_bits;
	const uint64_t region = q->disk->region, start = img_round_down(guest, region);
	const uint64_t end = img_min_u64(start + region, img_div_up(q->header.size, 1ull << bits));
	uint64_t place;

	*near = 0;
	for (uint64_t d = 1; d <= NEAR_MAX && d < region; d++) {
		if (guest >= start + d) {
			if (!place_of(q, guest - d, &place, err))
				return false;
			if (place)
				*near = place + d;
		}
		if (!*near && guest + d < end) {
			if (!place_of(q, guest + d, &place, err))
				return false;
			if (place > d)
				*near = place - d;
		}
		if (*near)
			break;
	}
	return true;
}

/* Lock held.  The places of the clusters of a piece, which may become shorter. */
static bool find_host(struct qcow2_request *rq, struct qcow2_place *place, uint64_t *host,
		      struct img_err *err)
{
	struct qcow2 *q = rq->q;
	const unsigned bits = q->geo.cluster_bits;
	const uint64_t first = place->at >> bits, last = (place->at + place->len - 1) >> bits;
	struct qcow2_stretch got;
	uint64_t near;

	if (q->geo.data_file) {
		*host = first << bits;
		return true;
	}
	if (!find_near(q, first, &near, err))
		return false;
	const struct qcow2_want want = { .guest = first, .max = last - first + 1, .near = near };

	if (!qcow2_take(q, &want, &got, err))
		return false;
	*host = got.first << bits;
	place->len = img_min_u64(place->len, ((first + got.n) << bits) - place->at);
	return true;
}

/* Entry of a cluster at guest offset start, of which [from, end) is stored now at host. */
static bool enter_new(struct qcow2 *q, struct qcow2_table *table, uint64_t start,
		      const struct qcow2_filling *f, uint64_t host, struct img_err *err)
{
	const uint64_t size = qcow2_cluster_size(&q->geo);
	struct qcow2_cluster old, new = { .allocated = true, .copied = true, .host = host };
	uint32_t data_map = UINT32_MAX, zero_map = 0;

	if (!qcow2_l2_get(q, table, false, start, &old, err) || !qcow2_may_drop(q, &old, err))
		return false;
	if (q->geo.subclusters && is_hollow(&old)) {
		data_map = qcow2_touched(&q->geo, img_max_u64(f->from, start) - start,
					 img_min_u64(f->end, start + size) - start);
		zero_map = qcow2_cluster_zero_map(&old) & ~data_map;
	}
	qcow2_cluster_set_maps(&new, data_map, zero_map);
	qcow2_l2_put(q, table, start, &new, f->late);
	qcow2_drop_cluster(q, &old);
	return true;
}

/* Of the clusters of a piece, which lie at host, nothing refers to those from start on. */
static void drop_rest(struct qcow2 *q, const struct qcow2_place *place, uint64_t start,
		      uint64_t host)
{
	const struct span span = span_of(q, place);

	if (!q->geo.data_file)
		qcow2_drop(q, host + (start - span.start), span.end - start);
}

/* Lock held; the clusters are claimed. */
static bool enter_all(struct qcow2_request *rq, const struct qcow2_place *place,
		      const struct qcow2_filling *f, uint64_t host, struct img_err *err)
{
	struct qcow2 *q = rq->q;
	const uint64_t size = qcow2_cluster_size(&q->geo), end = place->at + place->len;
	const uint64_t first = img_round_down(place->at, size);
	uint64_t start = first;
	struct qcow2_table *table;

	if (!qcow2_l2_for_change(q, place->at, &table, err)) {
		drop_rest(q, place, first, host);
		return false;
	}
	while (start < end && enter_new(q, table, start, f, host + (start - first), err))
		start += size;
	qcow2_cache_put(q->map.cache, table);
	if (start >= end)
		return true;
	drop_rest(q, place, start, host);
	return false;
}

/* Without the lock: bytes that make up the piece, to their new place. */
static bool store_new(struct qcow2_request *rq, const struct qcow2_place *place,
		      struct qcow2_filling *f, uint64_t host, struct img_err *err)
{
	const uint64_t first = img_round_down(place->at, qcow2_cluster_size(&rq->q->geo));

	/* Where the cluster is zero already, and the guest sees zeros around what it writes. */
	if (!f->late && rq->held->len && qcow2_hold_more(rq, host + (place->at - first), place->len))
		return qcow2_write_held(rq, err);
	if (!f->late)
		return img_store_write(rq->q->map.data, host + (place->at - first), rq->buf,
				       place->len, err);
	const bool ok = qcow2_fill_bytes(rq, place, f, err) &&
			qcow2_write_filling(rq, place, f, host + (f->from - first), err);

	free(f->bytes);
	return ok;
}

/* A data file has a content of its own, which must not show; what is enciphered is never zero there. */
static bool is_late(struct qcow2_request *rq, const struct qcow2_place *place, bool *late,
		    struct img_err *err)
{
	const struct qcow2 *q = rq->q;
	const struct span span = span_of(q, place);
	bool zero;

	*late = true;
	if (q->geo.data_file || qcow2_is_encrypted(q))
		return true;
	if (!qcow2_old_is_zero(rq->ly, span.start, span.end - span.start, &zero, err))
		return false;
	*late = !zero;
	return true;
}

bool qcow2_write_new(struct qcow2_request *rq, struct qcow2_place *place, struct img_err *err)
{
	struct qcow2 *q = rq->q;
	struct qcow2_filling f = { 0 };
	struct span span;
	uint64_t host;
	bool ok;

	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	ok = is_late(rq, place, &f.late, err);
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	if (!ok || (f.late && !plan_filling(rq, place, &f, err)) ||
	    !find_host(rq, place, &host, err))
		return false;
	span = span_of(q, place);
	if (!f.late)
		f = (struct qcow2_filling){ .from = place->at, .end = place->at + place->len };
	/* Fewer clusters than hoped for may have come. */
	f.end = img_min_u64(f.end, span.end);
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	ok = store_new(rq, place, &f, host, err);
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	if (ok) {
		qcow2_note_reach(q, host + (f.end - span.start));
		return enter_all(rq, place, &f, host, err);
	}
	drop_rest(q, place, span.start, host);
	return false;
}
