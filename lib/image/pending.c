/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes at once (at_once.c) that were cut off: a journal lies beside the image and says what is
 * missing.  Who writes finishes them; who reads sees them as if they had been.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "image/image.h"
#include "store/beside.h"
#include "store/journal.h"
#include "store/overlay.h"

#define SUFFIX ".journal"

char *img_journal_path(const char *path, struct img_err *err)
{
	return img_beside_path(path, SUFFIX, err);
}

char *img_journal_place(const char *path, struct img_err *err)
{
	struct stat st;

	if (stat(path, &st) || st.st_nlink < 2)
		return img_journal_path(path, err);
	img_fail(err, IMG_E_DENIED, _("%s: has other names, by which nobody would find the journal of a "
		 "change that was cut off; nothing was changed"), path);
	return NULL;
}

bool img_has_beside(const char *path)
{
	return !img_path_is_uri(path) || img_path_is_rbd(path);
}

/* A journal that was found, and says what is to be done; all NULL: there is none. */
struct pending {
	char *path;
	struct img_store *journal;
	struct img_journal_reading *reading;
};

static void clear(struct pending *pending)
{
	img_journal_reading_free(pending->reading);
	img_store_close(pending->journal);
	free(pending->path);
}

/* Whoever may write to a folder could plant one for the image of somebody else. */
static bool check_owner(const struct pending *pending, const char *path, struct img_err *err)
{
	return img_store_same_owner(pending->journal, path) ||
	       img_fail(err, IMG_E_DENIED, _("%s: belongs to somebody else than the image; it is not "
			"trusted"), pending->path);
}

/*
 * The journal of the image at path, which image is, or NULL.  One that was not finished is none; *stale
 * tells of it.  A file of that name that is no journal has nothing to do with images.
 */
static bool find(struct pending *pending, const char *path, struct img_store *image, bool *stale,
		 struct img_err *err)
{
	bool foreign = false;

	*pending = (struct pending){ .path = img_journal_path(path, err) };
	*stale = false;
	if (!pending->path || !img_beside_find(pending->path, image, 0, &pending->journal, err))
		return false;
	if (!pending->journal)
		return true;
	if (!img_journal_read(pending->journal, &pending->reading, &foreign, err))
		return false;
	*stale = !pending->reading && !foreign;
	return (!pending->reading && !*stale) || check_owner(pending, path, err);
}

/* Gone for good: found again it would undo what is written from now on. */
static bool drop(const struct pending *pending, struct img_err *err)
{
	struct img_beside *beside = img_beside_old(pending->path, err);
	const bool ok = beside && img_beside_drop(beside, pending->journal, err);

	img_beside_free(beside);
	return ok;
}

/* ---- Finishing ----------------------------------------------------------------------------------- */

struct finishing {
	struct img_store *image;	/* the caller's */
	const struct img_gate *gate;
	const char *path;
};

/* Where a file of the journal is, if the gate lets it be touched; the caller frees it. */
static char *path_of(const struct finishing *f, const struct img_journal_file *file,
		     struct img_err *err)
{
	const struct img_reference ref = { .kind = file->ref, .name = file->name };

	return img_allowed_path(f->gate, f->path, &ref, err);
}

static bool open_file(void *ctx, size_t i, const struct img_journal_file *file,
		      struct img_store **out, struct img_err *err)
{
	const struct finishing *f = ctx;
	char *path;

	if (i == 0) {
		*out = f->image;
		return true;
	}
	path = path_of(f, file, err);
	if (!path)
		return false;
	*out = file->kind == JOURNAL_CREATE
		? img_store_file_new(path, IMG_CACHE_WRITEBACK, err)
		: img_store_file(path, IMG_OPEN_WRITE, IMG_CACHE_WRITEBACK, err);
	free(path);
	return *out != NULL;
}

static void close_file(void *ctx, size_t i, struct img_store *st)
{
	(void)ctx;
	if (i > 0)
		img_store_close(st);
}

static bool remove_file(void *ctx, size_t i, const struct img_journal_file *file, struct img_err *err)
{
	char *path = path_of(ctx, file, err);
	bool ok;

	(void)i;
	if (!path)
		return false;
	ok = !unlink(path) || errno == ENOENT || img_fail_os(err, _("%s: cannot be removed"), path);
	free(path);
	return ok;
}

bool img_pending_finish(struct img_store *image, const char *path, const struct img_gate *gate,
			struct img_err *err)
{
	struct finishing f = { .image = image, .gate = gate, .path = path };
	const struct img_journal_access access = {
		.open = open_file, .close = close_file, .remove = remove_file, .ctx = &f,
	};
	struct pending pending;
	bool stale;
	bool ok = find(&pending, path, image, &stale, err);

	if (ok && pending.reading)
		ok = img_journal_apply(pending.reading, &access, err) && drop(&pending, err);
	else if (ok && stale)
		ok = drop(&pending, err);
	clear(&pending);
	return ok;
}

/* ---- Showing ------------------------------------------------------------------------------------- */

/* Puts what the journal says of file i in front of *store. */
static bool show(const struct pending *pending, size_t i, struct img_store **store,
		 struct img_err *err)
{
	struct img_store *overlay = img_store_overlay(*store, err);

	if (!overlay)
		return false;
	if (!img_journal_apply_to(pending->reading, i, overlay, err)) {
		img_store_close(overlay);
		return false;
	}
	img_overlay_adopt_parent(overlay);
	*store = overlay;
	return true;
}

/* Puts what is pending of the image at path in front of *store, its file. */
static bool show_image(struct img_store **store, const char *path, struct img_err *err)
{
	struct pending pending;
	bool stale;
	const bool ok = find(&pending, path, *store, &stale, err) &&
			(!pending.reading || show(&pending, 0, store, err));

	clear(&pending);
	return ok;
}

/* The file of the journal that ref names; 0: none. */
static size_t file_of(const struct img_journal_reading *reading, const struct img_reference *ref)
{
	for (size_t i = 1; i < img_journal_files(reading); i++) {
		const struct img_journal_file *file = img_journal_file_at(reading, i);

		if (file->kind != JOURNAL_REMOVE && file->ref == ref->kind &&
		    !strcmp(file->name, ref->name))
			return i;
	}
	return 0;
}

/* *store: the file that ref names, or NULL: it is not there, and may only be going to be made. */
static bool show_named(struct img_store **store, const struct pending *pending,
		       const struct img_reference *ref, struct img_err *err)
{
	const size_t i = pending->reading ? file_of(pending->reading, ref) : 0;

	if (i == 0)
		return true;
	if (!*store && img_journal_file_at(pending->reading, i)->kind == JOURNAL_CREATE &&
	    !(*store = img_store_mem(NULL, 0, err)))
		return false;
	return !*store || show(pending, i, store, err);
}

/* Whether a change may be pending of what ref names: others have a journal of their own, or none. */
static bool may_be_pending(const struct img_open *how, const struct img_reference *ref)
{
	return ref->kind != IMG_REF_BACKING && !(how->flags & IMG_OPEN_WRITE);
}

static struct img_store *give_up(const struct img_err *why, struct img_err *err)
{
	if (err)
		*err = *why;
	return NULL;
}

struct img_store *img_open_named(const struct img_open *how, const char *base,
				 const struct img_reference *ref, struct img_err *err)
{
	struct img_err why = { 0 };
	struct img_store *store = img_open_reference(how->gate, ref, how->flags, how->cache, &why);
	struct pending pending;
	bool ok, stale;

	if (!store && (why.os_errno != ENOENT || !may_be_pending(how, ref)))
		return give_up(&why, err);
	if (!may_be_pending(how, ref))
		return store;
	ok = find(&pending, base, NULL, &stale, err) && show_named(&store, &pending, ref, err);
	clear(&pending);
	if (ok)
		return store ? store : give_up(&why, err);
	img_store_close(store);
	return NULL;
}

/* ---- Opening ------------------------------------------------------------------------------------- */

struct img_store *img_open_file(const char *path, unsigned flags, enum img_cache cache,
				const struct img_gate *gate, struct img_err *err)
{
	struct img_store *store = img_store_path(path, flags, cache, err);

	if (!store || !img_has_beside(path) || (img_recrypt_refuse(store, path, err) &&
		       ((flags & IMG_OPEN_WRITE) ? img_pending_finish(store, path, gate, err)
						 : show_image(&store, path, err))))
		return store;
	img_store_close(store);
	return NULL;
}

void img_pending_forget(const char *path)
{
	struct pending pending;
	bool stale;

	if (find(&pending, path, NULL, &stale, NULL) && (pending.reading || stale))
		(void)drop(&pending, NULL);	/* it will be found not to be for this file */
	clear(&pending);
	img_recrypt_forget(path);
}
