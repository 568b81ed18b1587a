/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guest bytes written at random.  A request is cut into pieces that are written the same way: over
 * a cluster that is ours alone; into a cluster of ours whose entry has to change; or into new ones.
 *
 * Order: a new cluster reads as zeros until its bytes arrive.  Where the guest read zeros before,
 * its entry may therefore reach the disk at any time.  Where it read anything else the entry is
 * late: behind the bytes.
 */
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/disk.h"

/* Copy-on-write of several clusters goes through one buffer of about this size. */
#define FILL_BYTES (1 << 20)

enum place_kind {
	PLACE_OURS,			/* bytes can be written over */
	PLACE_CHANGE,			/* the cluster is ours, its entry says so of too few bytes */
	PLACE_NEW,
};

/* Guest bytes [at, at + len), len > 0, in one L2 table, that are written the same way. */
struct place {
	enum place_kind kind;
	uint64_t at, len;
	uint64_t host;			/* OURS: where at lies; CHANGE: where its cluster starts */
};

struct request {
	struct img_layer *ly;
	struct qcow2 *q;
	uint64_t at;			/* guest */
	const uint8_t *buf;
	size_t len;
};

/* ---- Looking: the lock is held --------------------------------------------------------------- */

/* The subclusters, as a map, that bytes [from, end) of a cluster touch. */
static uint32_t touched(const struct qcow2_geometry *geo, uint64_t from, uint64_t end)
{
	const unsigned bits = geo->cluster_bits - 5;
	const unsigned first = (unsigned)(from >> bits), last = (unsigned)((end - 1) >> bits);

	return (uint32_t)(((UINT64_C(2) << last) - 1) & ~((UINT64_C(1) << first) - 1));
}

/* How the part of [at, end) in at's cluster is written, of which c is the entry. */
static struct place place_of(const struct qcow2 *q, const struct qcow2_cluster *c, uint64_t at,
			     uint64_t end)
{
	const uint64_t size = qcow2_cluster_size(&q->geo), skip = at & (size - 1);
	const uint64_t len = img_min_u64(end - at, size - skip);
	struct place place = { .kind = PLACE_NEW, .at = at, .len = len };

	if (c->kind == QCOW2_CLUSTER_COMPRESSED || !c->allocated || !c->copied)
		return place;
	if (c->kind == QCOW2_CLUSTER_DATA ||
	    (c->kind == QCOW2_CLUSTER_MIXED && !(touched(&q->geo, skip, skip + len) & ~c->data_map))) {
		place.kind = PLACE_OURS;
		place.host = c->host + skip;
	} else {
		place.kind = PLACE_CHANGE;
		place.host = c->host;
	}
	return place;
}

static bool continues(const struct place *first, const struct place *next)
{
	return first->kind == next->kind &&
	       (first->kind == PLACE_NEW ||
		(first->kind == PLACE_OURS && first->host + first->len == next->host));
}

/* The longest piece of [at, end) that is written like its first byte; end is in the same table. */
static bool look_in_table(struct qcow2 *q, const struct qcow2_table *table, bool shared,
			  uint64_t at, uint64_t end, struct place *out, struct img_err *err)
{
	struct qcow2_cluster c;

	if (!qcow2_l2_get(q, table, shared, at, &c, err))
		return false;
	*out = place_of(q, &c, at, end);
	for (uint64_t next = at + out->len; next < end; next = out->at + out->len) {
		if (!qcow2_l2_get(q, table, shared, next, &c, err))
			return false;
		const struct place more = place_of(q, &c, next, end);

		if (!continues(out, &more))
			break;
		out->len += more.len;
	}
	return true;
}

static bool look(struct request *rq, struct place *out, struct img_err *err)
{
	struct qcow2 *q = rq->q;
	const uint64_t table_end = (rq->at >> qcow2_l1_bits(&q->geo)) + 1;
	const uint64_t end = img_min_u64(rq->at + rq->len, table_end << qcow2_l1_bits(&q->geo));
	struct qcow2_table *table;
	bool shared;

	if (!qcow2_l2_for_look(q, rq->at, &table, &shared, err))
		return false;
	*out = (struct place){ .kind = PLACE_NEW, .at = rq->at, .len = end - rq->at };
	if (!table)
		return true;
	const bool ok = look_in_table(q, table, shared, rq->at, end, out, err);

	qcow2_cache_put(q->map.cache, table);
	return ok && (out->kind == PLACE_NEW || q->geo.data_file ||
		      qcow2_guard_check(q, out->host, out->len, err));
}

/* A data file grows as it is written, and any file may end inside of its last cluster. */
static void note_reach(struct qcow2 *q, uint64_t end)
{
	q->map.data_size = img_max_u64(q->map.data_size, end);
	if (!q->data_file)
		q->map.file_size = q->map.data_size;
}

/* ---- Bytes of a piece: without the lock ------------------------------------------------------ */

/* What goes to the disk for a piece: guest bytes [from, end), of which the request has a part. */
struct filling {
	uint64_t from, end;
	uint8_t *bytes;			/* owned; NULL: it is the request's bytes, no more */
	bool late;
};

/* A data file is as long as the disk, even if that ends inside of a cluster. */
static uint64_t fill_end(const struct request *rq, uint64_t end)
{
	return rq->q->geo.data_file ? img_min_u64(end, rq->ly->size) : end;
}

static bool fill_bytes(struct request *rq, const struct place *place, struct filling *f,
		       struct img_err *err)
{
	const uint64_t at = place->at, end = place->at + place->len;

	if (f->from == at && f->end == end)
		return true;
	f->bytes = img_alloc_aligned(f->end - f->from, err);
	if (!f->bytes)
		return false;
	memcpy(f->bytes + (at - f->from), rq->buf, place->len);
	return qcow2_old_read(rq->ly, f->from, f->bytes, at - f->from, err) &&
	       qcow2_old_read(rq->ly, end, f->bytes + (end - f->from), f->end - end, err);
}

static bool write_filling(struct request *rq, const struct place *place, const struct filling *f,
			  uint64_t host, struct img_err *err)
{
	if (f->bytes)
		return img_store_write(rq->q->map.data, host, f->bytes, f->end - f->from, err);
	return img_store_write(rq->q->map.data, host, rq->buf, place->len, err);
}

/* ---- A cluster of ours whose entry changes --------------------------------------------------- */

/* The end of the disk is inside of a cluster, or at its end. */
static uint64_t end_of_cluster(const struct qcow2 *q, uint64_t at)
{
	return img_round_down(at, qcow2_cluster_size(&q->geo)) + qcow2_cluster_size(&q->geo);
}

/* What was there before is no part of the disk's content: whatever shows up must be written. */
static struct filling filling_of_change(const struct qcow2 *q, const struct place *place,
					uint32_t data_map)
{
	const uint64_t start = img_round_down(place->at, qcow2_cluster_size(&q->geo));
	const uint64_t grain = q->geo.subclusters ? qcow2_cluster_size(&q->geo) / QCOW2_SUBCLUSTERS
						  : qcow2_cluster_size(&q->geo);
	const uint64_t end = place->at + place->len;
	struct filling f = {
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
static bool enter_change(struct request *rq, const struct place *place, struct img_err *err)
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
			? touched(&q->geo, skip, skip + place->len) : UINT32_MAX;

		qcow2_cluster_set_maps(&c, qcow2_cluster_data_map(&c) | map,
				       qcow2_cluster_zero_map(&c) & ~map);
		qcow2_l2_put(q, table, place->at, &c, true);
	}
	qcow2_cache_put(q->map.cache, table);
	return ok;
}

static bool read_maps(struct request *rq, const struct place *place, uint32_t *data_map,
		      struct img_err *err)
{
	struct qcow2 *q = rq->q;
	struct qcow2_cluster c = { 0 };
	struct qcow2_table *table;
	bool shared;

	if (!qcow2_l2_for_look(q, place->at, &table, &shared, err))
		return false;
	if (!table)
		return qcow2_contradiction(q->disk, err, _("an L2 table vanished"));
	const bool ok = qcow2_l2_get(q, table, shared, place->at, &c, err);

	qcow2_cache_put(q->map.cache, table);
	*data_map = qcow2_cluster_data_map(&c);
	return ok;
}

static bool write_change(struct request *rq, const struct place *place, struct img_err *err)
{
	struct qcow2 *q = rq->q;
	const uint64_t start = img_round_down(place->at, qcow2_cluster_size(&q->geo));
	uint32_t data_map = 0;
	struct filling f;
	bool ok;

	if (!read_maps(rq, place, &data_map, err))
		return false;
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	f = filling_of_change(q, place, data_map);
	f.end = fill_end(rq, f.end);
	ok = fill_bytes(rq, place, &f, err) &&
	     write_filling(rq, place, &f, place->host + (f.from - start), err);
	free(f.bytes);
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	note_reach(q, place->host + (f.end - start));
	return ok && enter_change(rq, place, err);
}

/* ---- New clusters ---------------------------------------------------------------------------- */

/* Of an old cluster that nothing is stored in only the touched subclusters need a place. */
static bool is_hollow(const struct qcow2_cluster *old)
{
	return old->kind == QCOW2_CLUSTER_HOLE || old->kind == QCOW2_CLUSTER_ZERO;
}

/* The entry of at before the write; there may be no table. */
static bool old_entry(struct qcow2 *q, uint64_t at, struct qcow2_cluster *old, struct img_err *err)
{
	struct qcow2_table *table;
	bool shared;

	*old = (struct qcow2_cluster){ .kind = QCOW2_CLUSTER_HOLE };
	if (!qcow2_l2_for_look(q, at, &table, &shared, err))
		return false;
	if (!table)
		return true;
	const bool ok = qcow2_l2_get(q, table, shared, at, old, err);

	qcow2_cache_put(q->map.cache, table);
	return ok;
}

/* How far the filling goes beyond the request at one end, in a cluster with that old entry. */
static uint64_t grain_of(const struct qcow2 *q, const struct qcow2_cluster *old)
{
	const uint64_t size = qcow2_cluster_size(&q->geo);

	return q->geo.subclusters && is_hollow(old) ? size / QCOW2_SUBCLUSTERS : size;
}

/* Lock held.  Shortens a piece that must be filled to what one buffer holds. */
static bool plan_filling(struct request *rq, struct place *place, struct filling *f,
			 struct img_err *err)
{
	struct qcow2 *q = rq->q;
	const uint64_t most = img_max_u64(end_of_cluster(q, place->at),
					  img_round_down(place->at + FILL_BYTES,
							 qcow2_cluster_size(&q->geo)));
	struct qcow2_cluster head, tail;

	place->len = img_min_u64(place->len, most - place->at);
	if (!old_entry(q, place->at, &head, err) ||
	    !old_entry(q, place->at + place->len - 1, &tail, err))
		return false;
	f->from = img_round_down(place->at, grain_of(q, &head));
	f->end = fill_end(rq, img_round_up(place->at + place->len, grain_of(q, &tail)));
	return true;
}

/* Lock held.  The places of the clusters of a piece, which may become shorter. */
static bool find_host(struct request *rq, struct place *place, uint64_t *host, struct img_err *err)
{
	struct qcow2 *q = rq->q;
	const unsigned bits = q->geo.cluster_bits;
	const uint64_t first = place->at >> bits, last = (place->at + place->len - 1) >> bits;
	struct qcow2_stretch got;

	if (q->geo.data_file) {
		*host = first << bits;
		return true;
	}
	if (!qcow2_take(q, last - first + 1, &got, err))
		return false;
	*host = got.first << bits;
	place->len = img_min_u64(place->len, ((first + got.n) << bits) - place->at);
	return true;
}

/* Entry of a cluster at guest offset start, of which [from, end) is stored now at host. */
static bool enter_new(struct qcow2 *q, struct qcow2_table *table, uint64_t start,
		      const struct filling *f, uint64_t host, struct img_err *err)
{
	const uint64_t size = qcow2_cluster_size(&q->geo);
	struct qcow2_cluster old, new = { .allocated = true, .copied = true, .host = host };
	uint32_t data_map = UINT32_MAX, zero_map = 0;

	if (!qcow2_l2_get(q, table, false, start, &old, err))
		return false;
	if (q->geo.subclusters && is_hollow(&old)) {
		data_map = touched(&q->geo, img_max_u64(f->from, start) - start,
				   img_min_u64(f->end, start + size) - start);
		zero_map = qcow2_cluster_zero_map(&old) & ~data_map;
	}
	qcow2_cluster_set_maps(&new, data_map, zero_map);
	qcow2_l2_put(q, table, start, &new, f->late);
	if (old.kind == QCOW2_CLUSTER_COMPRESSED)
		qcow2_drop(q, old.host, old.stored_len);
	else if (old.allocated && !q->geo.data_file)
		qcow2_drop(q, old.host, size);
	return true;
}

/* Lock held; the clusters are claimed. */
static bool enter_all(struct request *rq, const struct place *place, const struct filling *f,
		      uint64_t host, struct img_err *err)
{
	struct qcow2 *q = rq->q;
	const uint64_t size = qcow2_cluster_size(&q->geo), end = place->at + place->len;
	const uint64_t first = img_round_down(place->at, size);
	struct qcow2_table *table;
	bool ok = true;

	if (!qcow2_l2_for_change(q, place->at, &table, err))
		return false;
	for (uint64_t start = first; ok && start < end; start += size)
		ok = enter_new(q, table, start, f, host + (start - first), err);
	qcow2_cache_put(q->map.cache, table);
	return ok;
}

/* Without the lock: bytes that make up the piece, to their new place. */
static bool store_new(struct request *rq, const struct place *place, struct filling *f,
		      uint64_t host, struct img_err *err)
{
	const uint64_t first = img_round_down(place->at, qcow2_cluster_size(&rq->q->geo));

	if (!f->late) {
		/* The cluster is zero already, and the guest sees zeros around what it writes. */
		return img_store_write(rq->q->map.data, host + (place->at - first), rq->buf,
				       place->len, err);
	}
	const bool ok = fill_bytes(rq, place, f, err) &&
			write_filling(rq, place, f, host + (f->from - first), err);

	free(f->bytes);
	return ok;
}

/* A data file has a content of its own, which must not show. */
static bool is_late(struct request *rq, const struct place *place, bool *late, struct img_err *err)
{
	const struct qcow2 *q = rq->q;
	const uint64_t start = img_round_down(place->at, qcow2_cluster_size(&q->geo));
	bool zero;

	*late = true;
	if (q->geo.data_file)
		return true;
	if (!qcow2_old_is_zero(rq->ly, start, end_of_cluster(q, place->at + place->len - 1) - start,
			       &zero, err))
		return false;
	*late = !zero;
	return true;
}

static bool write_new(struct request *rq, struct place *place, struct img_err *err)
{
	struct qcow2 *q = rq->q;
	struct filling f = { 0 };
	uint64_t host;
	bool ok;

	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	ok = is_late(rq, place, &f.late, err);
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	if (!ok || (f.late && !plan_filling(rq, place, &f, err)) || !find_host(rq, place, &host, err))
		return false;
	/* Fewer clusters than hoped for may have come. */
	if (!f.late || f.end > end_of_cluster(q, place->at + place->len - 1)) {
		f.from = f.late ? f.from : place->at;
		f.end = place->at + place->len;
	}
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	ok = store_new(rq, place, &f, host, err);
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	if (ok) {
		note_reach(q, host + (f.end - img_round_down(place->at, qcow2_cluster_size(&q->geo))));
		return enter_all(rq, place, &f, host, err);
	}
	if (!q->geo.data_file)
		qcow2_drop(q, host, end_of_cluster(q, place->at + place->len - 1) -
			   img_round_down(place->at, qcow2_cluster_size(&q->geo)));
	return false;
}

/* ---- Requests -------------------------------------------------------------------------------- */

/* What changes entries has its clusters to itself; *done is how much was written, maybe nothing. */
static bool write_claimed(struct request *rq, const struct place *seen, uint64_t *done,
			  struct img_err *err)
{
	struct qcow2 *q = rq->q;
	const unsigned bits = q->geo.cluster_bits;
	struct qcow2_claim claim = {
		.first = seen->at >> bits, .end = ((seen->at + seen->len - 1) >> bits) + 1,
	};
	struct request part = *rq;
	struct place place;
	bool ok;

	part.len = seen->len;
	qcow2_claim(q, &claim);
	/* While this thread waited another one may have done what was to be done. */
	ok = look(&part, &place, err);
	if (ok && place.kind == PLACE_CHANGE)
		ok = write_change(&part, &place, err);
	else if (ok && place.kind == PLACE_NEW)
		ok = write_new(&part, &place, err);
	else
		place.len = 0;
	qcow2_unclaim(q, &claim);
	*done = place.len;
	return ok;
}

static bool write_piece(struct request *rq, uint64_t *done, struct img_err *err)
{
	struct qcow2 *q = rq->q;
	struct place place;
	bool ok;

	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	ok = look(rq, &place, err);
	if (ok && place.kind != PLACE_OURS)
		ok = write_claimed(rq, &place, done, err);
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	if (!ok || place.kind != PLACE_OURS)
		return ok;
	*done = place.len;
	if (!img_store_write(q->map.data, place.host, rq->buf, place.len, err))
		return false;
	if (place.host + place.len > q->map.data_size) {
		pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
		note_reach(q, place.host + place.len);
		pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	}
	return true;
}

bool qcow2_write(struct img_layer *ly, uint64_t at, const uint8_t *buf, size_t len,
		 struct img_err *err)
{
	struct request rq = { .ly = ly, .q = ly->priv, .at = at, .buf = buf, .len = len };
	uint64_t done;

	while (rq.len) {
		if (!write_piece(&rq, &done, err))
			return false;
		rq.at += done;
		rq.buf += done;
		rq.len -= done;
	}
	return true;
}
