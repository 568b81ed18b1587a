/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A store that keeps what its parent held: whatever a change takes away is durable in an undo file
 * before the change is passed on.  The undo file is made at the first change.
 */
#include "store/undo.h"

#include <stdlib.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"

struct undo {
	struct img_store st;
	struct img_store *parent;	/* owned */
	struct img_beside *name;	/* of the undo file; NULL: file was handed over */
	struct img_store *file;		/* owned; NULL until it is made */
	bool begun;			/* its header and its name are durable */
	bool changed;			/* something was let through */
	struct img_undo_save save;
};

static struct img_store *parent_of(struct img_store *st)
{
	return ((struct undo *)st)->parent;
}

static bool begin(struct undo *undo, struct img_err *err)
{
	if (undo->begun)
		return true;
	if (!undo->file)
		undo->file = img_beside_create(undo->name, err);
	if (!undo->file || !img_undo_begin(&undo->save, undo->file, err) ||
	    (undo->name && !img_beside_sync(undo->name, undo->file, err)))
		return false;
	undo->begun = true;
	return true;
}

/* To be called before a change of these bytes; then it may be made. */
static bool keep(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err)
{
	struct undo *undo = (struct undo *)st;

	if (!begin(undo, err) || !img_undo_save(&undo->save, at, len, err))
		return false;
	undo->changed = true;
	return true;
}

static bool undo_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	return img_store_size(parent_of(st), bytes, err);
}

static bool undo_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
		      struct img_err *err)
{
	return img_store_read_some(parent_of(st), at, buf, len, got, err);
}

static bool undo_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
		       struct img_err *err)
{
	return keep(st, at, len, err) && img_store_write(parent_of(st), at, buf, len, err);
}

static bool undo_zero(struct img_store *st, uint64_t at, uint64_t len, bool keep_space,
		      struct img_err *err)
{
	return keep(st, at, len, err) &&
	       img_store_zero(parent_of(st), at, len, keep_space, err);
}

/* Whoever goes to the place of the answer must come through here. */
static bool undo_extent(struct img_store *st, uint64_t at, uint64_t limit, struct img_extent *out,
			struct img_err *err)
{
	if (!img_store_extent(parent_of(st), at, limit, out, err))
		return false;
	if (out->store == parent_of(st))
		out->store = st;
	return true;
}

static bool undo_resize(struct img_store *st, uint64_t bytes, struct img_err *err)
{
	/* All behind the new end; the undo file knows how much of that there was. */
	return keep(st, bytes, INT64_MAX - bytes, err) &&
	       img_store_resize(parent_of(st), bytes, err);
}

/* Zeros may be written where the system cannot set space aside. */
static bool undo_preallocate(struct img_store *st, uint64_t at, uint64_t len,
			     enum img_preallocation how, struct img_err *err)
{
	return keep(st, at, len, err) &&
	       img_store_preallocate(parent_of(st), at, len, how, err);
}

static void undo_expect(struct img_store *st, uint64_t end)
{
	img_store_expect(parent_of(st), end);
}

static void undo_expect_run(struct img_store *st, uint64_t at, uint64_t end)
{
	img_store_expect_run(parent_of(st), at, end);
}

static bool undo_sync(struct img_store *st, struct img_err *err)
{
	return img_store_sync(parent_of(st), err);
}

static void undo_close(struct img_store *st)
{
	struct undo *undo = (struct undo *)st;

	if (undo->changed)
		img_undo_seal(&undo->save);
	else if (undo->name)
		img_beside_remove(undo->name);
	img_store_close(undo->file);
	img_store_close(undo->parent);
	img_beside_free(undo->name);
	img_rangeset_clear(&undo->save.saved);
	free(undo->save.buf);
	free(undo);
}

static const struct img_store_ops undo_ops = {
	.kind = "undo",
	.passes_on = true,
	.size = undo_size,
	.read = undo_read,
	.write = undo_write,
	.zero = undo_zero,
	.extent = undo_extent,
	.resize = undo_resize,
	.preallocate = undo_preallocate,
	.expect = undo_expect,
	.expect_run = undo_expect_run,
	.sync = undo_sync,
	.close = undo_close,
};

bool img_store_undo_used(const struct img_store *st)
{
	return st->ops == &undo_ops && ((const struct undo *)st)->changed;
}

/* Without parent and undo file, which the caller gives it when all has worked. */
static struct undo *new_undo(struct img_store *parent, struct img_err *err)
{
	struct undo *undo;

	if (!(parent->caps & IMG_STORE_SEEK)) {
		img_fail(err, IMG_E_UNSUPPORTED, _("%s: what a stream held cannot be kept"),
			 parent->name);
		return NULL;
	}
	undo = img_calloc(1, sizeof(*undo), err);
	if (!undo)
		return NULL;
	undo->st = (struct img_store){
		.ops = &undo_ops, .align = parent->align, .cache = parent->cache,
		.caps = parent->caps & ~(unsigned)(IMG_STORE_PARALLEL | IMG_STORE_FRESH),
	};
	undo->st.name = img_strdup(parent->name, err);
	if (undo->st.name)
		return undo;
	img_store_close(&undo->st);
	return NULL;
}

static struct img_store *give_parent(struct undo *undo, struct img_store *parent)
{
	undo->parent = undo->save.parent = parent;
	return &undo->st;
}

struct img_store *img_store_undo(struct img_store *parent, const char *undo_path,
				 struct img_err *err)
{
	struct undo *undo = new_undo(parent, err);

	if (!undo)
		return NULL;
	undo->name = img_beside_new(undo_path, err);
	if (undo->name)
		return give_parent(undo, parent);
	img_store_close(&undo->st);
	return NULL;
}

struct img_store *img_store_undo_to(struct img_store *parent, struct img_store *file,
				    struct img_err *err)
{
	struct undo *undo = new_undo(parent, err);

	if (!undo)
		return NULL;
	undo->file = file;
	return give_parent(undo, parent);
}
