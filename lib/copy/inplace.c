/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Another format for a file, without a second copy of its data: which way it goes, how a step gets
 * into the file, and whether there is room for it.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/statvfs.h>
#include "base/mem.h"
#include "base/num.h"
#include "copy/inplace.h"

/* ---- Steps --------------------------------------------------------------------------------------- */

typedef bool end_step(struct img_in_place_run *run, struct img_at_once *once, struct img_store *st,
		      struct img_err *err);

static bool do_step(struct img_in_place_run *run, img_in_place_step *step, end_step *end,
		    struct img_err *err)
{
	struct img_at_once *once = img_at_once_new(&run->how, err);
	struct img_store *st = once ? img_at_once_change(once, img_store_hold(run->file), NULL, err)
				    : NULL;
	const bool ok = st && step(run, st, err) && end(run, once, st, err);

	img_store_close(st);
	img_at_once_free(once);
	return ok;
}

static bool commit(struct img_in_place_run *run, struct img_at_once *once, struct img_store *st,
		   struct img_err *err)
{
	(void)st;
	if (run->fits)
		img_at_once_needs_no_room(once);
	return img_at_once_commit(once, err);
}

bool img_in_place_do(struct img_in_place_run *run, img_in_place_step *step, struct img_err *err)
{
	return do_step(run, step, commit, err);
}

bool img_in_place_lay(struct img_in_place_run *run, struct img_store *st, struct img_err *err)
{
	struct img_settings *set = img_settings_parse(run->image->create_options, run->options, err);
	const struct img_adopting how = {
		.where = &run->where, .settings = set, .note = run->keep_note ? &run->note : NULL,
	};
	bool ok;

	run->image->adopt->free(run->laid);
	run->laid = NULL;
	ok = set && run->image->adopt->lay(st, &how, &run->laid, err);
	img_settings_free(set);
	return ok;
}

/* ---- Room ---------------------------------------------------------------------------------------- */

static bool note_length(struct img_in_place_run *run, struct img_at_once *once, struct img_store *st,
			struct img_err *err)
{
	(void)once;
	return img_store_size(st, &run->stats->after, err);
}

static bool check_room(const struct img_in_place_run *run, struct img_err *err)
{
	const char *path = run->what->path;
	struct statvfs fs;
	uint64_t room;

	if (run->what->dry_run || img_path_is_uri(path))
		return true;
	if (statvfs(path, &fs))
		return img_fail_os(err, _("%s: how much room is left"), path);
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	return room >= run->stats->extra ||
	       img_fail(err, IMG_E_NOSPACE, _("%s: %" PRIu64 " bytes are needed meanwhile, and %"
			PRIu64 " are free; nothing was changed"), path, run->stats->extra, room);
}

bool img_in_place_measure(struct img_in_place_run *run, img_in_place_step *step, struct img_err *err)
{
	struct img_in_place_stats *stats = run->stats;

	if (!do_step(run, step, note_length, err))
		return false;
	stats->guest = run->where.size;
	stats->data = run->where.placed * run->where.unit;
	stats->moved = run->where.astray * run->where.unit;
	/* Tables are in the journal and in the file; what a step moves in a third place as well. */
	stats->extra = 2 * (stats->after - img_min_u64(stats->before, stats->after)) +
		       (stats->moved ? 3 * img_in_place_window(stats->moved) : 0);
	return check_room(run, err);
}

/* ---- Which way ----------------------------------------------------------------------------------- */

/*
 * What the first bytes say, which may have changed since the caller looked.  That a raw file has the
 * name of another format is no wonder when raw is what it was to become.
 */
static bool recognize(struct img_in_place_run *run, const struct img_format *to,
		      const struct img_format **seen, struct img_err *err)
{
	const struct img_open probe = { .path = run->what->path };
	const char *doubt = NULL;
	struct img_layer ly;

	if (!img_layer_recognize(&ly, img_store_hold(run->file), &probe, &doubt, err))
		return false;
	*seen = ly.format;
	img_store_close(ly.store);
	if (doubt && !run->what->format && *seen != to)
		return img_fail(err, IMG_E_CORRUPT, "%s: %s", run->what->path, _(doubt));
	return true;
}

/* An image that names files is refused, by who knows what they are for; nothing is read of them. */
static bool open_none(const struct img_opener *self, const struct img_reference *ref,
		      struct img_store **out, struct img_err *err)
{
	(void)self, (void)ref;
	*out = img_store_mem(NULL, 0, err);
	return *out;
}

/* Far enough to be refused: without a key, as one that is encrypted is. */
static bool open_layer(struct img_in_place_run *run, const struct img_format *format,
		       struct img_err *err)
{
	static const struct img_opener none = { .open = open_none };
	const struct img_open how = {
		.path = run->what->path, .format = format->name, .flags = IMG_OPEN_NO_KEY,
	};
	const char *doubt = NULL;

	return img_layer_open(&run->ly, img_store_hold(run->file), &how, &none, &doubt, err);
}

static bool fail_formats(const char *from, const char *to, struct img_err *err)
{
	return img_fail(err, IMG_E_UNSUPPORTED, _("%s cannot become %s in place: one of them must be "
			"raw, and the other qcow2; imgconv with two names copies any"), from, to);
}

static bool convert(struct img_in_place_run *run, struct img_err *err)
{
	const struct img_in_place *what = run->what;
	const struct img_format *to = img_format_named(what->target), *from, *image;

	if (!to)
		return img_fail(err, IMG_E_ARGUMENT, _("there is no image format \"%s\""),
				what->target);
	if (!recognize(run, to, &from, err))
		return false;
	run->stats->from = from->name;
	/* Whoever calls it raw may have been cut off when it had become one of these. */
	run->stats->already = from == to;
	run->stats->after = run->stats->before;
	if (from == to)
		return true;
	if (what->format)
		from = img_format_named(what->format);
	if (!from)
		return img_fail(err, IMG_E_ARGUMENT, _("there is no image format \"%s\""),
				what->format);
	run->stats->from = from->name;
	image = from == &img_format_raw ? to : from;
	if ((from != &img_format_raw && to != &img_format_raw) || !image->adopt)
		return fail_formats(from->name, to->name, err);
	run->image = image;
	if (!open_layer(run, from, err))
		return false;
	return from == &img_format_raw ? img_in_place_adopt(run, err)
				       : img_in_place_release(run, err);
}

static void clear(struct img_in_place_run *run)
{
	if (run->image)
		run->image->adopt->free(run->laid);
	img_layer_close(&run->ly);
	img_placement_clear(&run->where);
	img_rangeset_clear(&run->blank);
	free(run->options);
	img_store_close(run->file);
}

bool img_convert_in_place(const struct img_in_place *what, const struct img_job *job,
			  struct img_in_place_stats *stats, struct img_err *err)
{
	const unsigned flags = what->flags | IMG_OPEN_WRITE;
	const struct img_job silent = { 0 };
	struct img_in_place_stats found = { 0 };
	struct img_in_place_run run = {
		.what = what, .job = job ? job : &silent, .stats = &found,
		.how = { .path = what->path, .flags = flags, .cache = IMG_CACHE_WRITEBACK },
	};
	bool ok;

	run.file = img_open_file(what->path, flags, IMG_CACHE_WRITEBACK, NULL, err);
	ok = run.file && (img_store_size(run.file, &found.before, err) && convert(&run, err));
	if (run.file && !ok)
		img_within_file(err, what->path);
	clear(&run);
	if (ok)
		*stats = found;
	return ok;
}
