/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes of a file that get another place in it, when an image changes its size. */
#include "base/mem.h"
#include "base/num.h"
#include "format/format.h"

enum { MOVE_BYTES = 1 << 20 };

static bool move_data(struct img_store *st, uint64_t to, uint64_t from, uint64_t len,
		      struct img_err *err)
{
	const size_t room = img_min_u64(len, MOVE_BYTES);
	IMG_AUTO_FREE uint8_t *buf = img_alloc_aligned(room, err);

	if (!buf)
		return false;
	for (uint64_t done = 0; done < len; done += room) {
		const size_t n = img_min_u64(room, len - done);

		if (!img_store_read(st, from + done, buf, n, err) ||
		    !img_store_write(st, to + done, buf, n, err))
			return false;
	}
	return true;
}

bool img_move(struct img_store *st, uint64_t to, uint64_t from, uint64_t len,
	      const struct img_job *job, struct img_err *err)
{
	struct img_extent ex;
	uint64_t size;

	if (!img_store_size(st, &size, err))
		return false;
	for (uint64_t done = 0; done < len; done += ex.len) {
		const uint64_t at = from + done;
		bool ok;

		if (job && job->cancelled && job->cancelled(job->ctx))
			return img_fail(err, IMG_E_CANCELLED, _("cancelled"));
		if (at >= size)
			return img_store_zero(st, to + done, len - done, false, err);
		if (!img_store_extent(st, at, img_min_u64(from + len, size), &ex, err))
			return false;
		ok = ex.kind == IMG_EXTENT_ZERO ? img_store_zero(st, to + done, ex.len, false, err)
						: move_data(st, to + done, at, ex.len, err);
		if (!ok)
			return false;
	}
	return true;
}
