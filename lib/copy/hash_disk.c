/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hash of a disk that is not copied: what a copy would have told of it. */
#include "codec/codec.h"
#include "base/num.h"
#include "image/image.h"

enum { PIECE = 1 << 16 };

static bool add_bytes(struct img *im, const struct img_extent *ex, struct img_digest *dg,
		      struct img_err *err)
{
	uint8_t bytes[PIECE];
	size_t now;

	for (uint64_t at = ex->start, left = ex->len; left; at += now, left -= now) {
		now = img_min_u64(left, PIECE);
		if (!img_read(im, at, bytes, now, err) || !img_digest_add(dg, bytes, now, err))
			return false;
	}
	return true;
}

static bool add_disk(struct img *im, struct img_digest *dg, struct img_err *err)
{
	struct img_extent ex;

	for (uint64_t at = 0; at < img_size(im); at += ex.len) {
		if (!img_extent(im, at, img_size(im), &ex, err))
			return false;
		const bool zero = ex.kind == IMG_EXTENT_ZERO || ex.kind == IMG_EXTENT_HOLE;

		if (!(zero ? img_digest_add_zeros(dg, ex.len, err) : add_bytes(im, &ex, dg, err)))
			return false;
	}
	return true;
}

bool img_hash_disk(struct img *im, const char *name, char hex[2 * IMG_HASH_MAX + 1],
		   struct img_err *err)
{
	struct img_digest *dg = img_digest_open(name, err);
	const bool ok = dg && add_disk(im, dg, err) && img_digest_finish(dg, hex, err);

	img_digest_close(dg);
	return ok;
}
