/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is being written at the end of a store, as a store: a file in an archive that grows.  Two kinds:
 * one that can be written anywhere, and one that goes front to back and is hashed on its way.
 */
#include "store/store.h"

#include <stdlib.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"

struct tail {
	struct img_store st;
	struct img_store *parent;	/* the caller's */
	uint64_t at;			/* in parent */
	struct img_hash *hash;		/* the caller's, or NULL: seekable */
	uint64_t next;			/* with a hash: the offset that comes next */
};

static bool tail_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	const struct tail *tail = (struct tail *)st;
	uint64_t size;

	if (tail->hash) {
		*bytes = tail->next;
		return true;
	}
	if (!img_store_size(tail->parent, &size, err))
		return false;
	*bytes = size > tail->at ? size - tail->at : 0;
	return true;
}

static bool tail_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
		      struct img_err *err)
{
	const struct tail *tail = (struct tail *)st;

	return img_store_read_some(tail->parent, tail->at + at, buf, len, got, err);
}

static bool pass_on(struct tail *tail, uint64_t at, const void *buf, size_t len, struct img_err *err)
{
	if (!img_store_check_next(tail->next, at, err) || !img_hash_add(tail->hash, buf, len, err))
		return false;
	tail->next += len;
	return true;
}

static bool tail_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
		       struct img_err *err)
{
	struct tail *tail = (struct tail *)st;

	return (!tail->hash || pass_on(tail, at, buf, len, err)) &&
	       img_store_write(tail->parent, tail->at + at, buf, len, err);
}

static bool tail_zero(struct img_store *st, uint64_t at, uint64_t len, bool keep_space,
		      struct img_err *err)
{
	const struct tail *tail = (struct tail *)st;

	return img_store_zero(tail->parent, tail->at + at, len, keep_space, err);
}

static bool tail_resize(struct img_store *st, uint64_t bytes, struct img_err *err)
{
	const struct tail *tail = (struct tail *)st;

	return img_store_resize(tail->parent, tail->at + bytes, err);
}

static bool tail_preallocate(struct img_store *st, uint64_t at, uint64_t len,
			     enum img_preallocation how, struct img_err *err)
{
	const struct tail *tail = (struct tail *)st;

	return img_store_preallocate(tail->parent, tail->at + at, len, how, err);
}

static void tail_close(struct img_store *st)
{
	free(st);
}

static const struct img_store_ops tail_ops = {
	.kind = "tail",
	.passes_on = true,
	.size = tail_size,
	.read = tail_read,
	.write = tail_write,
	.zero = tail_zero,
	.resize = tail_resize,
	.preallocate = tail_preallocate,
	.close = tail_close,
};

/* Zeros are bytes for a hash, too. */
static const struct img_store_ops hashed_ops = {
	.kind = "tail",
	.passes_on = true,
	.size = tail_size,
	.write = tail_write,
	.close = tail_close,
};

struct img_store *img_store_tail(struct img_store *parent, uint64_t at, struct img_hash *hash,
				 struct img_err *err)
{
	struct tail *tail = img_calloc(1, sizeof(*tail), err);

	if (!tail)
		return NULL;
	*tail = (struct tail){ .parent = parent, .at = at, .hash = hash };
	tail->st = (struct img_store){
		.ops = hash ? &hashed_ops : &tail_ops, .cache = parent->cache,
		.align = hash ? 1 : parent->align,
		.caps = hash ? IMG_STORE_WRITE : parent->caps & ~(unsigned)IMG_STORE_EXTENTS,
	};
	tail->st.name = img_strdup(parent->name, err);
	if (tail->st.name)
		return &tail->st;
	free(tail);
	return NULL;
}
