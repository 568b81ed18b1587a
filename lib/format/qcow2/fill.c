/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes of a piece: those of the request, around them what the guest saw there before, and those
 * of pieces before it that go to the disk with it.
 */
#include <string.h>
#include "base/mem.h"
#include "format/qcow2/write.h"

uint64_t qcow2_fill_end(const struct qcow2_request *rq, uint64_t end)
{
	return rq->q->geo.data_file ? img_min_u64(end, rq->ly->size) : end;
}

bool qcow2_fill_bytes(struct qcow2_request *rq, const struct qcow2_place *place,
		      struct qcow2_filling *f, struct img_err *err)
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

bool qcow2_write_filling(struct qcow2_request *rq, const struct qcow2_place *place,
			 const struct qcow2_filling *f, uint64_t host, struct img_err *err)
{
	if (f->bytes)
		return qcow2_write_data(rq->q, f->from, host, f->bytes, f->end - f->from, err);
	return qcow2_write_data(rq->q, place->at, host, rq->buf, place->len, err);
}

bool qcow2_hold_more(struct qcow2_request *rq, uint64_t host, size_t len)
{
	struct qcow2_held *held = rq->held;

	if (held->len && (held->host + held->len != host || held->buf + held->len != rq->buf))
		return false;
	if (!held->len)
		*held = (struct qcow2_held){ .host = host, .buf = rq->buf };
	held->len += len;
	return true;
}

bool qcow2_write_held(struct qcow2_request *rq, struct img_err *err)
{
	const struct qcow2_held held = *rq->held;
	struct qcow2 *q = rq->q;

	*rq->held = (struct qcow2_held){ 0 };
	if (!img_store_write(q->map.data, held.host, held.buf, held.len, err))
		return false;
	if (held.host + held.len > q->map.data_size) {
		pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
		qcow2_note_reach(q, held.host + held.len);
		pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	}
	return true;
}
