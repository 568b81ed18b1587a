/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compressed units of the source that the target stores as they are: their bytes are moved, and neither
 * decoded nor compressed again.
 */
#include <inttypes.h>
#include "base/mem.h"
#include "base/num.h"
#include "copy/copy.h"

enum { UNITS_MAX = 64 };		/* asked for at once */

/*
 * What little is left of a unit of zeros, whatever compressed it, and of few others.  Such are not
 * taken: zeros need no place in the target.
 */
static size_t of_zeros_max(const struct img_work *work)
{
	return 512 + work->unit / 256;
}

static bool can_be_taken(const struct img_work *work, const struct img_packed *unit)
{
	return unit->codec == work->codec && unit->len == work->unit &&
	       unit->stored_len > of_zeros_max(work) &&
	       unit->stored_len <= img_encoded_max(&work->framing, work->unit);
}

static bool note(struct img_parcel *p, const struct img_packed *unit, struct img_err *err)
{
	struct img_packed *v = img_grow_by_one(p->packed, p->n_packed, &p->cap_packed, sizeof(*v), err);

	if (!v)
		return false;
	p->packed = v;
	v[p->n_packed++] = *unit;
	p->taken += unit->len;
	return true;
}

/* Units that lie in ex whole. */
static bool find_in(const struct img_work *work, struct img_parcel *p, const struct img_extent *ex,
		    struct img_err *err)
{
	struct img_layer *ly = &work->src->layers[ex->depth];
	const uint64_t end = ex->start + ex->len;
	uint64_t at = img_round_up(ex->start, work->unit);
	struct img_packed units[UNITS_MAX];
	size_t n;

	if (!ly->format->packed)
		return true;
	while (at + work->unit <= end) {
		const uint64_t most = img_min_u64((end - at) / work->unit, UNITS_MAX);

		if (!ly->format->packed(ly, at, units, most, &n, err))
			return img_within_file(err, ly->store->name);
		for (size_t i = 0; i < n; i++)
			if (can_be_taken(work, &units[i]) && !note(p, &units[i], err))
				return false;
		at = n ? units[n - 1].at + units[n - 1].len : at + work->unit;
		at = img_round_up(at, work->unit);
	}
	return true;
}

bool img_packed_find(const struct img_work *work, struct img_parcel *p, struct img_err *err)
{
	const struct img_extents *extents = &p->chunk.extents;

	for (size_t i = 0; i < extents->n; i++)
		if (extents->v[i].kind == IMG_EXTENT_ENCODED && !find_in(work, p, &extents->v[i], err))
			return false;
	return true;
}

/* Whether next lies behind unit in the source as it will in the target, so that one read has both. */
static bool follows(const struct img_framing *framing, const struct img_packed *unit,
		    const struct img_packed *next)
{
	return next->at == unit->at + unit->len && next->store == unit->store &&
	       next->host == unit->host + img_framed_len(framing, unit->stored_len);
}

static size_t count_run(const struct img_work *work, const struct img_parcel *p, size_t first)
{
	size_t n = 1;

	while (first + n < p->n_packed &&
	       follows(&work->framing, &p->packed[first + n - 1], &p->packed[first + n]))
		n++;
	return n;
}

static bool unpack(const struct img_work *work, const struct img_parcel *p,
		   const struct img_packed *unit, const uint8_t *stored, struct img_err *err)
{
	void *cx = img_codec_pool_get(work->encoder, err);
	const bool ok = cx && work->codec->decode(cx, stored, unit->stored_len,
						  p->buf + (unit->at - p->chunk.at), unit->len, err);

	if (cx)
		img_codec_pool_put(work->encoder, cx);
	return ok || (img_within(err, _("compressed data at guest offset 0x%" PRIx64), unit->at),
		      img_within_file(err, img_store_name(unit->store)));
}

/* One unit whose bytes are at out + framing.head. */
static bool add_unit(const struct img_work *work, struct img_parcel *p,
		     const struct img_packed *unit, uint8_t *out, size_t *used,
		     struct img_err *err)
{
	struct img_slot slot = { .at = unit->at, .len = unit->len, .flags = IMG_SLOT_COMPRESSED };

	if (work->unpack && !unpack(work, p, unit, out + work->framing.head, err))
		return false;
	slot.stored_len = img_frame(&work->framing, unit->at, out, unit->stored_len);
	*used += slot.stored_len;
	return img_parcel_add(p, &slot, out, err);
}

bool img_packed_take(const struct img_work *work, struct img_parcel *p, size_t *i,
		     size_t *out_used, struct img_err *err)
{
	const size_t end = *i + count_run(work, p, *i);
	const struct img_packed *first = &p->packed[*i], *last = &p->packed[end - 1];
	const size_t len = last->host + last->stored_len - first->host;

	if (!img_store_read(first->store, first->host, p->out + *out_used + work->framing.head, len,
			    err))
		return false;
	for (; *i < end; (*i)++)
		if (!add_unit(work, p, &p->packed[*i], p->out + *out_used, out_used, err))
			return false;
	return true;
}
