/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a worked parcel into the target: reserve and publish in order, store in between. */
#include "base/mem.h"
#include "base/num.h"
#include "copy/copy.h"

bool img_commit_reserve(struct img_layer *dst, struct img_parcel *p, struct img_dedup *dedup,
			struct img_err *err)
{
	if (dedup)
		return img_dedup_reserve(dedup, dst, p, err);
	return !p->n_slots || dst->format->write->reserve(dst, p->slots, p->n_slots, err);
}

/* Moves the bytes of a linear chunk from `done` on, a buffer at a time. */
static bool move_linear(struct img *src, struct img_parcel *p, uint64_t done, struct img_err *err)
{
	const struct img_slot *slot = &p->slots[0];
	const size_t piece = 1024 * 1024;

	while (done < slot->len) {
		const size_t len = img_min_u64(piece, slot->len - done);

		if (!img_read_extent(src, &p->chunk.extents.v[0], slot->at + done, p->buf, len,
				     err) ||
		    !img_store_write(slot->store, slot->host + done, p->buf, len, err))
			return false;
		done += len;
	}
	return true;
}

static bool store_linear(struct img *src, struct img_parcel *p, uint64_t *cloned,
			 struct img_err *err)
{
	const struct img_slot *slot = &p->slots[0];
	const struct img_extent *from = &p->chunk.extents.v[0];
	uint64_t done = 0;

	if (!img_store_copy(slot->store, slot->host, from->store, from->host, slot->len, &done,
			    err))
		return false;
	*cloned += done;
	return move_linear(src, p, done, err);
}

/* Whether the driver moves the bytes of the slot itself. */
static bool is_stored(const struct img_layer *dst, const struct img_slot *slot)
{
	return dst->format->write->store && !(slot->flags & IMG_SLOT_COMPRESSED);
}

/*
 * Bytes of neighbours below slot `end` that lie behind each other in memory and in the store go in
 * one write.
 */
static bool store_run(struct img_layer *dst, struct img_parcel *p, size_t *i, size_t end,
		      struct img_err *err)
{
	const uint8_t *bytes = p->bytes[*i];
	struct img_slot run = p->slots[*i];
	const bool stored = is_stored(dst, &run);

	if ((run.flags & IMG_SLOT_LED) && !dst->format->write->lead(dst, &run, err))
		return false;
	for ((*i)++; *i < end; (*i)++) {
		const struct img_slot *next = &p->slots[*i];

		if (next->store != run.store || next->host != run.host + run.stored_len ||
		    p->bytes[*i] != bytes + run.stored_len || is_stored(dst, next) != stored)
			break;
		run.stored_len += next->stored_len;
		run.len += next->len;
	}
	return stored ? dst->format->write->store(dst, &run, bytes, err)
		      : img_store_write_held(run.store, run.host, bytes, run.stored_len, &p->hold, err);
}

static bool store_slots(struct img_layer *dst, struct img_parcel *p, size_t i, size_t end,
			struct img_err *err)
{
	while (i < end)
		if (p->slots[i].flags & IMG_SLOT_SHARED)
			i++;
		else if (!store_run(dst, p, &i, end, err))
			return false;
	return true;
}

bool img_commit_store(struct img *src, struct img_layer *dst, struct img_parcel *p,
		      uint64_t *cloned, struct img_err *err)
{
	if (p->chunk.kind == IMG_CHUNK_LINEAR)
		return store_linear(src, p, cloned, err);
	return store_slots(dst, p, 0, p->n_slots, err);
}

bool img_commit_publish(struct img_layer *dst, struct img_parcel *p, bool store,
			struct img_err *err)
{
	const struct img_write_ops *ops = dst->format->write;
	size_t s = 0;

	/* Slots and zeros are each in guest order; the driver sees them merged. */
	for (size_t z = 0; z <= p->zeros.n; z++) {
		const struct img_range *zero = z < p->zeros.n ? &p->zeros.v[z] : NULL;
		const size_t first = s;

		while (s < p->n_slots && (!zero || p->slots[s].at < zero->at))
			s++;
		if (store && !store_slots(dst, p, first, s, err))
			return false;
		if (s > first && !ops->publish(dst, p->slots + first, s - first, err))
			return false;
		if (zero && !ops->zero(dst, zero->at, zero->len, err))
			return false;
	}
	return true;
}

static bool announce_chunk(struct img_layer *dst, const struct img_work *work,
			   const struct img_chunk *chunk, struct img_ranges *ranges,
			   struct img_err *err)
{
	const struct img_write_ops *ops = dst->format->write;
	const uint64_t end = chunk->at + chunk->len;
	uint64_t done = chunk->at;

	ranges->n = 0;
	if (chunk->kind == IMG_CHUNK_BYTES && !img_chunk_ranges(chunk, work->grain, ranges, err))
		return false;
	for (size_t i = 0; i < ranges->n; i++) {
		const struct img_range *r = &ranges->v[i];

		if (r->at > done &&
		    !ops->announce(dst, done, r->at - done, IMG_EXTENT_ZERO, err))
			return false;
		if (!ops->announce(dst, r->at, r->len, IMG_EXTENT_DATA, err))
			return false;
		done = r->at + r->len;
	}
	return done == end || ops->announce(dst, done, end - done, IMG_EXTENT_ZERO, err);
}

/* Better no output than half of one: what is known to be lost is said before the first byte. */
static bool refuse_lost(const struct img_work *work, const struct img_chunk *chunk,
			struct img_err *err)
{
	if (work->salvage)
		return true;
	for (size_t i = 0; i < chunk->extents.n; i++)
		if (chunk->extents.v[i].kind == IMG_EXTENT_LOST)
			return img_fail_lost(work->src, &chunk->extents.v[i], err);
	return true;
}

bool img_commit_announce(struct img_layer *dst, const struct img_work *work, struct img_err *err)
{
	struct img_plan plan = {
		.src = work->src, .grain = work->grain, .window = work->window,
	};
	struct img_chunk chunk = { 0 };
	struct img_ranges ranges = { 0 };
	bool ok;

	do {
		ok = img_plan_next(&plan, &chunk, err) && refuse_lost(work, &chunk, err) &&
		     (!chunk.len || announce_chunk(dst, work, &chunk, &ranges, err));
	} while (ok && chunk.len);
	img_chunk_free(&chunk);
	free(ranges.v);
	return ok && dst->format->write->begin(dst, err);
}
