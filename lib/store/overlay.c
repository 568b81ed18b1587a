/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A store that can be changed without changing its parent: what is written goes to an unlinked file,
 * at the same offsets.
 */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"
#include "store/ranges.h"

struct overlay {
	struct img_store st;
	struct img_store *parent;	/* the caller's */
	struct img_store *file;		/* owned; NULL until something is written */
	struct img_rangeset written;	/* what is in file, if file is long enough: else zeros */
	uint64_t size;
	uint64_t parent_end;		/* behind it the parent does not show any more */
};

static struct overlay *of(struct img_store *st)
{
	return (struct overlay *)st;
}

/* The run from `at` on, at most to limit, that lies on the same side.  Returns its end. */
static uint64_t find_side(const struct overlay *ov, uint64_t at, uint64_t limit, bool *written)
{
	struct img_stretch gap;

	*written = !img_rangeset_gap(&ov->written, at, limit, &gap) || gap.start > at;
	if (!*written)
		return gap.end;
	return img_rangeset_gap(&ov->written, at, limit, &gap) ? gap.start : limit;
}

static bool overlay_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	(void)err;
	*bytes = of(st)->size;
	return true;
}

/* As far as `from` goes, up to end; what is behind reads as zeros. */
static bool read_or_zeros(struct img_store *from, uint64_t end, uint64_t at, uint8_t *buf, size_t len,
			  struct img_err *err)
{
	const size_t most = at < end ? img_min_u64(len, end - at) : 0;
	size_t got = 0;

	if (most && !img_store_read_some(from, at, buf, most, &got, err))
		return false;
	memset(buf + got, 0, len - got);
	return true;
}

static bool overlay_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
			 struct img_err *err)
{
	struct overlay *ov = of(st);
	const uint64_t end = at < ov->size ? at + img_min_u64(len, ov->size - at) : at;
	bool written;

	*got = end - at;
	for (uint64_t next; at < end; buf = (uint8_t *)buf + (next - at), at = next) {
		next = find_side(ov, at, end, &written);
		if (!(written ? read_or_zeros(ov->file, UINT64_MAX, at, buf, next - at, err)
			      : read_or_zeros(ov->parent, ov->parent_end, at, buf, next - at, err)))
			return false;
	}
	return true;
}

static bool overlay_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
			  struct img_err *err)
{
	struct overlay *ov = of(st);

	if (!ov->file && !(ov->file = img_store_temporary(NULL, err)))
		return false;
	if (!img_rangeset_reserve(&ov->written, err) ||
	    !img_store_write(ov->file, at, buf, len, err))
		return false;
	img_rangeset_add(&ov->written, at, at + len);
	ov->size = img_max_u64(ov->size, at + len);
	return true;
}

/* Whoever goes to the place of the answer must come through here. */
static bool overlay_extent(struct img_store *st, uint64_t at, uint64_t limit,
			   struct img_extent *out, struct img_err *err)
{
	struct overlay *ov = of(st);
	bool written;
	const uint64_t end = find_side(ov, at, limit, &written);

	*out = (struct img_extent){
		.start = at, .len = end - at, .store = st, .host = at, .host_len = end - at,
		.kind = written ? IMG_EXTENT_DATA : IMG_EXTENT_ZERO, .zero_in_store = !written,
	};
	if (written || at >= ov->parent_end)
		return true;
	if (!img_store_extent(ov->parent, at, img_min_u64(end, ov->parent_end), out, err))
		return false;
	if (out->store == ov->parent)
		out->store = st;
	return true;
}

static bool overlay_resize(struct img_store *st, uint64_t bytes, struct img_err *err)
{
	struct overlay *ov = of(st);

	if (bytes < ov->size && ov->file && !img_store_resize(ov->file, bytes, err))
		return false;
	ov->parent_end = img_min_u64(ov->parent_end, bytes);
	ov->size = bytes;
	return true;
}

static bool overlay_sync(struct img_store *st, struct img_err *err)
{
	(void)st;
	(void)err;
	return true;
}

static void overlay_close(struct img_store *st)
{
	struct overlay *ov = of(st);

	img_store_close(ov->file);
	img_rangeset_clear(&ov->written);
	free(ov);
}

static const struct img_store_ops overlay_ops = {
	.kind = "overlay",
	.passes_on = true,
	.size = overlay_size,
	.read = overlay_read,
	.write = overlay_write,
	.extent = overlay_extent,
	.resize = overlay_resize,
	.sync = overlay_sync,
	.close = overlay_close,
};

struct img_store *img_store_overlay(struct img_store *parent, struct img_err *err)
{
	struct overlay *ov;
	uint64_t size;

	if (!(parent->caps & IMG_STORE_SEEK)) {
		img_fail(err, IMG_E_UNSUPPORTED, _("%s: a stream cannot be changed"), parent->name);
		return NULL;
	}
	if (!img_store_size(parent, &size, err) || !(ov = img_calloc(1, sizeof(*ov), err)))
		return NULL;
	*ov = (struct overlay){ .parent = parent, .size = size, .parent_end = size };
	ov->st = (struct img_store){
		.ops = &overlay_ops, .align = parent->align, .cache = IMG_CACHE_UNSAFE,
		.caps = IMG_STORE_SEEK | IMG_STORE_WRITE | IMG_STORE_EXTENTS | IMG_STORE_RESIZE |
			(parent->caps & IMG_STORE_PARALLEL),
	};
	ov->st.name = img_strdup(parent->name, err);
	if (ov->st.name)
		return &ov->st;
	img_store_close(&ov->st);
	return NULL;
}
