/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What guest bytes hold before a request changes some of their cluster: for copy-on-write. */
#include <inttypes.h>
#include <string.h>
#include "base/err.h"
#include "format/qcow2/disk.h"

static bool read_hole(struct img_layer *ly, uint64_t at, uint8_t *buf, size_t len,
		      struct img_err *err)
{
	if (ly->below)
		return ly->below->read(ly->below, at, buf, len, err);
	memset(buf, 0, len);
	return true;
}

/* A compressed piece becomes shorter when it was rewritten since it was looked at. */
static bool read_encoded(struct qcow2 *q, struct img_extent *ex, uint8_t *buf, struct img_err *err)
{
	size_t got;

	if (ex->encrypted)
		return qcow2_read_encrypted(q, ex->start, ex->host, buf, ex->len, err);
	if (!qcow2_read_compressed(q, ex->start, buf, ex->len, &got, err))
		return false;
	ex->len = got;
	return true;
}

static bool read_piece(struct img_layer *ly, struct img_extent *ex, uint8_t *buf,
		       struct img_err *err)
{
	switch (ex->kind) {
	case IMG_EXTENT_DATA:
		return img_store_read(ex->store, ex->host, buf, ex->len, err);
	case IMG_EXTENT_ENCODED:
		return read_encoded(ly->priv, ex, buf, err);
	case IMG_EXTENT_HOLE:
		return read_hole(ly, ex->start, buf, ex->len, err);
	case IMG_EXTENT_LOST:
		return img_fail(err, ex->loss, _("guest bytes %" PRIu64 " to %" PRIu64
				" cannot be read: %s"), ex->start, ex->start + ex->len, _(ex->why));
	case IMG_EXTENT_ZERO:
		break;
	}
	memset(buf, 0, ex->len);
	return true;
}

bool qcow2_old_read(struct img_layer *ly, uint64_t at, uint8_t *buf, size_t len,
		    struct img_err *err)
{
	struct img_extent ex;

	for (uint64_t end = at + len; at < end; at += ex.len, buf += ex.len) {
		/* The last cluster goes beyond the end of the disk. */
		if (at >= ly->size) {
			memset(buf, 0, end - at);
			return true;
		}
		if (!qcow2_map_extent(ly->priv, at, end < ly->size ? end : ly->size, &ex, err) ||
		    !read_piece(ly, &ex, buf, err))
			return false;
	}
	return true;
}

bool qcow2_read_claimed(struct img_layer *ly, uint64_t at, uint8_t *buf, size_t len,
			struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	const unsigned bits = q->geo.cluster_bits;
	struct img_claim claim = { .first = at >> bits, .end = ((at + len - 1) >> bits) + 1 };

	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	img_claim(&q->disk->claims, &claim);
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	const bool ok = qcow2_old_read(ly, at, buf, len, err);

	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	img_unclaim(&q->disk->claims, &claim);
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	return ok;
}

bool qcow2_old_is_zero(struct img_layer *ly, uint64_t at, uint64_t len, bool *zero,
		       struct img_err *err)
{
	const uint64_t end = at + len < ly->size ? at + len : ly->size;
	struct img_extent ex;

	*zero = false;
	for (; at < end; at += ex.len) {
		if (!qcow2_map_extent(ly->priv, at, end, &ex, err))
			return false;
		if (ex.kind == IMG_EXTENT_HOLE && ly->below &&
		    !ly->below->extent(ly->below, at, ex.start + ex.len, &ex, err))
			return false;
		if (ex.kind != IMG_EXTENT_ZERO && ex.kind != IMG_EXTENT_HOLE)
			return true;
	}
	*zero = true;
	return true;
}
