/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One image file: which driver it belongs to, and opening it with that driver. */
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "image/image.h"

/* A pipe that has to be seekable is kept in memory up to here, then in a temporary file. */
#define SPOOL_MEMORY (64 * 1024 * 1024)

static bool open_named_file(const struct img_opener *self, const struct img_reference *ref,
			    struct img_store **out, struct img_err *err)
{
	const struct img_named_files *files = (const struct img_named_files *)self;
	struct img_reference resolved = *ref;
	IMG_AUTO_FREE char *path = img_resolve(files->base, ref->name, err);

	if (!path)
		return false;
	resolved.path = path;
	if (!img_check_named(files->base, &resolved, err))
		return false;
	*out = img_open_named(files->how, files->base, &resolved, err);
	return *out != NULL;
}

void img_named_files_init(struct img_named_files *files, const struct img_open *how,
			  const char *base)
{
	*files = (struct img_named_files){
		.opener = { .open = open_named_file }, .how = how, .base = base,
	};
}

/* Reads what a probe may look at. */
static bool peek(struct img_store *st, struct img_peek *pk, uint8_t *head, uint8_t *tail,
		 struct img_err *err)
{
	*pk = (struct img_peek){ .head = head, .name = st->name, .size = IMG_SIZE_UNKNOWN };
	if (!(st->caps & IMG_STORE_SEEK))
		return img_store_peek(st, head, IMG_PEEK_BYTES, &pk->head_len, err);
	if (!img_store_size(st, &pk->size, err) ||
	    !img_store_read_some(st, 0, head, IMG_PEEK_BYTES, &pk->head_len, err))
		return false;
	pk->tail = tail;
	pk->tail_len = img_min_u64(pk->size, IMG_PEEK_BYTES);
	if (pk->tail_len == pk->size) {
		memcpy(tail, head, pk->tail_len);
		return true;
	}
	return img_store_read(st, pk->size - pk->tail_len, tail, pk->tail_len, err);
}

bool img_is_plain_part(const struct img_store *st)
{
	const struct img_format *by_name = img_format_for_file(st->name);

	return by_name && by_name->is_plain_part && by_name->is_plain_part(st->name);
}

/* Sets *doubt when something says that a file which no driver claims is not raw after all. */
static bool question_raw(struct img_store *st, const char **doubt, struct img_err *err)
{
	const struct img_format *by_name = img_format_for_file(st->name);
	IMG_AUTO_FREE uint8_t *head = img_alloc_aligned(IMG_REMAINS_BYTES, err);
	size_t len;

	if (!head)
		return false;
	if (by_name && by_name->probe && by_name != &img_format_raw && !img_is_plain_part(st))
		*doubt = N_("its name is that of another format, but its first bytes are not");
	if (!(st->caps & IMG_STORE_SEEK)
		    ? !img_store_peek(st, head, IMG_PEEK_BYTES, &len, err)
		    : !img_store_read_some(st, 0, head, IMG_REMAINS_BYTES, &len, err))
		return false;
	if (img_looks_packed(head, len))
		*doubt = N_("it looks like an archive, or like something compressed");
	for (size_t i = 0; i < img_format_count(); i++) {
		const struct img_format *f = img_format_at(i);

		if (f->remains && f->remains(head, len))
			*doubt = N_("behind its first bytes lie the tables of another format");
	}
	return true;
}

bool img_check_foreign(const char *name, const char *kind, struct img_err *err)
{
	return !kind || img_fail(err, IMG_E_UNSUPPORTED, _("%s: looks like a %s image, a format that is "
							   "not known here; who asks for raw gets its "
							   "bytes as the disk"), name, kind);
}

/* foreign: as img_foreign_format(). */
static bool look_at(struct img_store *st, const struct img_format **format, const char **foreign,
		    struct img_err *err)
{
	uint8_t head[IMG_PEEK_BYTES], tail[IMG_PEEK_BYTES];
	struct img_peek pk;

	if (!peek(st, &pk, head, tail, err))
		return false;
	img_probe(&pk, format);
	*foreign = img_foreign_format(&pk);
	return true;
}

bool img_look_at(struct img_store *st, const struct img_format **format, struct img_err *err)
{
	const char *foreign;

	return look_at(st, format, &foreign, err);
}

static bool probe(struct img_store *st, const struct img_format **format, const char **doubt,
		  struct img_err *err)
{
	const char *foreign;

	return look_at(st, format, &foreign, err) &&
	       (*format != &img_format_raw ||
		(img_check_foreign(st->name, foreign, err) && question_raw(st, doubt, err)));
}

/*
 * Raw is the answer for what nobody knows; somebody who salvages means something else.  What lies
 * behind the first bytes is believed more than a name.
 */
static bool look_behind(struct img_store *st, const struct img_format **format, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *head = img_alloc_aligned(IMG_REMAINS_BYTES, err);
	const struct img_format *by_name = img_format_for_file(st->name);
	size_t len;

	if (!head || !img_store_read_some(st, 0, head, IMG_REMAINS_BYTES, &len, err))
		return false;
	if (by_name && by_name->salvage)
		*format = by_name;
	for (size_t i = 0; i < img_format_count(); i++) {
		const struct img_format *f = img_format_at(i);

		if (f->salvage && f->remains && f->remains(head, len))
			*format = f;
	}
	return true;
}

static bool probe_remains(struct img_store *st, const struct img_format **format,
			  const char **doubt, struct img_err *err)
{
	if (!probe(st, format, doubt, err))
		return false;
	if (*format != &img_format_raw || !(st->caps & IMG_STORE_SEEK))
		return true;
	if (!look_behind(st, format, err))
		return false;
	if (*format != &img_format_raw)
		*doubt = NULL;
	return true;
}

bool img_put_spool(struct img_store **st, const struct img_open *how, struct img_err *err)
{
	struct img_store *spool = img_store_spool(*st, SPOOL_MEMORY, err);

	if (!spool)
		return false;
	img_store_spool_tell(spool, how->spooled, how->spooled_ctx);
	*st = spool;
	return true;
}

bool img_needs_end(struct img_store *st, bool *needed, struct img_err *err)
{
	uint8_t head[IMG_PEEK_BYTES];
	size_t len;

	*needed = false;
	if (st->caps & IMG_STORE_SEEK)
		return true;
	if (!img_store_peek(st, head, sizeof(head), &len, err))
		return false;
	for (size_t i = 0; i < img_format_count() && !*needed; i++) {
		const struct img_format *f = img_format_at(i);

		*needed = f->needs_end && f->needs_end(head, len);
	}
	return true;
}

static bool find_format(struct img_layer *ly, const struct img_open *how, const char **doubt,
			struct img_err *err)
{
	bool (*const look)(struct img_store *, const struct img_format **, const char **,
			   struct img_err *) =
		how->flags & IMG_OPEN_SALVAGE ? probe_remains : probe;
	bool again;

	if (!look(ly->store, &ly->format, doubt, err))
		return false;
	if (ly->format != &img_format_raw)
		return true;
	if (!img_needs_end(ly->store, &again, err))
		return false;
	return !again ||
	       (img_put_spool(&ly->store, how, err) && look(ly->store, &ly->format, doubt, err));
}

static const struct img_format *format_with_header_apart(void)
{
	size_t i = 0;

	while (!img_format_at(i)->header_apart)
		i++;
	return img_format_at(i);
}

/* Bytes that have their header elsewhere tell nothing. */
static bool choose_format(struct img_layer *ly, const struct img_open *how, const char **doubt,
			  struct img_err *err)
{
	if (!how->format && !how->header)
		return find_format(ly, how, doubt, err);
	ly->format = how->format ? img_format_named(how->format) : format_with_header_apart();
	return ly->format ||
	       img_fail(err, IMG_E_ARGUMENT, _("there is no image format \"%s\""), how->format);
}

static bool open_header(struct img_layer *ly, const struct img_open *how, struct img_err *err)
{
	const unsigned flags = how->flags & ~(unsigned)IMG_OPEN_WRITE;

	if (!how->header)
		return true;
	if (!ly->format->header_apart)
		return img_fail(err, IMG_E_ARGUMENT, _("%s images have no header in a file of its own"),
				ly->format->name);
	ly->header = img_open_file(how->header, flags, IMG_CACHE_WRITEBACK, NULL, err);
	return ly->header;
}

static bool check_writable(const struct img_layer *ly, const struct img_open *how,
			   struct img_err *err)
{
	if ((how->flags & IMG_OPEN_WRITE) && (how->flags & IMG_OPEN_SALVAGE))
		return img_fail(err, IMG_E_ARGUMENT, _("what is salvaged can only be read"));
	if (!(how->flags & IMG_OPEN_WRITE))
		return true;
	if (!ly->format->disk)
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s images cannot be written in place"),
				ly->format->name);
	if (!(ly->store->caps & IMG_STORE_SEEK))
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("what comes through a pipe cannot be written in place"));
	return true;
}

/* Puts a spool behind a pipe for a format that must seek. */
static bool make_seekable(struct img_layer *ly, const struct img_open *how, struct img_err *err)
{
	if ((ly->store->caps & IMG_STORE_SEEK) || (ly->format->caps & IMG_FMT_STREAM))
		return true;
	return img_put_spool(&ly->store, how, err);
}

static bool check_size(const struct img_layer *ly, const struct img_open *how, struct img_err *err)
{
	return !how->size || (how->flags & IMG_OPEN_SALVAGE) || ly->format->size_unsaid ||
	       img_fail(err, IMG_E_ARGUMENT,
			_("a %s image says itself how long its disk is"), ly->format->name);
}

/* Fails, with the name of the file in front of what is said already. */
static bool give_up(struct img_layer *ly, struct img_err *err)
{
	img_within_file(err, ly->store->name);
	img_store_close(ly->header);
	img_store_close(ly->store);
	img_findings_clear(&ly->salvaged.notes);
	*ly = (struct img_layer){ 0 };
	return false;
}

static bool open_or_salvage(struct img_layer *ly, const struct img_layer_open *how,
			    struct img_err *err)
{
	if (!(how->flags & IMG_OPEN_SALVAGE) || !ly->format->salvage)
		return ly->format->open(ly, how, err);
	return ly->format->salvage(ly, how, err);
}

bool img_layer_open_with(struct img_layer *ly, const struct img_open *how,
			 const struct img_opener *opener, struct img_err *err)
{
	const struct img_layer_open layer_how = {
		.flags = how->flags, .snapshot = how->snapshot, .opener = opener,
		.cache_size = how->cache_size ? how->cache_size : IMG_CACHE_SIZE,
		.size = how->size, .keys = how->keys,
	};

	return open_or_salvage(ly, &layer_how, err);
}

bool img_layer_open_as(struct img_layer *ly, const struct img_open *how, struct img_err *err)
{
	struct img_named_files files;

	img_named_files_init(&files, how, ly->store->name);
	return img_layer_open_with(ly, how, &files.opener, err);
}

void img_layer_close_as(struct img_layer *ly)
{
	if (ly->format->close)
		ly->format->close(ly);
	free(ly->backing);
	free(ly->backing_format);
	free(ly->below_id);
	img_findings_clear(&ly->salvaged.notes);
}

const struct img_store_history *img_layer_history(const struct img_layer *ly)
{
	return ly->format->identity ? ly->store->ops->history : NULL;
}

/* One that whoever has the store keeps is shown by that. */
static bool show_kept(struct img_layer *ly, struct img_open *how, struct img_err *err)
{
	if (how->flags & IMG_OPEN_WRITE)
		return img_fail(err, IMG_E_DENIED, _("a snapshot can only be read"));
	if (!img_layer_history(ly)->show(ly->store, how->snapshot, err))
		return false;
	how->snapshot = NULL;
	return true;
}

/* A snapshot that is a file beside its disk is opened as a disk, and has no snapshots itself. */
static bool go_to_snapshot(struct img_layer *ly, struct img_open *how, struct img_err *err)
{
	IMG_AUTO_FREE char *path = NULL;
	struct img_store *beside;

	if (how->snapshot && img_layer_history(ly))
		return show_kept(ly, how, err);
	if (!how->snapshot || !ly->format->identity || !img_beside_snapshot_possible(ly->store->name))
		return true;
	path = img_beside_snapshot_path(ly->store->name, how->snapshot, err);
	beside = path ? img_open_file(path, how->flags, how->cache, NULL, err) : NULL;
	if (!beside)
		return false;
	img_store_close(ly->store);
	ly->store = beside;
	how->snapshot = NULL;
	return true;
}

bool img_layer_open(struct img_layer *ly, struct img_store *store, const struct img_open *how,
		    const struct img_opener *opener, const char **doubt, struct img_err *err)
{
	struct img_open here = *how;

	*ly = (struct img_layer){ .store = store };
	if (choose_format(ly, &here, doubt, err) && open_header(ly, &here, err) &&
	    go_to_snapshot(ly, &here, err) && check_writable(ly, &here, err) && check_size(ly, &here, err) &&
	    make_seekable(ly, how, err) && (opener ? img_layer_open_with(ly, &here, opener, err)
					      : img_layer_open_as(ly, &here, err)))
		return true;
	return give_up(ly, err);
}

bool img_layer_recognize(struct img_layer *ly, struct img_store *store, const struct img_open *how,
			 const char **doubt, struct img_err *err)
{
	*ly = (struct img_layer){ .store = store };
	return (choose_format(ly, how, doubt, err) && open_header(ly, how, err) &&
		make_seekable(ly, how, err)) || give_up(ly, err);
}

void img_layer_close(struct img_layer *ly)
{
	if (ly->format)
		img_layer_close_as(ly);
	img_store_close(ly->header);
	img_store_close(ly->store);
	*ly = (struct img_layer){ 0 };
}
