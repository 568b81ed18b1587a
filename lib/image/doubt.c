/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Zeros that hide data in a salvage: where one bit says whether the image or what it stands on shows,
 * and neither the bit nor the zeros can be held against anything, they are a guess.
 */
#include "base/mem.h"
#include "base/num.h"
#include "extent/extent.h"
#include "image/image.h"

enum { PIECE_BYTES = 1 << 20 };		/* of what lies below, at once */

struct doubt {
	struct img *im;
	uint8_t *below;			/* PIECE_BYTES; owned */
	struct img_extent ex;		/* of the salvaged layer, whose bytes are looked at */
	uint64_t at;			/* in its store: all in front was looked at */
};

static uint64_t guest_of(const struct doubt *d, uint64_t host)
{
	return d->ex.start + (host - d->ex.host);
}

static bool add(struct doubt *d, uint64_t guest, uint64_t len, struct img_err *err)
{
	struct img_salvaged *told = &d->im->layers[0].salvaged;
	const uint64_t host = d->ex.host + (guest - d->ex.start);

	return img_rangeset_include(&d->im->doubted, guest, len, err) &&
	       img_salvaged_note(told, told->zeros, host, guest, 0, err);
}

/* At most a piece of guest bytes that are zeros in the layer; what cannot be read below is hidden, too. */
static bool hide_piece(struct doubt *d, uint64_t guest, size_t len, struct img_err *err)
{
	const uint32_t unit = d->im->layers[0].unit;
	size_t run;
	bool zero;

	if (!img_read_from(d->im, 1, guest, d->below, len, NULL))
		return add(d, guest, len, err);
	for (size_t i = 0; i < len; i += run) {
		run = img_zero_run(d->below + i, len - i, unit, &zero);
		if (!zero && !add(d, guest + i, run, err))
			return false;
	}
	return true;
}

static bool hide(struct doubt *d, uint64_t guest, uint64_t end, struct img_err *err)
{
	struct img_extent ex;

	for (; guest < end; guest += ex.len) {
		if (!img_extent_from(d->im, 1, guest, end, &ex, err))
			return false;
		ex.len = img_min_u64(ex.len, PIECE_BYTES);
		if (!img_extent_reads_as_zero(&ex) && !hide_piece(d, guest, ex.len, err))
			return false;
	}
	return true;
}

/* Called for what is in the store, which leaves out holes. */
static bool look(void *ctx, uint64_t at, const uint8_t *bytes, size_t len, struct img_err *err)
{
	struct doubt *d = ctx;
	size_t run;
	bool zero;

	if (!hide(d, guest_of(d, d->at), guest_of(d, at), err))
		return false;
	for (size_t i = 0; i < len; i += run) {
		run = img_zero_run(bytes + i, len - i, d->im->layers[0].unit, &zero);
		if (zero && !hide(d, guest_of(d, at + i), guest_of(d, at + i + run), err))
			return false;
	}
	d->at = at + len;
	return true;
}

static bool look_at_extent(struct doubt *d, struct img_err *err)
{
	const struct img_extent *ex = &d->ex;
	const struct img_store_scan scan = { .run = look, .ctx = d };

	d->at = ex->host;
	return img_store_scan(ex->store, ex->host, ex->host + ex->len, d->im->layers[0].unit, &scan,
			      err) &&
	       hide(d, guest_of(d, d->at), ex->start + ex->len, err);
}

static bool look_at_all(struct doubt *d, struct img_err *err)
{
	struct img_layer *ly = &d->im->layers[0];

	for (uint64_t at = 0; at < ly->size; at += d->ex.len) {
		if (!ly->format->extent(ly, at, ly->size, &d->ex, err))
			return false;
		if (d->ex.kind == IMG_EXTENT_DATA && !d->ex.guessed && !look_at_extent(d, err))
			return false;
	}
	return true;
}

bool img_doubt_zeros(struct img *im, struct img_err *err)
{
	struct doubt d = { .im = im };

	if (im->n_layers == 1 || !im->layers[0].salvaged.zeros)
		return true;
	d.below = img_alloc_aligned(PIECE_BYTES, err);
	const bool ok = d.below && look_at_all(&d, err);

	free(d.below);
	return ok || img_within_file(err, im->layers[0].store->name);
}
