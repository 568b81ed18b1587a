/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that a store holds between two places, without its holes. */
#include "base/mem.h"
#include "base/num.h"
#include "store/store.h"

static bool has_enough(const struct img_store_scan *scan)
{
	return scan->has_enough && scan->has_enough(scan->ctx);
}

/* Shows bytes [at, end), piece by piece. */
static bool show(struct img_store *st, uint64_t at, uint64_t end, uint8_t *buf,
		 const struct img_store_scan *scan, struct img_err *err)
{
	size_t n;

	for (; at < end && !has_enough(scan); at += n) {
		n = img_min_u64(end - at, IMG_SCAN_BYTES);
		if (!img_store_read(st, at, buf, n, err) ||
		    !scan->run(scan->ctx, at, buf, n, err))
			return false;
	}
	return true;
}

bool img_store_scan(struct img_store *st, uint64_t from, uint64_t to, uint32_t grain,
		    const struct img_store_scan *scan, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *buf = img_alloc_aligned(IMG_SCAN_BYTES, err);
	struct img_extent ex;
	uint64_t end;

	if (!buf)
		return false;
	for (uint64_t at = from; at < to && !has_enough(scan); at = end) {
		if (!img_store_extent(st, at, to, &ex, err))
			return false;
		/* Holes need not end at a grain: what begins in one is shown from its start. */
		end = ex.kind == IMG_EXTENT_ZERO
			? at + img_round_down(ex.len, grain)
			: img_min_u64(at + img_round_up(ex.len, grain), to);
		if (ex.kind == IMG_EXTENT_ZERO && end > at)
			continue;
		end = img_min_u64(img_max_u64(end, at + grain), to);
		if (!show(st, at, end, buf, scan, err))
			return false;
	}
	return true;
}
