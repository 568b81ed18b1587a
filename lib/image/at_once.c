/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes of an image that reach its files all at once.  Each file is hidden behind an overlay.  The
 * commit writes what the overlays hold to a journal, and does what that says; whoever finds the
 * journal because that was cut off does it again (pending.c).
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/num.h"
#include "image/image.h"
#include "store/beside.h"
#include "store/file.h"
#include "store/journal.h"
#include "store/overlay.h"

struct img_at_once {
	struct img_opener opener;	/* first: what drivers are given */
	struct img_open how;		/* as the image was opened */
	struct img_journal_change *changes;	/* owned; the first is the image */
	char **paths;			/* owned, of each; NULL: the image's */
	size_t n, cap, cap_paths;
	bool fits;			/* what is written takes no room that is not there */
	struct img_longer *longer;	/* the image is, already; or NULL */
};

/* ---- Files that are changed ---------------------------------------------------------------------- */

/* Room for one more, which is filled in at changes[n]; path is taken over even on failure. */
static struct img_journal_change *add_change(struct img_at_once *once, char *path,
					     enum img_journal_file_kind kind,
					     const struct img_reference *ref, struct img_err *err)
{
	struct img_journal_change *changes =
		img_grow_by_one(once->changes, once->n, &once->cap, sizeof(*changes), err);
	char **paths = changes ? img_grow_by_one(once->paths, once->n, &once->cap_paths,
						 sizeof(*paths), err) : NULL;

	if (changes)
		once->changes = changes;
	if (!paths || once->n == JOURNAL_MAX_FILES ||
	    (ref && strlen(ref->name) >= JOURNAL_NAME_BYTES)) {
		free(path);
		if (paths)
			img_fail(err, IMG_E_RANGE, _("too many files are to be changed at once"));
		return NULL;
	}
	once->paths = paths;
	paths[once->n] = path;
	changes += once->n;
	*changes = (struct img_journal_change){ .file.kind = kind };
	if (ref) {
		changes->file.ref = ref->kind;
		memcpy(changes->file.name, ref->name, strlen(ref->name));
	}
	return changes;
}

/* Hides parent, which it takes over even on failure, behind an overlay. */
static struct img_store *hide(struct img_at_once *once, struct img_store *parent, char *path,
			      enum img_journal_file_kind kind, const struct img_reference *ref,
			      struct img_err *err)
{
	struct img_store *overlay = img_store_overlay(parent, err);
	struct img_journal_change *change;

	if (!overlay) {
		free(path);
		img_store_close(parent);
		return NULL;
	}
	img_overlay_adopt_parent(overlay);
	change = add_change(once, path, kind, ref, err);
	if (!change) {
		img_store_close(overlay);
		return NULL;
	}
	change->parent = parent;
	change->overlay = overlay;
	once->n++;
	return overlay;
}

struct img_store *img_at_once_change(struct img_at_once *once, struct img_store *store,
				     const struct img_reference *ref, struct img_err *err)
{
	char *path = NULL;

	if (!(store->caps & IMG_STORE_RESIZE)) {
		img_fail(err, IMG_E_UNSUPPORTED, _("%s: only a file can be changed at once: beside "
			 "others there is no room for a journal"), store->name);
		img_store_close(store);
		return NULL;
	}
	if (ref && !(path = img_strdup(store->name, err))) {
		img_store_close(store);
		return NULL;
	}
	return hide(once, store, path, JOURNAL_CHANGE, ref, err);
}

/* ---- What drivers ask for ------------------------------------------------------------------------ */

static bool open_named(const struct img_opener *self, const struct img_reference *ref,
		       struct img_store **out, struct img_err *err)
{
	struct img_at_once *once = (struct img_at_once *)(uintptr_t)self;
	struct img_reference resolved = *ref;
	IMG_AUTO_FREE char *path = img_resolve(once->how.path, ref->name, err);

	if (!path)
		return false;
	resolved.path = path;
	if (!img_check_named(once->how.path, &resolved, err))
		return false;
	*out = img_open_reference(once->how.gate, &resolved, once->how.flags, once->how.cache, err);
	if (*out && ref->kind != IMG_REF_BACKING)
		*out = img_at_once_change(once, *out, ref, err);
	return *out != NULL;
}

static bool create_named(const struct img_opener *self, const struct img_reference *ref,
			 struct img_store **out, struct img_err *err)
{
	struct img_at_once *once = (struct img_at_once *)(uintptr_t)self;
	char *path = img_allowed_path(once->how.gate, once->how.path, ref, err);
	struct img_store *empty;

	if (!path)
		return false;
	if (!access(path, F_OK)) {
		img_fail(err, IMG_E_ARGUMENT, _("%s: exists already, and must be a new file"), path);
		free(path);
		return false;
	}
	empty = img_store_mem(NULL, 0, err);
	if (!empty) {
		free(path);
		return false;
	}
	*out = hide(once, empty, path, JOURNAL_CREATE, ref, err);
	return *out != NULL;
}

static bool remove_named(const struct img_opener *self, const struct img_reference *ref,
			 struct img_err *err)
{
	struct img_at_once *once = (struct img_at_once *)(uintptr_t)self;
	char *path = img_allowed_path(once->how.gate, once->how.path, ref, err);

	if (!path)
		return false;
	/* What was to become of it does not matter any more. */
	for (size_t i = 1; i < once->n; i++) {
		if (strcmp(once->paths[i], path))
			continue;
		once->changes[i].file.kind = JOURNAL_REMOVE;
		free(path);
		return true;
	}
	if (!add_change(once, path, JOURNAL_REMOVE, ref, err))
		return false;
	once->n++;
	return true;
}

/* Whether nothing is to become of the length of the image yet. */
static bool has_its_length(const struct img_journal_change *image, bool *yes, struct img_err *err)
{
	uint64_t is, was;

	if (!img_store_size(image->parent, &was, err) || !img_store_size(image->overlay, &is, err))
		return false;
	*yes = is == was && img_overlay_cut(image->overlay) == was;
	return true;
}

static bool lengthen(const struct img_opener *self, uint64_t bytes, struct img_store **out,
		     struct img_err *err)
{
	struct img_at_once *once = (struct img_at_once *)(uintptr_t)self;
	const struct img_journal_change *image = &once->changes[0];
	bool possible;

	*out = NULL;
	if (!has_its_length(image, &possible, err))
		return false;
	/* On a cluster no journal takes the place of another one in one step. */
	if (!possible || once->longer || img_path_is_uri(once->how.path))
		return true;
	once->longer = img_longer_new(image->parent, once->how.path, bytes, err);
	if (!once->longer)
		return false;
	img_overlay_follow(image->overlay, bytes);
	*out = image->parent;
	return true;
}

/* ---- The commit ---------------------------------------------------------------------------------- */

static bool open_changed(void *ctx, size_t i, const struct img_journal_file *file,
			 struct img_store **out, struct img_err *err)
{
	const struct img_at_once *once = ctx;

	*out = file->kind == JOURNAL_CREATE
		? img_store_file_new(once->paths[i], IMG_CACHE_WRITEBACK, err)
		: once->changes[i].parent;
	return *out != NULL;
}

static void close_changed(void *ctx, size_t i, struct img_store *st)
{
	const struct img_at_once *once = ctx;

	if (once->changes[i].file.kind == JOURNAL_CREATE)
		img_store_close(st);
}

static bool remove_changed(void *ctx, size_t i, const struct img_journal_file *file,
			   struct img_err *err)
{
	const struct img_at_once *once = ctx;

	(void)file;
	return !unlink(once->paths[i]) || errno == ENOENT ||
	       img_fail_os(err, _("%s: cannot be removed"), once->paths[i]);
}

static bool reserve_space(struct img_journal_change *change, enum img_preallocation how,
			  struct img_err *err)
{
	const struct img_rangeset *set = img_overlay_space(change->overlay, how);

	for (size_t i = 0; i < set->n; i++)
		if (!img_store_reserve(change->parent, set->v[i].start,
				       set->v[i].end - set->v[i].start, err))
			return false;
	return true;
}

static bool reserve_runs(struct img_journal_change *change, struct img_err *err)
{
	struct img_overlay_run run = { 0 };
	bool found = true;

	while (found)
		if (!img_overlay_next(change->overlay, run.end, &run, &found, err) ||
		    (found && !run.zeros &&
		     !img_store_reserve(change->parent, run.start, run.end - run.start, err)))
			return false;
	return true;
}

static bool reserve_length(struct img_journal_change *change, struct img_err *err)
{
	uint64_t size;

	return img_store_size(change->overlay, &size, err) &&
	       img_file_can_reach(change->parent, size, err);
}

/* What is set aside behind the end of a file goes when it is cut there. */
static void give_back(struct img_store *st)
{
	uint64_t size;
	const bool done = img_store_size(st, &size, NULL) && img_store_resize(st, size, NULL);

	(void)done;	/* it is room on the disk, and goes with the next change at the latest */
}

/* That a file has no room must come out while nothing is changed yet. */
static bool reserve(struct img_at_once *once, struct img_err *err)
{
	bool ok = true;

	for (size_t i = 0; ok && i < once->n; i++) {
		struct img_journal_change *change = &once->changes[i];

		ok = change->file.kind != JOURNAL_CHANGE ||
		     (reserve_length(change, err) &&
		      reserve_space(change, IMG_PREALLOC_FALLOC, err) &&
		      reserve_space(change, IMG_PREALLOC_FULL, err) && reserve_runs(change, err));
	}
	for (size_t i = 0; !ok && i < once->n; i++)
		if (once->changes[i].file.kind == JOURNAL_CHANGE)
			give_back(once->changes[i].parent);
	return ok;
}

static bool is_changed(const struct img_at_once *once)
{
	for (size_t i = 0; i < once->n; i++)
		if (once->changes[i].file.kind != JOURNAL_CHANGE ||
		    img_overlay_changed(once->changes[i].overlay))
			return true;
	return false;
}

static bool apply(struct img_at_once *once, struct img_store *journal, struct img_err *err)
{
	const struct img_journal_access access = {
		.open = open_changed, .close = close_changed, .remove = remove_changed, .ctx = once,
	};
	struct img_journal_reading *reading = NULL;
	struct img_err why = { 0 };
	bool foreign, ok;

	ok = img_journal_read(journal, &reading, &foreign, &why) && reading &&
	     img_journal_apply(reading, &access, &why);
	img_journal_reading_free(reading);
	if (ok)
		return true;
	return img_fail(err, why.code ? why.code : IMG_E_IO, _("%s; what was not done is kept in %s, "
			"and done when the image is opened for writing"), why.text, journal->name);
}

/* Takes the place of the journal by which the image would be cut off again, in one step. */
static struct img_store *replace_journal(struct img_at_once *once, const struct img_beside *beside,
					 struct img_err *err)
{
	struct img_store *journal = img_store_file_new(beside->path, IMG_CACHE_WRITEBACK, err);

	if (journal && img_journal_write(journal, once->changes, once->n, err) &&
	    img_store_publish(journal, err)) {
		img_longer_forget(once->longer);
		once->longer = NULL;
		return journal;
	}
	img_store_close(journal);
	return NULL;
}

static struct img_store *make_journal(const struct img_at_once *once, struct img_beside *beside,
				      struct img_err *err)
{
	struct img_store *journal = img_beside_create(beside, err);

	if (!journal)
		return NULL;
	if (img_journal_write(journal, once->changes, once->n, err) &&
	    img_beside_sync(beside, journal, err))
		return journal;
	img_beside_remove(beside);
	img_store_close(journal);
	return NULL;
}

static bool write_and_apply(struct img_at_once *once, struct img_beside *beside, struct img_err *err)
{
	struct img_store *journal = once->longer ? replace_journal(once, beside, err)
						 : make_journal(once, beside, err);
	bool ok;

	if (!journal)
		return false;
	/* Found again, it would undo what is written to the image from now on. */
	ok = apply(once, journal, err) && img_beside_drop(beside, journal, err);
	img_store_close(journal);
	return ok;
}

/* Nothing is changed but the length of the image. */
static bool end_longer(struct img_at_once *once, struct img_err *err)
{
	struct img_longer *longer = once->longer;

	once->longer = NULL;
	return !longer || img_longer_end(longer, err);
}

static struct img_beside *find_place(const struct img_at_once *once, struct img_err *err)
{
	IMG_AUTO_FREE char *path = img_journal_place(once->how.path, err);

	if (!path)
		return NULL;
	return once->longer ? img_beside_old(path, err) : img_beside_new(path, err);
}

bool img_at_once_commit(struct img_at_once *once, struct img_err *err)
{
	struct img_beside *beside;
	bool ok;

	if (once->longer && !img_store_sync(once->changes[0].parent, err))
		return false;
	if (!is_changed(once))
		return end_longer(once, err);
	beside = find_place(once, err);
	ok = beside && (once->fits || reserve(once, err)) && write_and_apply(once, beside, err);
	img_beside_free(beside);
	return ok;
}

/* ---- Life ---------------------------------------------------------------------------------------- */

struct img_at_once *img_at_once_new(const struct img_open *how, struct img_err *err)
{
	struct img_at_once *once = img_calloc(1, sizeof(*once), err);
	char *path = once ? img_strdup(how->path, err) : NULL;

	if (!path) {
		free(once);
		return NULL;
	}
	once->opener = (struct img_opener){
		.open = open_named, .create = create_named, .remove = remove_named,
		.lengthen = lengthen,
	};
	once->how = *how;
	once->how.path = path;
	return once;
}

const struct img_opener *img_at_once_opener(struct img_at_once *once)
{
	return &once->opener;
}

const struct img_open *img_at_once_how(const struct img_at_once *once)
{
	return &once->how;
}

struct img_store *img_at_once_file(const struct img_at_once *once)
{
	return once->changes[0].parent;
}

static bool add_kept(struct img_store *overlay, uint64_t *bytes, struct img_err *err)
{
	struct img_overlay_run run = { 0 };
	bool found = true;

	while (found) {
		if (!img_overlay_next(overlay, run.end, &run, &found, err))
			return false;
		if (found && !run.zeros)
			*bytes += img_round_up(run.end, IMG_FS_BLOCK) -
				  img_round_down(run.start, IMG_FS_BLOCK);
	}
	return true;
}

bool img_at_once_kept(const struct img_at_once *once, uint64_t *bytes, struct img_err *err)
{
	*bytes = 0;
	for (size_t i = 0; i < once->n; i++)
		if (once->changes[i].file.kind != JOURNAL_REMOVE &&
		    !add_kept(once->changes[i].overlay, bytes, err))
			return false;
	return true;
}

void img_at_once_needs_no_room(struct img_at_once *once)
{
	once->fits = true;
}

void img_at_once_free(struct img_at_once *once)
{
	if (!once)
		return;
	img_longer_undo(once->longer);
	for (size_t i = 0; i < once->n; i++)
		free(once->paths[i]);
	free(once->paths);
	free(once->changes);
	free((char *)(uintptr_t)once->how.path);
	free(once);
}
