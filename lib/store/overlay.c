/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A store that can be changed without changing its parent: what is written goes to an unlinked file,
 * at the same offsets.
 */
#include "store/overlay.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"

enum { SPACE_FALLOC, SPACE_FULL, SPACE_KINDS };

struct overlay {
	struct img_store st;
	struct img_store *parent;	/* the caller's, unless adopted */
	pthread_mutex_t lock;		/* of what follows; bytes move without it */
	struct img_store *file;		/* owned; NULL until something is written, then it stays */
	struct img_rangeset written;	/* what is in file, if file is long enough: else zeros */
	uint64_t size;
	uint64_t parent_end;		/* behind it the parent does not show any more */
	bool changed, adopted;
	struct img_rangeset space[SPACE_KINDS];	/* to be set aside; says nothing of the bytes */
};

static struct overlay *of(struct img_store *st)
{
	return (struct overlay *)st;
}

/* The run from `at` on, at most to limit, that lies on the same side.  Returns its end. */
static uint64_t find_side(struct overlay *ov, uint64_t at, uint64_t limit, bool *written)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&ov->lock);
	struct img_stretch gap;

	*written = !img_rangeset_gap(&ov->written, at, limit, &gap) || gap.start > at;
	if (!*written)
		return gap.end;
	return img_rangeset_gap(&ov->written, at, limit, &gap) ? gap.start : limit;
}

static uint64_t size_of(struct overlay *ov)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&ov->lock);

	return ov->size;
}

static bool overlay_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	(void)err;
	*bytes = size_of(of(st));
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
	const uint64_t size = size_of(ov), end = at < size ? at + img_min_u64(len, size - at) : at;
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

/* To be called before bytes are changed. */
static bool begin_change(struct overlay *ov, struct img_err *err)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&ov->lock);

	if (!ov->file && !(ov->file = img_store_temporary(NULL, err)))
		return false;
	ov->changed = true;
	return true;
}

/* Until here the parent's bytes show. */
static bool end_change(struct overlay *ov, uint64_t at, uint64_t len, struct img_err *err)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&ov->lock);

	if (!img_rangeset_include(&ov->written, at, len, err))
		return false;
	ov->size = img_max_u64(ov->size, at + len);
	return true;
}

static bool overlay_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
			  struct img_err *err)
{
	struct overlay *ov = of(st);

	return begin_change(ov, err) && img_store_write(ov->file, at, buf, len, err) &&
	       end_change(ov, at, len, err);
}

/* A hole of the file is what becomes one in the parent. */
static bool overlay_zero(struct img_store *st, uint64_t at, uint64_t len, bool keep_space,
			 struct img_err *err)
{
	struct overlay *ov = of(st);

	(void)keep_space;
	return begin_change(ov, err) && img_store_zero(ov->file, at, len, false, err) &&
	       end_change(ov, at, len, err);
}

/* Setting aside is for whoever changes the parent. */
static bool overlay_preallocate(struct img_store *st, uint64_t at, uint64_t len,
				enum img_preallocation how, struct img_err *err)
{
	struct overlay *ov = of(st);
	struct img_rangeset *space = &ov->space[how == IMG_PREALLOC_FULL ? SPACE_FULL : SPACE_FALLOC];
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&ov->lock);

	if (!img_rangeset_include(space, at, len, err))
		return false;
	ov->changed = true;
	ov->size = img_max_u64(ov->size, at + len);
	return true;
}

/* What of [at, end), which was written, is a hole in the file, and how far that goes. */
static bool written_extent(struct overlay *ov, uint64_t at, uint64_t end, struct img_extent *out,
			   struct img_err *err)
{
	uint64_t length;

	if (!img_store_size(ov->file, &length, err))
		return false;
	*out = (struct img_extent){
		.start = at, .len = end - at, .kind = IMG_EXTENT_ZERO, .zero_in_store = true,
	};
	return at >= length || img_store_extent(ov->file, at, img_min_u64(end, length), out, err);
}

/* Whoever goes to the place of the answer must come through here. */
static bool overlay_extent(struct img_store *st, uint64_t at, uint64_t limit,
			   struct img_extent *out, struct img_err *err)
{
	struct overlay *ov = of(st);
	bool written;
	const uint64_t end = find_side(ov, at, limit, &written);

	if (written) {
		if (!written_extent(ov, at, end, out, err))
			return false;
	} else if (at < ov->parent_end) {
		if (!img_store_extent(ov->parent, at, img_min_u64(end, ov->parent_end), out, err))
			return false;
		if (out->store != ov->parent)
			return true;
	} else {
		*out = (struct img_extent){
			.start = at, .len = end - at, .kind = IMG_EXTENT_ZERO, .zero_in_store = true,
		};
	}
	out->store = st;
	out->host = out->start;
	out->host_len = out->len;
	return true;
}

static bool overlay_resize(struct img_store *st, uint64_t bytes, struct img_err *err)
{
	struct overlay *ov = of(st);
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&ov->lock);

	if (bytes < ov->size && ov->file && !img_store_resize(ov->file, bytes, err))
		return false;
	ov->changed |= bytes != ov->size;
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
	if (ov->adopted)
		img_store_close(ov->parent);
	img_rangeset_clear(&ov->written);
	for (int i = 0; i < SPACE_KINDS; i++)
		img_rangeset_clear(&ov->space[i]);
	pthread_mutex_destroy(&ov->lock);
	free(ov);
}

static const struct img_store_ops overlay_ops = {
	.kind = "overlay",
	.passes_on = true,
	.size = overlay_size,
	.read = overlay_read,
	.write = overlay_write,
	.zero = overlay_zero,
	.extent = overlay_extent,
	.resize = overlay_resize,
	.preallocate = overlay_preallocate,
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
	pthread_mutex_init(&ov->lock, NULL);
	ov->st = (struct img_store){
		.ops = &overlay_ops, .align = parent->align, .cache = IMG_CACHE_UNSAFE,
		.caps = IMG_STORE_SEEK | IMG_STORE_WRITE | IMG_STORE_ZERO | IMG_STORE_EXTENTS |
			IMG_STORE_RESIZE | (parent->caps & (IMG_STORE_PARALLEL | IMG_STORE_DEVICE)),
	};
	ov->st.name = img_strdup(parent->name, err);
	if (ov->st.name)
		return &ov->st;
	img_store_close(&ov->st);
	return NULL;
}

/* ---- For who changes the parent after all ----------------------------------------------------------- */

static struct overlay *checked(const struct img_store *st)
{
	assert(st->ops == &overlay_ops);
	return (struct overlay *)(uintptr_t)st;
}

bool img_overlay_next(struct img_store *st, uint64_t from, struct img_overlay_run *out, bool *found,
		      struct img_err *err)
{
	struct overlay *ov = checked(st);
	struct img_extent extent;
	bool written = false;

	*found = false;
	while (from < ov->size && !written) {
		const uint64_t end = find_side(ov, from, ov->size, &written);

		if (!written)
			from = end;
		else if (!written_extent(ov, from, end, &extent, err))
			return false;
	}
	if (!written)
		return true;
	*found = true;
	*out = (struct img_overlay_run){
		.start = from, .end = from + extent.len, .zeros = extent.kind == IMG_EXTENT_ZERO,
	};
	return true;
}

uint64_t img_overlay_cut(const struct img_store *st)
{
	return checked(st)->parent_end;
}

void img_overlay_follow(struct img_store *st, uint64_t bytes)
{
	struct overlay *ov = checked(st);
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&ov->lock);

	assert(ov->size == ov->parent_end && bytes >= ov->size);
	ov->size = ov->parent_end = bytes;
}

const struct img_rangeset *img_overlay_space(const struct img_store *st, enum img_preallocation how)
{
	return &checked(st)->space[how == IMG_PREALLOC_FULL ? SPACE_FULL : SPACE_FALLOC];
}

void img_overlay_adopt_parent(struct img_store *st)
{
	checked(st)->adopted = true;
}

bool img_overlay_changed(const struct img_store *st)
{
	return checked(st)->changed;
}
