/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The encryption of an image is changed in place: whether it is begun, or was begun already.  What lies
 * beside the image meanwhile says store/recrypt.h.
 */
#include "copy/recrypt.h"

#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "store/file.h"

/* ---- The first bytes ----------------------------------------------------------------------------- */

static bool mark_whole(struct img_recrypt_run *run, struct img_err *err)
{
	uint8_t raw[RECRYPT_BLOCK];
	uint64_t size;

	if (!img_store_size(run->file, &size, err) ||
	    (size < run->hdr.after && !img_store_resize(run->file, run->hdr.after, err)))
		return false;
	if (run->hdr.apart && !img_recrypt_apart_mark(run, err))
		return false;
	img_recrypt_mark(run->hdr.id, raw);
	return img_store_write(run->file, 0, raw, sizeof(raw), err) && img_store_sync(run->file, err);
}

/* From now on nobody takes the file for what it was, nor for what it is going to be. */
static bool mark(struct img_recrypt_run *run, struct img_err *err)
{
	return run->hdr.inside ? img_recrypt_mark_inside(run, err) : mark_whole(run, err);
}

/* ---- Both ways into it --------------------------------------------------------------------------- */

static bool work(struct img_recrypt_run *run, bool marked, struct img_err *err)
{
	struct img_err why = { 0 };

	run->stats->resumed = img_recrypt_progress(&run->hdr, run->next);
	if ((marked || mark(run, &why)) && img_recrypt_windows_run(run, &why) &&
	    img_recrypt_end_run(run, &why))
		return true;
	img_within_file(&why, run->what->path);
	return img_fail(err, why.code, _("%s; the same command goes on with it"), why.text);
}

/* What is compressed cannot be enciphered where it is. */
static bool unpack(struct img_recrypt_run *run, struct img_err *err)
{
	const uint64_t before = run->stats->before;

	if (!run->packed)
		return true;
	/* A journal would hold what is unpacked, and on a cluster the file cannot get longer before it. */
	if (img_path_is_uri(run->what->path))
		return img_fail(err, IMG_E_UNSUPPORTED, _("it has compressed clusters, which are unpacked in "
				"files alone; imgconv makes a copy without"));
	if (!img_recrypt_unpack(run, err) || !img_recrypt_plan(run, err))
		return false;
	run->stats->before = before;
	return !run->packed || img_fail(err, IMG_E_CORRUPT, _("the image contradicts itself"));
}

static bool begin(struct img_recrypt_run *run, struct img_err *err)
{
	run->next = 0;
	if ((run->what->header && !img_recrypt_apart_begin(run, err)) || !img_recrypt_plan(run, err)) {
		if (run->header_name)
			img_beside_remove(run->header_name);
		return false;
	}
	return run->what->dry_run ||
	       (unpack(run, err) && img_recrypt_begin(run, err) && work(run, false, err));
}

/* What fails is the sentence for all who may not open it. */
static bool check_kind(const struct img_recrypt_run *run, struct img_err *err)
{
	return run->hdr.kind == run->what->kind || img_recrypt_refuse(run->file, run->what->path, err);
}

/* What is half done goes on with the header that it was begun with. */
static bool check_header(struct img_recrypt_run *run, struct img_err *err)
{
	if (run->hdr.apart && !run->what->header)
		return img_fail(err, IMG_E_ARGUMENT, _("its header is a file of its own, which --header has "
				"to name"));
	if (!run->hdr.apart && run->what->header)
		return img_fail(err, IMG_E_ARGUMENT, _("it was begun without --header"));
	return !run->hdr.apart || img_recrypt_apart_open(run, err);
}

static void tell(struct img_recrypt_run *run)
{
	const struct img_recrypt_header *hdr = &run->hdr;

	*run->stats = (struct img_recrypt_stats){
		.guest = img_recrypt_guest(hdr), .before = hdr->before, .after = hdr->after,
		.resumed = img_recrypt_progress(hdr, run->next),
	};
}

static bool go_on(struct img_recrypt_run *run, struct img_recrypt_found *found, bool marked,
		  struct img_err *err)
{
	run->hdr = found->hdr;
	run->next = found->last.next;
	tell(run);
	if (!check_kind(run, err) || !check_header(run, err))
		return false;
	return run->what->dry_run || (img_recrypt_go_on(run, found, err) && work(run, marked, err));
}

/* ---- Which ---------------------------------------------------------------------------------------- */

/* The file, as one that nothing else is pending of. */
static bool open_sound(struct img_recrypt_run *run, unsigned flags, struct img_err *err)
{
	img_store_close(run->file);
	run->file = img_open_file(run->what->path, flags, IMG_CACHE_WRITEBACK, NULL, err);
	return run->file;
}

static void drop_journal(struct img_recrypt_run *run)
{
	img_store_close(run->journal);
	img_beside_free(run->beside);
	run->journal = NULL;
	run->beside = NULL;
}

static bool take_journal(struct img_recrypt_run *run, struct img_recrypt_found *found,
			 struct img_err *err)
{
	run->beside = img_beside_old(found->journal->name, err);
	if (!run->beside)
		return false;
	run->journal = found->journal;
	found->journal = NULL;
	return true;
}

/* What lies beside the file is of no use any more. */
static bool forget(struct img_recrypt_run *run, struct img_recrypt_found *found, struct img_err *err)
{
	run->hdr = found->hdr;
	if (run->what->dry_run)
		return true;
	if (!take_journal(run, found, err) || !img_recrypt_wipe(run, err))
		return false;
	drop_journal(run);
	return true;
}

/* All was done, but that the file beside it is still there. */
static bool finish(struct img_recrypt_run *run, struct img_recrypt_found *found, struct img_err *err)
{
	run->hdr = found->hdr;
	run->next = img_recrypt_windows(&run->hdr);
	tell(run);
	return forget(run, found, err);
}

static bool choose(struct img_recrypt_run *run, unsigned flags, struct img_recrypt_found *found,
		   struct img_err *err)
{
	enum img_recrypt_state state = IMG_RECRYPT_OTHER;

	if (found->journal && !img_recrypt_state_of(run->file, found, &state, err))
		return false;
	switch (state) {
	case IMG_RECRYPT_BEGUN:
	case IMG_RECRYPT_HALF:
		return take_journal(run, found, err) &&
		       go_on(run, found, state == IMG_RECRYPT_HALF, err);
	case IMG_RECRYPT_WHOLE:
		if (!finish(run, found, err))
			return false;
		if (found->hdr.kind == run->what->kind)
			return true;
		break;
	case IMG_RECRYPT_STALE:
		if (!forget(run, found, err))
			return false;
		break;
	case IMG_RECRYPT_OTHER:
		break;
	}
	return open_sound(run, flags, err) &&
	       (run->what->dry_run || img_recrypt_drop_stale(run->what, err)) &&
	       begin(run, err);
}

static bool check_name(const char *path, struct img_err *err)
{
	return (img_has_beside(path) && !img_is_stream_path(path) && strcmp(path, "-") != 0) ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("%s: is not a file, which has room beside it for a "
			"record of what is done"), path);
}

static bool check_header_name(const struct img_recrypt *what, struct img_err *err)
{
	return !what->header || !img_same_file(what->path, what->header) ||
	       img_fail(err, IMG_E_ARGUMENT, _("%s: is the image itself"), what->header);
}

static bool is_block_device(struct img_store *st)
{
	const struct img_file *file = img_file_of(st);

	return file && file->is_block;
}

static void clear(struct img_recrypt_run *run)
{
	img_luks_volume_close(&run->old);
	img_luks_volume_close(&run->fresh);
	img_settings_free(run->settings);
	free(run->map.guest);
	img_layer_close(&run->view);
	drop_journal(run);
	img_store_close(run->file);
	img_store_close(run->header);
	img_beside_free(run->header_name);
}

bool img_recrypt(const struct img_recrypt *what, const struct img_job *job,
		 struct img_recrypt_stats *stats, struct img_err *err)
{
	const unsigned flags = what->flags | (what->dry_run ? 0 : IMG_OPEN_WRITE);
	struct img_recrypt_stats own = { 0 };
	struct img_recrypt_run run = { .what = what, .job = job, .stats = &own };
	struct img_recrypt_found found = { 0 };
	bool ok;

	if (!check_name(what->path, err) || !check_header_name(what, err))
		return false;
	run.file = img_store_path(what->path, flags, IMG_CACHE_WRITEBACK, err);
	run.device = run.file && is_block_device(run.file);
	ok = run.file && (what->dry_run || img_pending_finish(run.file, what->path, NULL, err)) &&
	     img_recrypt_find(what->path, what->journal, run.file, flags & IMG_OPEN_WRITE, &found, err) &&
	     choose(&run, flags, &found, err);
	img_recrypt_found_clear(&found);
	if (run.file && !ok)
		img_within_file(err, what->path);
	clear(&run);
	if (ok)
		*stats = own;
	return ok;
}
