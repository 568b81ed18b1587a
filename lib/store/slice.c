/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A part of a store as a store: a partition, a member of an archive. */
#include "store/store.h"

#include <inttypes.h>
#include <stdlib.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"

struct slice {
	struct img_store st;
	struct img_store *parent;
	bool owns;			/* it; else it is the caller's */
	uint64_t at, len;		/* in parent */
};

static bool slice_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	(void)err;
	*bytes = ((struct slice *)st)->len;
	return true;
}

static bool slice_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
		       struct img_err *err)
{
	struct slice *slice = (struct slice *)st;

	if (at >= slice->len) {
		*got = 0;
		return true;
	}
	return img_store_read_some(slice->parent, slice->at + at, buf,
				   img_min_u64(len, slice->len - at), got, err);
}

static bool slice_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
			struct img_err *err)
{
	struct slice *slice = (struct slice *)st;

	return img_store_write(slice->parent, slice->at + at, buf, len, err);
}

static bool slice_zero(struct img_store *st, uint64_t at, uint64_t len, bool keep_space,
		       struct img_err *err)
{
	struct slice *slice = (struct slice *)st;

	return img_store_zero(slice->parent, slice->at + at, len, keep_space, err);
}

static bool slice_confirm(struct img_store *st, struct img_err *err)
{
	return img_store_confirm(((struct slice *)st)->parent, err);
}

/* The place stays one in the parent: that is where the bytes are. */
static bool slice_extent(struct img_store *st, uint64_t at, uint64_t limit, struct img_extent *out,
			 struct img_err *err)
{
	struct slice *slice = (struct slice *)st;

	if (!img_store_extent(slice->parent, slice->at + at, slice->at + limit, out, err))
		return false;
	out->start = at;
	return true;
}

static bool slice_preallocate(struct img_store *st, uint64_t at, uint64_t len,
			      enum img_preallocation how, struct img_err *err)
{
	struct slice *slice = (struct slice *)st;

	return img_store_preallocate(slice->parent, slice->at + at, len, how, err);
}

static bool slice_sync(struct img_store *st, struct img_err *err)
{
	return img_store_sync(((struct slice *)st)->parent, err);
}

static bool slice_copy(struct img_store *st, uint64_t at, struct img_store *from, uint64_t from_at,
		       uint64_t len, uint64_t *done, struct img_err *err)
{
	struct slice *slice = (struct slice *)st;

	return img_store_copy(slice->parent, slice->at + at, from, from_at, len, done, err);
}

static void slice_close(struct img_store *st)
{
	struct slice *slice = (struct slice *)st;

	if (slice->owns)
		img_store_close(slice->parent);
	free(slice);
}

static const struct img_store_ops slice_ops = {
	.kind = "slice",
	.passes_on = true,
	.size = slice_size,
	.read = slice_read,
	.write = slice_write,
	.zero = slice_zero,
	.extent = slice_extent,
	.preallocate = slice_preallocate,
	.sync = slice_sync,
	.confirm = slice_confirm,
	.copy = slice_copy,
	.close = slice_close,
};

static bool is_inside(struct img_store *parent, uint64_t at, uint64_t len, struct img_err *err)
{
	uint64_t size;

	if (!img_store_size(parent, &size, err))
		return false;
	if (at <= size && len <= size - at)
		return true;
	return img_fail(err, IMG_E_INCOMPLETE,
			_("%s: ends at offset %" PRIu64 ", but a part of it is said to be %" PRIu64
			  " bytes at offset %" PRIu64), parent->name, size, len, at);
}

static struct slice *new_slice(struct img_store *parent, uint64_t at, uint64_t len,
			       const char *shown_as, struct img_err *err)
{
	struct slice *slice;

	if (!is_inside(parent, at, len, err))
		return NULL;
	slice = img_calloc(1, sizeof(*slice), err);
	if (!slice)
		return NULL;
	*slice = (struct slice){ .parent = parent, .at = at, .len = len };
	slice->st = (struct img_store){
		.ops = &slice_ops, .align = parent->align, .cache = parent->cache,
		.caps = parent->caps & ~(unsigned)(IMG_STORE_RESIZE | IMG_STORE_FRESH),
	};
	slice->st.name = img_strdup(shown_as, err);
	if (slice->st.name)
		return slice;
	img_store_close(&slice->st);
	return NULL;
}

struct img_store *img_store_slice(struct img_store *parent, uint64_t at, uint64_t len,
				  struct img_err *err)
{
	struct slice *slice = new_slice(parent, at, len, parent->name, err);

	return slice ? &slice->st : NULL;
}

struct img_store *img_store_part(struct img_store *parent, uint64_t at, uint64_t len,
				 const char *shown_as, struct img_err *err)
{
	struct slice *slice = new_slice(parent, at, len, shown_as, err);

	if (!slice)
		return NULL;
	slice->owns = true;
	return &slice->st;
}
