/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files that an image is made of, while it is repaired through the one that names them:
 * overlays as long as the repair is tried, and each with an undo file of its own when it is done.
 * Whoever opens one gets the same, so that a check sees what the repair has changed.
 */
#include <string.h>
#include "base/mem.h"
#include "image/image.h"
#include "store/overlay.h"

struct img_repaired_file {
	char *name;			/* as in the image */
	struct img_store *under;	/* while it is tried: what store lies over */
	struct img_store *store;	/* the overlay; later the file; or NULL */
	char *undo_path;		/* of the undo file, should it be changed; or NULL */
	bool changed;			/* when it was tried */
};

static struct img_repaired_file *find(const struct img_repair_files *files, const char *name)
{
	for (size_t i = 0; i < files->n; i++)
		if (!strcmp(files->v[i].name, name))
			return &files->v[i];
	return NULL;
}

static struct img_repaired_file *add(struct img_repair_files *files, const char *name,
				     struct img_err *err)
{
	struct img_repaired_file *v = img_grow(files->v, files->n + 1, sizeof(*v), err);

	if (!v)
		return NULL;
	files->v = v;
	v[files->n] = (struct img_repaired_file){ .name = img_strdup(name, err) };
	return v[files->n].name ? &v[files->n++] : NULL;
}

static bool open_to_try(struct img_repair_files *files, const struct img_reference *ref,
			struct img_repaired_file *file, struct img_err *err)
{
	const struct img_opener *reading = &files->reading.opener;

	if (!file->under && !reading->open(reading, ref, &file->under, err))
		return false;
	file->store = img_store_overlay(file->under, err);
	return file->store;
}

static bool choose_undo(const struct img_repair_files *files, const char *path,
			struct img_repaired_file *file, struct img_err *err)
{
	return file->undo_path || !files->what->name_undo ||
	       files->what->name_undo(files->what->name_undo_ctx, path, &file->undo_path, err);
}

static bool open_with_undo(struct img_repair_files *files, const struct img_reference *ref,
			   struct img_repaired_file *file, struct img_err *err)
{
	struct img_open how = *files->reading.how;
	struct img_named_files writing;
	struct img_store *st, *undo;

	how.flags |= IMG_OPEN_WRITE;
	img_named_files_init(&writing, &how, files->reading.base);
	if (!writing.opener.open(&writing.opener, ref, &st, err))
		return false;
	if (!choose_undo(files, st->name, file, err)) {
		img_store_close(st);
		return false;
	}
	undo = file->undo_path ? img_store_undo(st, file->undo_path, err) : st;
	if (!undo)
		img_store_close(st);
	file->store = undo;
	return undo;
}

static bool open_to_change(struct img_repair_files *files, const struct img_reference *ref,
			   struct img_repaired_file *file, struct img_err *err)
{
	if (open_with_undo(files, ref, file, &files->failure))
		return true;
	return img_fail(err, files->failure.code, "%s", files->failure.text);
}

static bool open_file(const struct img_opener *self, const struct img_reference *ref,
		      struct img_store **out, struct img_err *err)
{
	struct img_repair_files *files = (struct img_repair_files *)self;
	struct img_repaired_file *file = find(files, ref->name);

	if (ref->kind != IMG_REF_EXTENT || (!files->trying && (!file || !file->changed)))
		return files->reading.opener.open(&files->reading.opener, ref, out, err);
	if (!file)
		file = add(files, ref->name, err);
	if (!file || (!file->store && !(files->trying ? open_to_try(files, ref, file, err)
						      : open_to_change(files, ref, file, err))))
		return false;
	*out = img_store_hold(file->store);
	return true;
}

void img_repair_files_init(struct img_repair_files *files, const struct img_open *reading,
			   const char *base, const struct img_repair *what)
{
	*files = (struct img_repair_files){
		.opener = { .open = open_file }, .what = what, .trying = true,
	};
	img_named_files_init(&files->reading, reading, base);
}

static void close_file(struct img_repaired_file *file)
{
	img_store_close(file->store);
	img_store_close(file->under);
	file->store = file->under = NULL;
}

void img_repair_files_settle(struct img_repair_files *files, bool *changed)
{
	for (size_t i = 0; i < files->n; i++) {
		struct img_repaired_file *file = &files->v[i];

		file->changed = file->store && img_overlay_changed(file->store);
		*changed |= file->changed;
		/* Its lock would be in the way of who writes; that of the image excludes others. */
		close_file(file);
	}
	files->trying = false;
}

bool img_repair_files_sync(struct img_repair_files *files, struct img_err *err)
{
	if (files->failure.code)
		return img_fail(err, files->failure.code, "%s", files->failure.text);
	for (size_t i = 0; i < files->n; i++)
		if (files->v[i].store && !img_store_sync(files->v[i].store, err))
			return false;
	return true;
}

const char *img_repair_files_undo(const struct img_repair_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		if (files->v[i].store && img_store_undo_used(files->v[i].store))
			return files->v[i].undo_path;
	return NULL;
}

void img_repair_files_clear(struct img_repair_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		close_file(&files->v[i]);
		free(files->v[i].name);
		free(files->v[i].undo_path);
	}
	free(files->v);
	files->v = NULL;
	files->n = 0;
}
