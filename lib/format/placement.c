/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See placement.h. */
#include "format/placement.h"

#include <inttypes.h>
#include "base/mem.h"
#include "base/num.h"

bool img_placement_init(struct img_placement *out, uint64_t size, uint32_t unit, uint64_t file_size,
			struct img_err *err)
{
	const uint64_t units = img_div_up(size, unit);
	const uint64_t hosts = img_max_u64(units + 1, img_div_up(file_size, unit));

	*out = (struct img_placement){ .size = size, .unit = unit, .units = units, .hosts = hosts };
	if (hosts >= UINT32_MAX)
		return img_fail(err, IMG_E_RANGE, _("%" PRIu64 " units of %" PRIu32 " bytes are too "
				"many to be counted; larger ones are needed"), hosts, unit);
	out->host_of = img_calloc(units + 1, sizeof(*out->host_of), err);
	out->guest_at = img_calloc(hosts, sizeof(*out->guest_at), err);
	return out->host_of && out->guest_at;
}

void img_placement_clear(struct img_placement *p)
{
	free(p->host_of);
	free(p->guest_at);
	*p = (struct img_placement){ 0 };
}

bool img_placement_guest(const struct img_placement *p, uint64_t host, uint64_t *guest)
{
	if (host >= p->hosts || !p->guest_at[host])
		return false;
	*guest = p->guest_at[host] - 1;
	return true;
}

bool img_placement_put(struct img_placement *p, uint64_t guest, uint64_t host)
{
	assert(guest < p->units && !p->host_of[guest]);
	if (host == 0 || host >= p->hosts || p->guest_at[host])
		return false;
	p->host_of[guest] = (uint32_t)host;
	p->guest_at[host] = (uint32_t)guest + 1;
	p->placed++;
	p->astray += host != img_placement_target(p, guest);
	return true;
}

void img_placement_take(struct img_placement *p, uint64_t guest)
{
	const uint32_t host = p->host_of[guest];

	assert(host);
	p->host_of[guest] = 0;
	p->guest_at[host] = 0;
	p->placed--;
	p->astray -= host != img_placement_target(p, guest);
}

void img_placement_trim(struct img_placement *p)
{
	while (p->hosts > p->units + 1 && !p->guest_at[p->hosts - 1])
		p->hosts--;
}

/* ---- From a layer -------------------------------------------------------------------------------- */

struct filling {
	struct img_placement *p;
	struct img_layer *ly;
	struct img_rangeset *blank;
};

static bool fail_damaged(uint64_t at, struct img_err *err)
{
	return img_fail(err, IMG_E_CORRUPT, _("the place in the file of guest offset 0x%" PRIx64
			" is in use for something else, or is none; imgcheck says more"), at);
}

/* Where a header comes in front of a disk that has none, the first unit gives way. */
static uint64_t place_of(const struct filling *f, uint64_t guest, uint64_t shift)
{
	if (f->ly->format->identity)
		return img_placement_target(f->p, guest);
	return (guest * f->p->unit + shift) / f->p->unit;
}

/* Whole units or parts of one: the places of all its parts agree. */
static bool put_data(struct filling *f, const struct img_extent *ex, struct img_err *err)
{
	const uint64_t unit = f->p->unit;
	const uint64_t shift = ex->host - ex->start;	/* wraps when it lies further in front */

	if (shift % unit)
		return fail_damaged(ex->start, err);
	for (uint64_t g = ex->start / unit; g * unit < ex->start + ex->len; g++) {
		const uint64_t host = place_of(f, g, shift);

		if (f->p->host_of[g] ? f->p->host_of[g] != host
				     : !img_placement_put(f->p, g, host))
			return fail_damaged(g * unit, err);
	}
	return true;
}

/* A part that is zeros of a unit of which others are data. */
static bool note_blank(struct filling *f, uint64_t start, uint64_t end, struct img_err *err)
{
	const uint64_t g = start / f->p->unit;

	return start >= end || !f->p->host_of[g] ||
	       img_rangeset_include(f->blank, f->p->host_of[g] * (uint64_t)f->p->unit +
				    start % f->p->unit, end - start, err);
}

static bool put_extent(struct filling *f, const struct img_extent *ex, struct img_err *err)
{
	switch (ex->kind) {
	case IMG_EXTENT_DATA:
		if (ex->store != f->ly->store)
			return img_fail(err, IMG_E_UNSUPPORTED, _("its data lie in another file"));
		return put_data(f, ex, err);
	case IMG_EXTENT_ENCODED:
		return img_fail(err, IMG_E_UNSUPPORTED, _("its data at guest offset 0x%" PRIx64
				" are compressed or encrypted, and lie nowhere as they are; imgconv "
				"with two names copies them"), ex->start);
	case IMG_EXTENT_LOST:
		return img_fail(err, ex->loss, _("guest offset 0x%" PRIx64 ": %s"), ex->start,
				_(ex->why));
	default:
		return true;
	}
}

/* The zeros of units that turn out to hold data elsewhere. */
static bool note_zeros(struct filling *f, const struct img_extent *ex, struct img_err *err)
{
	const uint64_t unit = f->p->unit, end = ex->start + ex->len;
	const uint64_t first_end = img_min_u64(img_round_up(ex->start + 1, unit), end);

	if (ex->kind != IMG_EXTENT_ZERO && ex->kind != IMG_EXTENT_HOLE)
		return true;
	return note_blank(f, ex->start, first_end, err) &&
	       note_blank(f, img_max_u64(img_round_down(end - 1, unit), first_end), end, err);
}

typedef bool visit_extent(struct filling *f, const struct img_extent *ex, struct img_err *err);

static bool visit(struct filling *f, visit_extent *one, struct img_err *err)
{
	struct img_extent ex;

	for (uint64_t at = 0; at < f->p->size; at = ex.start + ex.len)
		if (!f->ly->format->extent(f->ly, at, f->p->size, &ex, err) || !one(f, &ex, err))
			return false;
	return true;
}

bool img_placement_read(struct img_placement *p, struct img_layer *ly, struct img_rangeset *blank,
			struct img_err *err)
{
	struct filling f = { .p = p, .ly = ly, .blank = blank };

	return visit(&f, put_extent, err) && visit(&f, note_zeros, err);
}
