/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An image and the files it stands on, opened as one stack of layers. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "image/image.h"

/* Deeper chains are taken for an attack or an accident. */
#define MAX_DEPTH 1024

struct img_store *img_open_path(const struct img_open *how, struct img_err *err)
{
	if (!strcmp(how->path, "-"))
		return img_store_fd(STDIN_FILENO, how->flags, _("standard input"), err);
	if (img_is_stream_path(how->path))
		return img_store_stream(how->path, 0, err);
	return img_open_file(how->path, how->flags, how->cache, how->gate, err);
}

struct img_store *img_open_top_store(const struct img_open *how, struct img_err *err)
{
	struct img_store *st;

	if (how->unpacked && how->unpacked->store)
		return img_store_hold(how->unpacked->store);
	st = img_open_path(how, err);
	return st ? img_unpack(st, how, err) : NULL;
}

void img_unpacked_clear(struct img_unpacked *kept)
{
	img_store_close(kept->store);
	kept->store = NULL;
}

/* How the files are opened for an image that is to be written in place. */
static struct img_open for_writing(const struct img_open *how)
{
	struct img_open files = *how;

	if (how->flags & IMG_OPEN_WRITE)
		files.cache = img_disk_store_cache(how->cache);
	return files;
}

bool img_same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	return !stat(a, &sa) && !stat(b, &sb) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static bool check_loop(const struct img *im, const struct img_store *next, struct img_err *err)
{
	for (size_t i = 0; i < im->n_layers; i++)
		if (img_path_same(im->layers[i].store->name, next->name))
			return img_fail(err, IMG_E_CORRUPT,
					_("the backing chain is a loop: \"%s\" is in it already"),
					next->name);
	if (im->n_layers >= MAX_DEPTH)
		return img_fail(err, IMG_E_RANGE,
				_("the backing chain has more than %d layers"), MAX_DEPTH);
	return true;
}

/* Adds store, which it takes over, as the lowest layer. */
static bool push_layer(struct img *im, struct img_store *store, const struct img_open *how,
		       struct img_err *err)
{
	const char *doubt = NULL;
	const struct img_opener *opener = NULL;
	struct img_layer *layers;

	if (im->at_once && !im->n_layers) {
		store = img_at_once_change(im->at_once, store, NULL, err);
		opener = img_at_once_opener(im->at_once);
	}
	if (!store)
		return false;
	if (!check_loop(im, store, err))
		goto fail;
	layers = img_grow(im->layers, im->n_layers + 1, sizeof(*layers), err);
	if (!layers)
		goto fail;
	im->layers = layers;
	if (!img_layer_open(&layers[im->n_layers], store, how, opener, &doubt, err))
		return false;
	im->n_layers++;
	if (im->n_layers == 1)
		im->doubt = doubt;
	return true;
fail:
	img_store_close(store);
	return false;
}

/* Whether there is something below the lowest layer, and under which name; false: failed. */
static bool look_below(struct img *im, const struct img_open *top, bool *more, struct img_err *err)
{
	struct img_layer *lowest = &im->layers[im->n_layers - 1];

	if (!lowest->backing && lowest->below_id && !img_find_below(lowest, top, err))
		return false;
	*more = lowest->backing;
	return true;
}

/* Opens what the lowest layer stands on. */
static bool push_backing(struct img *im, const struct img_open *top, struct img_err *err)
{
	const struct img_layer *above = &im->layers[im->n_layers - 1];
	const struct img_open how = {
		.format = above->backing_format, .cache = top->cache, .gate = top->gate,
		.flags = top->flags & ~(IMG_OPEN_WRITE | IMG_OPEN_SALVAGE), .cache_size = top->cache_size,
		.keys = top->keys,
	};
	IMG_AUTO_FREE char *path = img_resolve(above->store->name, above->backing, err);
	const struct img_reference ref = {
		.kind = IMG_REF_BACKING, .name = above->backing,
		.format = above->backing_format, .path = path,
	};
	struct img_store *store;

	if (!path)
		return false;
	store = img_open_reference(top->gate, &ref, how.flags, how.cache, err);
	if (store && push_layer(im, store, &how, err))
		return true;
	return img_within(err, _("backing file of %s"), im->layers[im->n_layers - 1].store->name);
}

/* Opens what the user says that the top layer stands on.  Of a salvage nobody else may know it. */
static bool push_parent(struct img *im, const struct img_open *top, struct img_err *err)
{
	const struct img_layer *above = &im->layers[0];
	const struct img_open how = {
		.cache = top->cache, .gate = top->gate, .cache_size = top->cache_size,
		.flags = top->flags & ~(IMG_OPEN_WRITE | IMG_OPEN_SALVAGE), .keys = top->keys,
	};
	struct img_store *store;

	if (!above->backing && !above->below_id && !(top->flags & IMG_OPEN_SALVAGE))
		return img_fail(err, IMG_E_ARGUMENT, _("%s stands on no other image"),
				above->store->name);
	store = img_open_file(top->parent, how.flags, how.cache, how.gate, err);
	return store && push_layer(im, store, &how, err);
}

static bool push_chain(struct img *im, const struct img_open *top, struct img_err *err)
{
	bool more = true;

	if (top->parent && !push_parent(im, top, err))
		return false;
	while (more)
		if (!look_below(im, top, &more, err) || (more && !push_backing(im, top, err)))
			return false;
	return true;
}

/* What is written would go with what lies below now, and all else with what lay there before. */
static bool check_match(const struct img *im, const struct img_open *how, struct img_err *err)
{
	const char *why = img_layer_mismatch(im, 0);

	if (!why || !(how->flags & IMG_OPEN_WRITE) || im->any_below)
		return true;
	return img_fail(err, IMG_E_MISMATCH, _("%s: is not written: %s"), img_layer_name(im, 0),
			_(why));
}

bool img_check_journal(const char *path, struct img_err *err)
{
	return img_has_beside(path) ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("%s: such a change needs a journal beside the "
			"image, and a server has no place for it; change a copy in a file"), path);
}

bool img_is_at_once(const struct img *im)
{
	return im->at_once || img_layer_history(&im->layers[0]);
}

/*
 * What a raw image on a cluster has besides its bytes, its length and its snapshots, changes in one step
 * there, and needs no journal.
 */
static bool needs_journal(struct img_store *store, const struct img_open *how, bool *yes, struct img_err *err)
{
	const struct img_format *format = how->format ? img_format_named(how->format) : NULL;

	*yes = true;
	if (!store->ops->history || how->header)
		return true;
	if (!how->format && !img_look_at(store, &format, err))
		return false;
	*yes = !format || !format->identity;
	return true;
}

/* Begins to keep what is changed; store: the file of the image. */
static bool start_at_once(struct img *im, struct img_store *store, const struct img_open *how,
			  struct img_err *err)
{
	const unsigned wanted = IMG_OPEN_AT_ONCE | IMG_OPEN_WRITE;
	bool needed = false;

	if ((how->flags & wanted) == wanted && !needs_journal(store, how, &needed, err))
		return false;
	return !needed || (im->at_once = img_at_once_new(how, err));
}

struct img *img_open(const struct img_open *how, struct img_err *err)
{
	const struct img_open files = for_writing(how);
	struct img *im = img_calloc(1, sizeof(*im), err);
	struct img_store *store;

	if (!im)
		return NULL;
	if ((how->flags & IMG_OPEN_AT_ONCE) && !img_check_journal(how->path, err))
		goto fail;
	im->any_below = how->flags & IMG_OPEN_MISMATCH;
	im->ending.probed = !how->format;
	store = img_open_top_store(&files, err);
	if (store && !start_at_once(im, store, &files, err)) {
		img_store_close(store);
		goto fail;
	}
	if (!store || !push_layer(im, store, &files, err))
		goto fail;
	if (!(how->flags & IMG_OPEN_NO_BACKING) && !push_chain(im, &files, err))
		goto fail;
	if (!img_doubt_zeros(im, err) || !check_match(im, how, err) ||
	    ((how->flags & IMG_OPEN_WRITE) && !img_disk_new(im, how->cache, err)))
		goto fail;
	return im;
fail:
	img_close(im);
	return NULL;
}

/* The format is that of before: a raw disk may look like anything by now. */
static bool push_again(struct img *im, struct img_store *file, const struct img_open *how,
		       struct img_err *err)
{
	struct img_store *store = img_at_once_change(im->at_once, file, NULL, err);
	const char *doubt;

	return store && img_layer_open(&im->layers[0], store, how, img_at_once_opener(im->at_once),
				       &doubt, err) &&
	       img_disk_new(im, how->cache, err);
}

bool img_open_again(struct img *im, struct img_err *err)
{
	const struct img_format *format = im->layers[0].format;
	struct img_at_once *old = im->at_once;
	struct img_store *file = img_store_hold(img_at_once_file(old));
	struct img_open how;
	bool ok;

	img_disk_free(im->disk);
	im->disk = NULL;
	img_layer_close(&im->layers[0]);
	how = *img_at_once_how(old);
	how.format = format->name;
	im->at_once = img_at_once_new(&how, err);
	ok = im->at_once && push_again(im, img_store_hold(file), &how, err);
	img_store_close(file);
	img_at_once_free(old);
	return ok;
}

void img_drop_layers(struct img *im, size_t depth)
{
	while (im->n_layers > depth)
		img_layer_close(&im->layers[--im->n_layers]);
}

void img_close(struct img *im)
{
	if (!im)
		return;
	img_disk_free(im->disk);
	img_drop_layers(im, 0);
	free(im->layers);
	img_rangeset_clear(&im->left_out);
	img_rangeset_clear(&im->doubted);
	img_at_once_free(im->at_once);
	img_target_free(im->target);
	free(im);
}

void img_get_salvage(const struct img *im, struct img_salvage *out)
{
	const struct img_salvaged *told = &im->layers[0].salvaged;

	*out = (struct img_salvage){
		.notes = told->notes.v, .n_notes = told->notes.n, .unplaced = told->unplaced,
		.size_guessed = told->size_guessed,
	};
}

uint64_t img_size(const struct img *im)
{
	return im->layers[0].size;
}

size_t img_depth(const struct img *im)
{
	return im->n_layers;
}

const struct img_format *img_layer_format(const struct img *im, size_t depth)
{
	return im->layers[depth].format;
}

const char *img_layer_name(const struct img *im, size_t depth)
{
	const struct img_target *target = depth ? NULL : im->target;

	/* A temporary file has no name that means anything to anybody. */
	if (target && (target->pipe || target->outer))
		return target->pipe ? target->pipe->name : target->outer->name;
	return im->layers[depth].store->name;
}

bool img_probe_doubtful(const struct img *im, const char **why)
{
	if (im->doubt)
		*why = _(im->doubt);
	return im->doubt != NULL;
}

bool img_is_file(const struct img *im)
{
	return !strcmp(im->layers[0].store->ops->kind, "file");
}

const char *img_layer_mismatch(const struct img *im, size_t depth)
{
	const struct img_layer *ly = &im->layers[depth];

	if (!ly->format->mismatch || depth + 1 >= im->n_layers)
		return NULL;
	return ly->format->mismatch(ly, ly + 1);
}

const char *img_layer_oddity(const struct img *im, size_t depth)
{
	const struct img_layer *ly = &im->layers[depth];
	const char *why = img_layer_mismatch(im, depth);

	if (!why && ly->format->oddity)
		why = ly->format->oddity(ly);
	return why ? _(why) : NULL;
}
