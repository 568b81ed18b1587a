/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What shows through from below, moved into a layer that gets a place of its own for it. */
#include "base/mem.h"
#include "base/num.h"
#include "extent/extent.h"
#include "format/format.h"

enum { COPY_BYTES = 1 << 20 };

static bool copy_extent(const struct img_below *below, const struct img_extent *ex,
			struct img_store *to, uint64_t host, struct img_err *err)
{
	const size_t room = img_min_u64(ex->len, COPY_BYTES);
	IMG_AUTO_FREE uint8_t *buf = img_alloc_aligned(room, err);

	if (!buf)
		return false;
	for (uint64_t done = 0; done < ex->len; done += room) {
		const size_t len = img_min_u64(room, ex->len - done);

		if (!below->read(below, ex->start + done, buf, len, err) ||
		    !img_store_write(to, host + done, buf, len, err))
			return false;
	}
	return true;
}

bool img_below_copy(const struct img_below *below, uint64_t from, uint64_t to,
		    struct img_store *st, uint64_t host, struct img_err *err)
{
	struct img_extent ex;

	for (uint64_t at = from; at < to; at += ex.len) {
		if (!below->extent(below, at, to, &ex, err))
			return false;
		if (ex.kind != IMG_EXTENT_ZERO && ex.kind != IMG_EXTENT_HOLE &&
		    !copy_extent(below, &ex, st, host + (at - from), err))
			return false;
	}
	return true;
}

bool img_below_hide(struct img_layer *ly, uint64_t from, uint64_t to, struct img_err *err)
{
	struct img_extent ex;
	uint64_t start, end;

	for (uint64_t at = from; ly->below && at < to; at = end) {
		if (!ly->below->extent(ly->below, at, to, &ex, err))
			return false;
		end = at + ex.len;
		if (img_extent_reads_as_zero(&ex))
			continue;
		/* Whole units: a part of one would bring along what is below the rest. */
		start = img_max_u64(from, img_round_down(at, ly->unit));
		end = img_min_u64(to, img_round_up(end, ly->unit));
		if (!ly->format->disk->zero(ly, start, end - start, true, err))
			return false;
	}
	return true;
}
