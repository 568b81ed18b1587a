/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pieces of the disk that came through a pipe behind later ones.  The plan took their places for
 * holes; they are written when all else is, as a guest would write them.
 */
#include "base/mem.h"
#include "base/num.h"
#include "copy/copy.h"

#define PIECE (1024 * 1024)

static bool copy_piece(const struct img_copy *what, const struct img_extent *ex, void *buf,
		       struct img_err *err)
{
	uint64_t at = ex->start;

	while (at < ex->start + ex->len) {
		const size_t len = img_min_u64(PIECE, ex->start + ex->len - at);

		if (!img_read_extent(what->src, ex, at, buf, len, err) ||
		    !img_write(what->dst, at, buf, len, err))
			return false;
		at += len;
	}
	return true;
}

bool img_copy_late(const struct img_copy *what, struct img_copy_stats *stats, struct img_err *err)
{
	struct img_layer *src = &what->src->layers[0];
	IMG_AUTO_FREE void *buf = NULL;
	struct img_extent ex;

	for (uint64_t at = 0;; at = ex.start + ex.len) {
		if (!src->format->late(src, at, &ex, err))
			return img_within_file(err, src->store->name);
		if (!ex.len)
			return true;
		if (!buf && (!(buf = img_alloc_aligned(PIECE, err)) ||
			     !img_target_rewrite(what->dst, err)))
			return false;
		if (!copy_piece(what, &ex, buf, err))
			return false;
		stats->data += ex.len;
		stats->zero -= ex.len;
	}
}
