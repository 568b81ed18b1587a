/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guest bytes written at random: from the request to its pieces. */
#include "format/qcow2/write.h"

/* Lock held, which is let go meanwhile.  Over clusters that are ours. */
static bool write_over(struct qcow2_request *rq, const struct qcow2_place *place,
		       struct img_err *err)
{
	pthread_mutex_t *lock = qcow2_cache_lock(rq->q->map.cache);

	pthread_mutex_unlock(lock);
	const bool ok = qcow2_write_data(rq->q, place->at, place->host, rq->buf, place->len, err);

	pthread_mutex_lock(lock);
	qcow2_note_reach(rq->q, place->host + place->len);
	return ok;
}

/* What changes entries has its clusters to itself; *done is how much was written, maybe nothing. */
static bool write_claimed(struct qcow2_request *rq, const struct qcow2_place *seen, uint64_t *done,
			  struct img_err *err)
{
	struct qcow2 *q = rq->q;
	const unsigned bits = q->geo.cluster_bits;
	struct img_claim claim = {
		.first = seen->at >> bits, .end = ((seen->at + seen->len - 1) >> bits) + 1,
	};
	struct qcow2_request part = *rq;
	struct qcow2_place place;
	bool ok;

	part.len = seen->len;
	img_claim(&q->disk->claims, &claim);
	/* While this thread waited another one may have done what was to be done. */
	ok = qcow2_look(&part, &place, err);
	if (ok && place.kind == PLACE_CHANGE)
		ok = qcow2_write_change(&part, &place, err);
	else if (ok && place.kind == PLACE_NEW)
		ok = qcow2_write_new(&part, &place, err);
	else if (ok && qcow2_is_encrypted(q))
		ok = write_over(&part, &place, err);
	else
		place.len = 0;
	img_unclaim(&q->disk->claims, &claim);
	*done = place.len;
	return ok;
}

static bool write_piece(struct qcow2_request *rq, uint64_t *done, struct img_err *err)
{
	struct qcow2 *q = rq->q;
	struct qcow2_place place;
	bool ok;

	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	ok = qcow2_look(rq, &place, err);
	/* What is enciphered is written by whole sectors, of which another request may want a part. */
	const bool claim = place.kind != PLACE_OURS || qcow2_is_encrypted(q);

	if (ok && claim)
		ok = write_claimed(rq, &place, done, err);
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	if (!ok || claim)
		return ok;
	*done = place.len;
	return qcow2_hold_more(rq, place.host, place.len) ||
	       (qcow2_write_held(rq, err) && qcow2_hold_more(rq, place.host, place.len));
}

bool qcow2_write(struct img_layer *ly, uint64_t at, const uint8_t *buf, size_t len,
		 struct img_err *err)
{
	struct qcow2_held held = { 0 };
	struct qcow2_request rq = {
		.ly = ly, .q = ly->priv, .at = at, .buf = buf, .len = len, .held = &held,
	};
	uint64_t done = 0;

	while (rq.len) {
		if (!write_piece(&rq, &done, err))
			return false;
		rq.at += done;
		rq.buf += done;
		rq.len -= done;
	}
	return qcow2_write_held(&rq, err);
}
