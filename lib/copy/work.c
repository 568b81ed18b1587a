/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parallel part of a copy: read a chunk, find its zeros, encode it.  Nothing is shared. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "copy/copy.h"
#include "extent/extent.h"

bool img_work_encodes(const struct img_copy *what)
{
	const struct img_framing *framing = &what->dst->layers[0].framing;

	return what->compress || framing->always || framing->unasked;
}

static uint64_t window_for(const struct img_copy *what)
{
	return img_is_far(what->dst) && !img_work_encodes(what) ? IMG_FAR_WINDOW : IMG_MIN_WINDOW;
}

bool img_work_init(struct img_work *work, const struct img_copy *what, bool in_order,
		   struct img_err *err)
{
	const struct img_layer *dst = &what->dst->layers[0];

	*work = (struct img_work){
		.src = what->src, .unit = dst->unit, .salvage = what->salvage,
		.dedup = what->dedup,
		.grain = img_max_u64(dst->unit, what->zero_grain),
		.stores_zeros = dst->stores_zeros,
		/* A target that cannot seek was told what comes before the content was looked at. */
		.find_zeros = what->zero_grain && !dst->stores_zeros &&
			      !(in_order && dst->format->write->announce),
	};
	work->window = img_max_u64(work->grain, window_for(what));
	if (!in_order && !img_open_below(what->dst, &work->below, err))
		return false;
	if (!img_work_encodes(what))
		return true;
	work->codec = dst->codec;
	work->framing = dst->framing;
	work->others = dst->others;
	work->encoder = img_codec_pool_new(dst->codec, dst->codec_level, work->unit, err);
	return work->encoder && img_best_init(work, err);
}

void img_work_fini(struct img_work *work)
{
	img_codec_pool_free(work->encoder);
	img_best_fini(work);
	img_close(work->below);
}

static bool tries_others(const struct img_work *work)
{
	return work->encoder && work->others && work->others[0].codec;
}

bool img_parcel_init(struct img_parcel *p, const struct img_work *work, struct img_err *err)
{
	*p = (struct img_parcel){ 0 };
	p->buf = img_alloc_aligned(work->window, err);
	if (p->buf && work->below)
		p->below_buf = img_alloc_aligned(work->window, err);
	if (p->buf && work->encoder)
		p->out = img_alloc_aligned(work->window / work->unit *
					   img_framed_max(&work->framing, work->unit), err);
	if (tries_others(work))
		p->spare = img_alloc_aligned(img_encoded_max(&work->framing, work->unit), err);
	if (work->dedup)
		p->hash = img_hash_open("sha256", err);
	return p->buf && (p->below_buf || !work->below) && (p->out || !work->encoder) &&
	       (p->spare || !tries_others(work)) && (p->hash || !work->dedup);
}

void img_parcel_free(struct img_parcel *p)
{
	img_chunk_free(&p->chunk);
	free(p->buf);
	free(p->below_buf);
	free(p->spare);
	free(p->out);
	free(p->ranges.v);
	free(p->packed);
	free(p->zeros.v);
	free(p->lost.v);
	free(p->slots);
	free(p->bytes);
	free(p->keys);
	img_hash_close(p->hash);
	*p = (struct img_parcel){ 0 };
}

bool img_parcel_add(struct img_parcel *p, const struct img_slot *slot, const uint8_t *bytes,
		    struct img_err *err)
{
	size_t cap = p->cap_slots;	/* of both arrays, once both have grown */
	struct img_slot *slots = img_grow_by_one(p->slots, p->n_slots, &cap, sizeof(*slots), err);
	const uint8_t **all;

	if (!slots)
		return false;
	p->slots = slots;
	all = img_grow_by_one(p->bytes, p->n_slots, &p->cap_slots, sizeof(*all), err);
	if (!all)
		return false;
	p->bytes = all;
	slots[p->n_slots] = *slot;
	all[p->n_slots++] = bytes;
	return true;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Adds the bytes of ex, which may continue those that were lost before. */
static bool add_lost(struct img_parcel *p, const struct img_extent *ex, const struct img_err *why,
		     struct img_err *err)
{
	struct img_extent lost = {
		.start = ex->start, .len = ex->len, .kind = IMG_EXTENT_LOST, .depth = ex->depth,
		.loss = ex->loss, .why = ex->why,
	};

	if (ex->kind != IMG_EXTENT_LOST) {
		lost.loss = why->code;
		lost.why = why->code == IMG_E_IO ? N_("the system cannot read it")
						 : N_("its content cannot be decoded");
	}
	return (p->lost.n && img_extent_join(&p->lost.v[p->lost.n - 1], &lost)) ||
	       img_extents_add(&p->lost, &lost, err);
}

/* What a rescue goes on over; anything else is trouble of ours, not of the source. */
static bool is_damage(const struct img_err *err)
{
	return err->code == IMG_E_CORRUPT || err->code == IMG_E_INCOMPLETE ||
	       err->code == IMG_E_IO;
}

/* Reads [ex->start, + ex->len) piece by piece: zeros for the pieces that cannot be had. */
static bool rescue(const struct img_work *work, struct img_parcel *p, const struct img_extent *ex,
		   uint64_t piece, struct img_err *err)
{
	const uint64_t end = ex->start + ex->len;
	uint64_t at = ex->start;

	while (at < end) {
		const uint64_t next = img_min_u64(end, img_round_down(at, piece) + piece);
		uint8_t *to = p->buf + (at - p->chunk.at);
		struct img_extent part = *ex;
		struct img_err why = { 0 };

		img_extent_clip(&part, at, next);
		if (!img_read_extent(work->src, &part, at, to, next - at, &why)) {
			if (!is_damage(&why)) {
				*err = why;
				return false;
			}
			memset(to, 0, next - at);
			if (!add_lost(p, &part, &why, err))
				return false;
		}
		at = next;
	}
	return true;
}

static bool read_extent(const struct img_work *work, struct img_parcel *p,
			const struct img_extent *ex, struct img_err *err)
{
	const struct img_layer *ly = &work->src->layers[ex->depth];
	struct img_err why = { 0 };

	/* To ask for it would only bring the sentence that says so, and how far it goes. */
	if (work->salvage && ex->kind == IMG_EXTENT_LOST) {
		memset(p->buf + (ex->start - p->chunk.at), 0, ex->len);
		return add_lost(p, ex, &why, err);
	}
	if (img_read_extent(work->src, ex, ex->start, p->buf + (ex->start - p->chunk.at), ex->len,
			    &why))
		return true;
	if (work->salvage && is_damage(&why))
		return rescue(work, p, ex, img_max_u64(ly->unit, IMG_MEM_ALIGN), err);
	if (err)
		*err = why;
	return false;
}

/* What of ex is not taken as it is. */
static bool read_unpacked(const struct img_work *work, struct img_parcel *p,
			  const struct img_extent *ex, struct img_err *err)
{
	const uint64_t end = ex->start + ex->len;
	uint64_t at = ex->start;

	for (size_t i = 0; i <= p->n_packed && at < end; i++) {
		const struct img_packed *unit = i < p->n_packed ? &p->packed[i] : NULL;
		const uint64_t next = unit ? img_min_u64(unit->at, end) : end;
		struct img_extent part = *ex;

		if (next > at) {
			img_extent_clip(&part, at, next);
			if (!read_extent(work, p, &part, err))
				return false;
		}
		if (unit)
			at = img_max_u64(at, unit->at + unit->len);
	}
	return true;
}

/* Fills buf wherever ranges say that there may be data. */
static bool read_chunk(const struct img_work *work, struct img_parcel *p, struct img_err *err)
{
	const struct img_chunk *chunk = &p->chunk;
	size_t r = 0;

	for (size_t i = 0; i < chunk->extents.n; i++) {
		const struct img_extent *ex = &chunk->extents.v[i];
		const uint64_t end = ex->start + ex->len;

		if (ex->kind != IMG_EXTENT_ZERO && ex->kind != IMG_EXTENT_HOLE) {
			if (!read_unpacked(work, p, ex, err))
				return false;
			continue;
		}
		/* Zeros inside a range share a grain with data. */
		while (r < p->ranges.n && p->ranges.v[r].at + p->ranges.v[r].len <= ex->start)
			r++;
		for (size_t k = r; k < p->ranges.n && p->ranges.v[k].at < end; k++) {
			const struct img_range *range = &p->ranges.v[k];
			const uint64_t from = img_max_u64(ex->start, range->at);
			const uint64_t to = img_min_u64(end, range->at + range->len);

			memset(p->buf + (from - chunk->at), 0, to - from);
		}
	}
	return true;
}

/* ---- What becomes of it ---------------------------------------------------------------------- */

/* One unit, compressed if that makes it smaller, or if it must be. */
static bool encode_unit(const struct img_work *work, struct img_parcel *p, void *cx,
			struct img_range unit, size_t *out_used, struct img_err *err)
{
	uint8_t *in = p->buf + (unit.at - p->chunk.at);
	struct img_slot slot = { .at = unit.at, .len = unit.len, .stored_len = unit.len };
	uint8_t *out = p->out + *out_used;
	size_t used;

	/* The last unit of the disk may be short; the format stores a whole one. */
	memset(in + unit.len, 0, work->unit - unit.len);
	if (!work->codec->encode(cx, in, work->unit, out + work->framing.head,
				 img_encoded_max(&work->framing, work->unit), &used, err) ||
	    (p->spare && !img_best_encode(work, p->spare, in, out + work->framing.head, &used,
					  &slot.codec, err)))
		return false;
	if (!used) {
		assert(!work->framing.always);
		return img_parcel_add(p, &slot, in, err);
	}
	slot.stored_len = img_frame(&work->framing, unit.at, out, used);
	slot.flags = IMG_SLOT_COMPRESSED;
	*out_used += slot.stored_len;
	return img_parcel_add(p, &slot, out, err);
}

static bool encode(const struct img_work *work, struct img_parcel *p, struct img_range data,
		   size_t *out_used, struct img_err *err)
{
	const uint64_t end = data.at + data.len;
	void *cx = img_codec_pool_get(work->encoder, err);
	bool ok = cx != NULL;

	for (uint64_t at = data.at; ok && at < end; at += work->unit) {
		const struct img_range unit = { at, img_min_u64(work->unit, end - at) };

		ok = encode_unit(work, p, cx, unit, out_used, err);
	}
	if (cx)
		img_codec_pool_put(work->encoder, cx);
	return ok;
}

static bool add_data(const struct img_work *work, struct img_parcel *p, struct img_range data,
		     size_t *out_used, struct img_err *err)
{
	const struct img_slot slot = {
		.at = data.at, .len = data.len, .stored_len = data.len,
	};

	if (work->encoder)
		return encode(work, p, data, out_used, err);
	return img_parcel_add(p, &slot, p->buf + (data.at - p->chunk.at), err);
}

/* Splits bytes that were read into zeros and data. */
static bool split_zeros(const struct img_work *work, struct img_parcel *p, struct img_range range,
			size_t *out_used, struct img_err *err)
{
	while (range.len) {
		struct img_range run = range;
		bool zero = false;

		if (work->find_zeros)
			run.len = img_zero_run(p->buf + (range.at - p->chunk.at), range.len,
					       work->grain, &zero);
		if (zero ? !img_ranges_add(&p->zeros, run.at, run.len, err)
			 : !add_data(work, p, run, out_used, err))
			return false;
		range.at += run.len;
		range.len -= run.len;
	}
	return true;
}

/* ---- Targets that stand on another image ----------------------------------------------------- */

/* The bytes below the target, with zeros behind the end of that image. */
static bool read_below(struct img *below, struct img_range range, uint8_t *buf,
		       struct img_err *err)
{
	const uint64_t size = img_size(below);
	const uint64_t have = range.at >= size ? 0 : img_min_u64(range.len, size - range.at);

	memset(buf + have, 0, range.len - have);
	return img_read(below, range.at, buf, have, err);
}

/* As split_zeros(), but leaves out every grain that reads the same below. */
static bool split_changes(const struct img_work *work, struct img_parcel *p,
			  struct img_range range, size_t *out_used, struct img_err *err)
{
	uint8_t *below = p->below_buf + (range.at - p->chunk.at);
	const uint8_t *mine = p->buf + (range.at - p->chunk.at);
	uint64_t done = 0;

	if (!read_below(work->below, range, below, err))
		return false;
	while (done < range.len) {
		uint64_t len = 0, step;

		while (done + len < range.len) {
			step = img_min_u64(work->grain, range.len - done - len);
			if (!memcmp(mine + done + len, below + done + len, step))
				break;
			len += step;
		}
		if (len && !split_zeros(work, p, (struct img_range){ range.at + done, len },
					out_used, err))
			return false;
		done += len;
		done += img_min_u64(work->grain, range.len - done);
	}
	return true;
}

/* Zeros must be said only where something else shows through from below. */
static bool hide_below(const struct img_work *work, struct img_parcel *p, struct img_range zeros,
		       struct img_err *err)
{
	const uint64_t size = img_size(work->below);
	const uint64_t end = zeros.at + zeros.len;
	uint64_t at = zeros.at, done = zeros.at;

	while (at < end && at < size) {
		struct img_extent ex;

		if (!img_extent(work->below, at, img_min_u64(end, size), &ex, err))
			return false;
		at = ex.start + ex.len;
		if (ex.kind != IMG_EXTENT_ZERO && ex.kind != IMG_EXTENT_HOLE && at > done) {
			const uint64_t from =
				img_max_u64(done, img_round_down(ex.start, work->grain));

			done = img_min_u64(end, img_round_up(at, work->grain));
			if (!img_ranges_add(&p->zeros, from, done - from, err))
				return false;
		}
	}
	return true;
}

/* ---- The chunk ------------------------------------------------------------------------------- */

static bool add_zeros(const struct img_work *work, struct img_parcel *p, uint64_t from,
		      uint64_t to, struct img_err *err)
{
	const struct img_range zeros = { from, to - from };

	if (from >= to)
		return true;
	return work->below ? hide_below(work, p, zeros, err)
			   : img_ranges_add(&p->zeros, zeros.at, zeros.len, err);
}

/* Units that are taken as they are, and what was read between them. */
static bool split_packed(const struct img_work *work, struct img_parcel *p, struct img_range range,
			 size_t *next, size_t *out_used, struct img_err *err)
{
	const uint64_t end = range.at + range.len;

	while (*next < p->n_packed && p->packed[*next].at < end) {
		range.len = p->packed[*next].at - range.at;
		if (!split_zeros(work, p, range, out_used, err) ||
		    !img_packed_take(work, p, next, out_used, err))
			return false;
		range.at = p->packed[*next - 1].at + p->packed[*next - 1].len;
	}
	range.len = end - range.at;
	return split_zeros(work, p, range, out_used, err);
}

static bool work_bytes(const struct img_work *work, struct img_parcel *p, struct img_err *err)
{
	const struct img_chunk *chunk = &p->chunk;
	uint64_t done = chunk->at;
	size_t out_used = 0, packed = 0;

	if (work->take && !img_packed_find(work, p, err))
		return false;
	if (p->have_bytes || work->stores_zeros
		    ? !img_ranges_add(&p->ranges, chunk->at, chunk->len, err)
		    : !img_chunk_ranges(chunk, work->grain, &p->ranges, err))
		return false;
	if (!p->have_bytes && !read_chunk(work, p, err))
		return false;
	for (size_t i = 0; i < p->ranges.n; i++) {
		const struct img_range range = p->ranges.v[i];

		if (!add_zeros(work, p, done, range.at, err))
			return false;
		if (work->below ? !split_changes(work, p, range, &out_used, err)
				: !split_packed(work, p, range, &packed, &out_used, err))
			return false;
		done = range.at + range.len;
	}
	return add_zeros(work, p, done, chunk->at + chunk->len, err);
}

bool img_work_run(const struct img_work *work, struct img_parcel *p, struct img_err *err)
{
	const struct img_chunk *chunk = &p->chunk;
	const struct img_slot whole = {
		.at = chunk->at, .len = chunk->len, .stored_len = chunk->len,
	};

	p->ranges.n = p->zeros.n = p->lost.n = p->n_slots = p->n_packed = 0;
	p->taken = 0;
	switch (chunk->kind) {
	case IMG_CHUNK_ZERO:
		return add_zeros(work, p, chunk->at, chunk->at + chunk->len, err);
	case IMG_CHUNK_LINEAR:
		return img_parcel_add(p, &whole, NULL, err);
	case IMG_CHUNK_BYTES:
		break;
	}
	return work_bytes(work, p, err) && (!work->dedup || img_dedup_hash(work, p, err));
}
