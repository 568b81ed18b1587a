/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stack as one disk: which layer answers for a guest byte, and its content. */
#include <inttypes.h>
#include <string.h>
#include "base/err.h"
#include "base/num.h"
#include "base/parallel.h"
#include "extent/extent.h"
#include "image/image.h"

/* So many extents behind a lost one are looked at: of a hostile file there may be millions. */
enum { LOST_PIECES = 100 };
/* So many reads at once are as fast as more are where each of them waits for another machine. */
enum { FAR_READS = 8 };

static bool check_range(const struct img *im, uint64_t at, uint64_t end, struct img_err *err)
{
	if (at < end && end <= img_size(im))
		return true;
	return img_fail(err, IMG_E_RANGE,
			_("%s: bytes %" PRIu64 " to %" PRIu64 " are not inside the disk of %" PRIu64
			  " bytes"), img_layer_name(im, 0), at, end, img_size(im));
}

bool img_is_far(const struct img *im)
{
	for (size_t i = 0; i < im->n_layers; i++)
		if (im->layers[i].store->caps & IMG_STORE_FAR)
			return true;
	return false;
}

unsigned img_reading_threads(const struct img *im, unsigned wanted, unsigned most)
{
	const unsigned usual = img_thread_count(wanted, most);

	return !wanted && usual < FAR_READS && img_is_far(im) ? img_thread_count(FAR_READS, most) : usual;
}

bool img_extent_from(struct img *im, size_t depth, uint64_t at, uint64_t limit,
		     struct img_extent *out, struct img_err *err)
{
	struct img_extent ex;
	bool guessed = false;		/* that the layers below show through */

	for (; depth < im->n_layers; depth++) {
		struct img_layer *ly = &im->layers[depth];

		/* A layer shorter than those above ends the disk below it: zeros follow. */
		if (at >= ly->size)
			break;
		limit = img_min_u64(limit, ly->size);
		if (!ly->format->extent(ly, at, limit, &ex, err))
			return img_within_file(err, ly->store->name);
		if (ex.kind != IMG_EXTENT_HOLE) {
			*out = ex;
			out->depth = depth;
			out->guessed |= guessed ||
					(!depth && im->doubted.n && img_extent_cut(out, &im->doubted));
			return true;
		}
		guessed |= ex.guessed;
		limit = ex.start + ex.len;
	}
	*out = (struct img_extent){
		.start = at, .len = limit - at, .kind = IMG_EXTENT_HOLE, .guessed = guessed,
	};
	return true;
}

bool img_extent(struct img *im, uint64_t at, uint64_t limit, struct img_extent *out,
		struct img_err *err)
{
	if (!check_range(im, at, limit, err))
		return false;
	/* The tables that are read for this must stay what they are. */
	img_disk_enter(im->disk);
	const bool ok = img_extent_from(im, 0, at, limit, out, err);
	img_disk_leave(im->disk);
	if (ok && im->left_out.n)
		img_hide_left_out(im, out);
	return ok;
}

bool img_extent_of_bytes(struct img *im, uint64_t at, uint64_t limit, struct img_extent *out,
			 struct img_err *err)
{
	struct img_extent stored;

	if (!img_extent(im, at, limit, out, err))
		return false;
	if (out->kind != IMG_EXTENT_DATA || !(out->store->caps & IMG_STORE_EXTENTS))
		return true;
	if (!img_store_extent(out->store, out->host, out->host + out->len, &stored, err))
		return false;
	out->kind = stored.kind;
	out->zero_in_store = stored.zero_in_store;
	out->len = out->host_len = stored.len;
	return true;
}

bool img_fail_lost(struct img *im, const struct img_extent *ex, struct img_err *err)
{
	struct img_extent whole = *ex, next;

	/*
	 * ex may be the part that was asked for; people want to know how far the damage goes.  Not
	 * by img_extent(): an img_read() may be under way, and whoever flushes waits for it.
	 */
	for (int i = 0; i < LOST_PIECES && whole.start + whole.len < img_size(im); i++)
		if (!img_extent_from(im, 0, whole.start + whole.len, img_size(im), &next, NULL) ||
		    !img_extent_join(&whole, &next))
			break;
	return img_fail(err, ex->loss, _("%s: guest bytes %" PRIu64 " to %" PRIu64
			" cannot be read: %s"), img_layer_name(im, ex->depth), whole.start,
			whole.start + whole.len, _(ex->why));
}

bool img_read_extent(struct img *im, const struct img_extent *ex, uint64_t at, void *buf,
		     size_t len, struct img_err *err)
{
	struct img_layer *ly = &im->layers[ex->depth];

	switch (ex->kind) {
	case IMG_EXTENT_DATA:
		return img_store_read(ex->store, ex->host + (at - ex->start), buf, len, err);
	case IMG_EXTENT_ENCODED:
		return ly->format->read(ly, at, buf, len, err) ||
		       img_within_file(err, ly->store->name);
	case IMG_EXTENT_LOST:
		return img_fail_lost(im, ex, err);
	case IMG_EXTENT_ZERO:
	case IMG_EXTENT_HOLE:
		break;
	}
	memset(buf, 0, len);
	return true;
}

/* Where bytes lie as they are, asking what is there costs more than reading it. */
static bool reads_straight(const struct img_layer *ly, uint64_t end)
{
	return ly->format->identity && end <= ly->size;
}

bool img_read_from(struct img *im, size_t depth, uint64_t at, void *buf, size_t len,
		   struct img_err *err)
{
	const uint64_t end = at + len;
	uint8_t *to = buf;

	if (depth < im->n_layers && reads_straight(&im->layers[depth], end))
		return img_store_read(im->layers[depth].store, at, buf, len, err);
	while (at < end) {
		struct img_extent ex;

		if (!img_extent_from(im, depth, at, end, &ex, err) ||
		    !img_read_extent(im, &ex, at, to, ex.len, err))
			return false;
		to += ex.len;
		at += ex.len;
	}
	return true;
}

/* As img_read_from() of the whole stack, without what is left out. */
static bool read_seen(struct img *im, uint64_t at, void *buf, size_t len, struct img_err *err)
{
	struct img_stretch seen = { at, at };
	uint8_t *to = buf;

	if (!im->left_out.n)
		return img_read_from(im, 0, at, buf, len, err);
	memset(buf, 0, len);
	while (img_rangeset_gap(&im->left_out, seen.end, at + len, &seen))
		if (!img_read_from(im, 0, seen.start, to + (seen.start - at),
				   (size_t)(seen.end - seen.start), err))
			return false;
	return true;
}

bool img_read(struct img *im, uint64_t at, void *buf, size_t len, struct img_err *err)
{
	uint64_t end;

	if (!len)
		return true;
	if (!img_add_u64(at, len, &end))
		return img_fail(err, IMG_E_RANGE, _("an offset is out of range"));
	if (!check_range(im, at, end, err))
		return false;
	img_disk_enter(im->disk);
	const bool ok = read_seen(im, at, buf, len, err);
	img_disk_leave(im->disk);
	return ok;
}

/* ---- Streams --------------------------------------------------------------------------------- */

static void keep_ending(struct img_ending *ending, const uint8_t *buf, size_t len)
{
	const size_t taken = img_min_u64(len, sizeof(ending->bytes));
	const size_t kept = img_min_u64(ending->len, sizeof(ending->bytes) - taken);

	memmove(ending->bytes, ending->bytes + ending->len - kept, kept);
	memcpy(ending->bytes + kept, buf + len - taken, taken);
	ending->len = kept + taken;
}

/* Silence would leave an image where a disk was wanted. */
static bool check_ending(const struct img *im, struct img_err *err)
{
	const struct img_ending *ending = &im->ending;
	const struct img_peek peek = {
		.head = ending->bytes, .tail = ending->bytes, .tail_len = ending->len,
		.size = img_size(im),
	};
	const struct img_format *format;

	if (!ending->probed)
		return true;
	if (!img_probe(&peek, &format) || format == im->layers[0].format)
		return img_check_foreign(img_layer_name(im, 0), img_foreign_format(&peek), err);
	return img_fail(err, IMG_E_ARGUMENT, _("%s: taken for a raw disk, but it ends as a %s image "
			"does; say which of both it is"), img_layer_name(im, 0), format->name);
}

bool img_read_stream(struct img *im, uint64_t at, void *buf, size_t len, size_t *got,
		     struct img_err *err)
{
	struct img_layer *ly = &im->layers[0];

	if (!img_store_read_some(ly->store, at, buf, len, got, err))
		return false;
	keep_ending(&im->ending, buf, *got);
	if (*got == len)
		return true;
	ly->size = at + *got;
	return check_ending(im, err);
}
