/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* New images: the store they are written to, and the moment when they get their name. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/num.h"
#include "image/image.h"
#include "store/pack.h"
#include "store/rbd-new.h"

struct target_opener {
	struct img_opener opener;
	const struct img_create *what;
	struct img_target *target;
};

/* The path of a header, which a user names.  Whoever takes another's for it loses a disk. */
static char *header_path(const struct img_create *what, const char *name, struct img_err *err)
{
	if (img_path_same(name, what->path))
		img_fail(err, IMG_E_ARGUMENT, _("%s: image and header are the same file"), name);
	else if (!access(name, F_OK))
		img_fail(err, IMG_E_ARGUMENT, _("%s: exists already, and must be a new file"), name);
	else
		return img_strdup(name, err);
	return NULL;
}

/* A file beside the new image, such as a data file; it gets its name together with the image. */
static bool create_named_file(const struct img_opener *self, const struct img_reference *ref,
			      struct img_store **out, struct img_err *err)
{
	const struct target_opener *to = (const struct target_opener *)self;
	struct img_target *target = to->target;
	IMG_AUTO_FREE char *path = ref->kind == IMG_REF_HEADER
		? header_path(to->what, ref->name, err)
		: img_resolve(to->what->path, ref->name, err);
	struct img_store **extra;

	if (!path)
		return false;
	if (img_path_is_uri(path) && !target->counted)
		return img_fail(err, IMG_E_UNSUPPORTED, _("\"%s\" would be a part of the image, and "
				"only files have parts; a format or kind of one file can be made there"),
				ref->name);
	extra = img_grow(target->extra, target->n_extra + 1, sizeof(struct img_store *), err);
	if (!extra)
		return false;
	target->extra = extra;
	*out = target->counted ? img_store_count(path, err)
			       : img_store_file_new(path, to->what->cache, err);
	if (!*out)
		return false;
	extra[target->n_extra++] = *out;
	return true;
}

/* What the new image stands on, for a driver that has to look at it. */
static bool open_named_file(const struct img_opener *self, const struct img_reference *ref,
			    struct img_store **out, struct img_err *err)
{
	const struct target_opener *to = (const struct target_opener *)self;
	IMG_AUTO_FREE char *path = img_resolve(to->what->path, ref->name, err);
	struct img_reference resolved = *ref;

	if (!path)
		return false;
	resolved.path = path;
	*out = img_open_reference(to->what->gate, &resolved, to->what->flags, IMG_CACHE_DEFAULT,
				  err);
	return *out;
}

/* What is there already, and has the length that it has. */
static bool is_device(const char *path)
{
	struct stat st;

	return img_path_is_uri(path) || (!stat(path, &st) && S_ISBLK(st.st_mode));
}

/* Whether an image there is written into what the name leads to, as no other can take its place. */
static bool keeps_place(const char *path)
{
	return is_device(path) && !img_path_is_rbd(path);
}

/* A pipe that the format cannot write to as it stands gets the finished file at the end. */
static bool needs_detour(const struct img_layer_create *what, const struct img_format *format)
{
	const bool needs_plan = format->write->announce != NULL;

	if (format->sequential)
		return !format->sequential(what);
	return !(format->caps & IMG_FMT_SEQUENTIAL) || what->compressed ||
	       (needs_plan && what->size == IMG_SIZE_UNKNOWN);
}

static struct img_store *open_stream(const char *path, unsigned flags, struct img_err *err)
{
	return strcmp(path, "-") ? img_store_stream(path, flags, err)
				 : img_store_fd(STDOUT_FILENO, flags, _("standard output"), err);
}

static bool is_pipe(const char *path)
{
	return !strcmp(path, "-") || img_is_stream_path(path);
}

/* Whether it goes out front to back, and nobody can go back in it. */
static bool is_output(const struct img_create *what)
{
	return what->filter || is_pipe(what->path);
}

struct img_store *img_open_new_store(const char *path, enum img_cache cache, struct img_err *err)
{
	if (is_pipe(path))
		return open_stream(path, IMG_OPEN_WRITE, err);
	if (img_path_is_rbd(path))
		return img_store_rbd_new(path, 0, &(struct img_rbd_new){ 0 }, cache, err);
	if (!is_device(path))
		return img_store_file_new(path, cache, err);
	img_fail(err, IMG_E_ARGUMENT, _("%s: is a device, which a new file would replace"), path);
	return NULL;
}

/* Takes out over, which may be NULL. */
static struct img_store *pack(struct img_store *out, const char *filter, struct img_err *err)
{
	struct img_store *packed = out ? img_store_packed(out, filter, err) : NULL;

	if (!packed)
		img_store_close(out);
	return packed;
}

struct img_store *img_open_new_packed(const char *path, enum img_cache cache, const char *filter,
				      struct img_err *err)
{
	return pack(img_open_new_store(path, cache, err), filter, err);
}

static struct img_store *open_packed(const struct img_create *what, const struct img_format *format,
				     struct img_err *err)
{
	struct img_store *out = img_path_is_rbd(what->path)
		? img_rbd_target(what, format, err)
		: img_open_new_store(what->path, what->cache, err);

	return pack(out, what->filter, err);
}

/* A pipe; or, in front of one that cannot be written to as it is, a temporary file. */
static struct img_store *open_output(const struct img_create *what,
				     const struct img_layer_create *how,
				     const struct img_format *format, struct img_target *target,
				     struct img_err *err)
{
	const unsigned flags = what->flags | IMG_OPEN_WRITE;
	struct img_store *out = what->filter ? open_packed(what, format, err)
					     : open_stream(what->path, flags, err);

	if (!out || (out->caps & IMG_STORE_SEEK) || !needs_detour(how, format))
		return out;
	target->pipe = out;
	return img_store_temporary(NULL, err);
}

/* A raw disk has no header that could come last. */
static struct img_store *open_device(const struct img_create *what, const struct img_format *format,
				     struct img_err *err)
{
	const unsigned flags = what->flags | IMG_OPEN_WRITE;
	struct img_store *store = img_store_path(what->path, flags, what->cache, err);
	struct img_store *careful = NULL;
	uint64_t room;

	if (!store || format == &img_format_raw)
		return store;
	if (img_store_size(store, &room, err) &&
	    (!what->fits || what->fits(what->fits_ctx, room, err)))
		careful = img_store_head_last(store, err);
	if (!careful)
		img_store_close(store);
	return careful;
}

/* Closed on failure. */
static struct img_store *use_inside(const struct img_layer_create *how, const struct img_format *format,
				    struct img_target *target, struct img_err *err)
{
	if ((target->inside->caps & IMG_STORE_SEEK) || !needs_detour(how, format))
		return target->inside;
	img_fail(err, IMG_E_UNSUPPORTED, _("such a %s image cannot be written front to back"),
		 format->name);
	img_store_close(target->inside);
	return NULL;
}

static struct img_store *open_store(const struct img_create *what,
				    const struct img_layer_create *how,
				    const struct img_format *format, struct img_target *target,
				    struct img_err *err)
{
	if (target->counted)
		return img_store_count(what->path, err);
	if (target->inside)
		return use_inside(how, format, target, err);
	if (is_output(what))
		return open_output(what, how, format, target, err);
	if (what->in_place)
		return open_device(what, format, err);
	if (img_path_is_rbd(what->path))
		return img_rbd_target(what, format, err);
	return img_store_file_new(what->path, what->cache, err);
}

/* Notes what the new image stands on, however it was told: by name or among the options. */
static bool note_backing(struct img *im, const struct img_create *what, struct img_err *err)
{
	const struct img_layer *ly = &im->layers[0];
	struct img_target *target = im->target;

	target->gate = what->gate;
	target->key = what->key;
	target->keys = what->keys;
	if (!ly->backing)
		return true;
	target->backing_path = img_resolve(what->path, ly->backing, err);
	if (!target->backing_path)
		return false;
	if (ly->backing_format)
		target->backing_format = img_strdup(ly->backing_format, err);
	return !ly->backing_format || target->backing_format;
}

static bool check_format(const struct img_create *what, const struct img_format *format,
			 struct img_err *err)
{
	if (!format)
		return img_fail(err, IMG_E_ARGUMENT, _("there is no image format \"%s\""),
				what->format);
	if (!format->create)
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s images can only be read"),
				format->name);
	if (what->backing && !(format->caps & IMG_FMT_BACKING))
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s images cannot have a backing file"),
				format->name);
	if (what->compressed && !(format->caps & IMG_FMT_COMPRESS))
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s images cannot be compressed"),
				format->name);
	if (what->filter && what->in_place)
		return img_fail(err, IMG_E_ARGUMENT, _("%s: what is written in place cannot be compressed "
				"as a whole"), what->path);
	if (what->dedup && !format->write->share)
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s images hold each unit in its own place"),
				format->name);
	/* A device is written from end to end; a file's image would have to be kept. */
	if (what->in_place && format != &img_format_raw && !is_device(what->path))
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("an existing %s image cannot be written in place; only raw can"),
				format->name);
	return true;
}

/* Fills im->layers[0]; what is made on the way belongs to im even on failure. */
static bool create_layer(struct img *im, const struct img_create *what,
			 const struct img_settings *settings, struct img_err *err)
{
	const struct target_opener to = {
		.opener = { .open = open_named_file, .create = create_named_file },
		.what = what, .target = im->target,
	};
	const struct img_layer_create how = {
		.size = what->size, .settings = settings, .backing = what->backing,
		.backing_format = what->backing_format, .compressed = what->compressed,
		.dedup = what->dedup,
		.in_place = what->in_place, .reads_as_zero = what->reads_as_zero,
		.counted = im->target->counted,
		.path = im->target->inside || is_output(what) ? NULL : what->path, .opener = &to.opener,
		.source = what->source ? &what->source->layers[0] : NULL, .key = what->key,
	};
	const struct img_format *format = img_format_named(what->format);
	struct img_layer *ly = &im->layers[0];

	ly->store = open_store(what, &how, format, im->target, err);
	if (!ly->store)
		return false;
	if (!format->create(ly, &how, err))
		return img_within_file(err, what->path);
	ly->format = format;
	return ly->encrypted || !what->encrypted ||
	       img_fail(err, IMG_E_ARGUMENT, _("%s: a key is given, but no option says that the image is "
			"to be encrypted"), what->path);
}

/* Those of the format; others are for the place that the image gets. */
static struct img_settings *parse_options(const struct img_create *what, const struct img_format *format,
					  struct img_err *err)
{
	IMG_AUTO_FREE char *left = NULL;

	if (!img_path_is_rbd(what->path) || !what->options)
		return img_settings_parse(format->create_options, what->options, err);
	left = img_settings_part(img_rbd_options(), what->options, false, err);
	return left ? img_settings_parse(format->create_options, left, err) : NULL;
}

static bool makes_files(const struct img *im, const struct img_create *what)
{
	return !im->target->counted && !im->target->inside && !is_pipe(what->path);
}

/* Takes inside, which may be NULL, over even on failure. */
static struct img *create(const struct img_create *what, bool counted, struct img_store *inside,
			  struct img_err *err)
{
	struct img_create how = *what;
	const struct img_format *format = img_format_named(what->format);
	struct img_settings *settings = NULL;
	struct img *im = NULL;

	how.in_place = !counted && !inside && (keeps_place(what->path) ||
					       (what->in_place && !is_pipe(what->path)));
	if (check_format(&how, format, err))
		settings = parse_options(&how, format, err);
	if (!settings)
		goto fail;
	im = img_calloc(1, sizeof(*im), err);
	if (!im)
		goto fail;
	im->layers = img_calloc(1, sizeof(*im->layers), err);
	im->target = img_calloc(1, sizeof(*im->target), err);
	if (!im->layers || !im->target)
		goto fail;
	im->n_layers = 1;
	im->target->counted = counted;
	im->target->inside = inside;
	inside = NULL;
	/* The lock of the source would refuse its files, too, but blame somebody else. */
	if ((makes_files(im, &how) && !img_check_source(how.source, how.path, err)) ||
	    !create_layer(im, &how, settings, err) || !note_backing(im, &how, err) ||
	    (makes_files(im, &how) && !img_check_apart(im, &how, err)))
		goto fail;
	img_settings_free(settings);
	return im;
fail:
	img_settings_free(settings);
	img_store_close(inside);
	img_close(im);
	return NULL;
}

struct img *img_create(const struct img_create *what, struct img_err *err)
{
	return create(what, false, NULL, err);
}

struct img *img_create_counted(const struct img_create *what, struct img_err *err)
{
	return create(what, true, NULL, err);
}

struct img *img_create_inside(struct img_store *st, const struct img_create *what, struct img_err *err)
{
	return create(what, false, st, err);
}

bool img_target_can_rewrite(const struct img *im)
{
	const struct img_target *target = im->target;

	/* What holds compressed units alone is no disk that can be written. */
	return im->layers[0].format->disk && !im->layers[0].framing.always &&
	       (im->layers[0].store->caps & IMG_STORE_SEEK) && !target->n_extra &&
	       !target->backing_path;
}

bool img_target_rewrite(struct img *im, struct img_err *err)
{
	struct img_layer *ly = &im->layers[0];
	struct img_store *store = ly->store;
	const struct img_format *format = ly->format;
	const struct img_keys keys = { .v = &im->target->key, .n = im->target->key != NULL };
	const struct img_open how = {
		.flags = IMG_OPEN_WRITE | IMG_OPEN_NO_BACKING, .keys = &keys,
	};

	if (!format->write->finish(ly, err))
		return img_within_file(err, store->name);
	img_layer_close_as(ly);
	*ly = (struct img_layer){ .store = store, .format = format };
	if (img_layer_open_as(ly, &how, err))
		return img_disk_new(im, IMG_CACHE_UNSAFE, err);
	ly->format = NULL;
	return img_within_file(err, store->name);
}

bool img_open_below(const struct img *im, struct img **below, struct img_err *err)
{
	const struct img_open how = {
		.path = im->target->backing_path, .format = im->target->backing_format,
		.gate = im->target->gate, .keys = im->target->keys,
	};

	*below = NULL;
	if (!how.path)
		return true;
	*below = img_open(&how, err);
	return *below != NULL;
}

bool img_pour(struct img_store *from, struct img_store *pipe, uint64_t pipe_at, struct img_err *err)
{
	const size_t chunk = 1024 * 1024;
	IMG_AUTO_FREE void *buf = img_alloc_aligned(chunk, err);
	uint64_t end, at = 0;

	if (!buf || !img_store_size(from, &end, err))
		return false;
	while (at < end) {
		const size_t len = img_min_u64(chunk, end - at);

		if (!img_store_read(from, at, buf, len, err) ||
		    !img_store_write(pipe, pipe_at + at, buf, len, err))
			return false;
		at += len;
	}
	return true;
}

/* The image comes last: it is what tells of the others. */
static bool publish(struct img *im, struct img_err *err)
{
	const struct img_target *target = im->target;
	const size_t n = target->n_extra;
	IMG_AUTO_FREE struct img_store **files = img_calloc(n + 1, sizeof(struct img_store *), err);

	if (!files)
		return false;
	for (size_t i = 0; i < n; i++)
		files[i] = target->extra[i];
	files[n] = target->pipe ? target->pipe : im->layers[0].store;
	return (!target->pipe || img_pour(im->layers[0].store, target->pipe, 0, err)) &&
	       img_store_publish_all(files, n + 1, err);
}

bool img_finish(struct img *im, struct img_err *err)
{
	struct img_layer *ly = &im->layers[0];

	if (im->disk && !img_disk_finish(im, err))
		return false;
	if (im->at_once)
		return img_at_once_commit(im->at_once, err);
	if (!im->target || im->target->finished)
		return true;
	if (!im->disk && !ly->format->write->finish(ly, err))
		return img_within_file(err, ly->store->name);
	if (!publish(im, err))
		return false;
	if (!im->target->counted && !im->target->inside)
		img_pending_forget(img_layer_name(im, 0));
	im->target->finished = true;
	return true;
}

void img_target_free(struct img_target *target)
{
	if (!target)
		return;
	img_store_close(target->pipe);
	free(target->extra);
	free(target->backing_path);
	free(target->backing_format);
	free(target);
}
