/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Repairing a file: tried on an overlay, proven there, and only then done, with an undo file that
 * holds what was there before.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/num.h"
#include "image/image.h"
#include "store/overlay.h"

enum { WALK_CACHE = 8 << 20 };	/* bytes of tables: more are of no use to who needs each once */

struct repair {
	const struct img_repair *what;
	struct img_open how;
	struct img_open reading;	/* the same, of files that are not repaired */
	struct img_checking driver;
	struct img_repair_files files;
	struct img_layer ly;		/* its store is the file */
};

static bool can_be_repaired(const struct repair *r, const char *doubt, struct img_err *err)
{
	const struct img_format *format = r->ly.format;

	if (doubt)
		return img_fail(err, IMG_E_CORRUPT, "%s: %s", r->ly.store->name, _(doubt));
	if (!(r->ly.store->caps & IMG_STORE_SEEK) || !strcmp(r->what->check.path, "-"))
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s: what comes through a pipe cannot be "
				"repaired in place"), r->ly.store->name);
	return (format->check && format->check->repair) ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("%s: %s images cannot be repaired"),
			r->ly.store->name, format->name);
}

/* A check as the user asked for it, of the file whose lock is held. */
static bool check(const struct repair *r, struct img_check_result *result, struct img_err *err)
{
	struct img_check what = r->what->check;

	what.flags |= IMG_OPEN_NO_LOCK;
	what.format = r->ly.format->name;
	return img_check_run(&what, r->driver.job, result, err);
}

static bool run_driver(const struct repair *r, struct img_store *store, struct img_err *err)
{
	struct img_layer ly = { .format = r->ly.format, .store = store };

	return ly.format->check->repair(&ly, &r->driver, r->what->level, err) ||
	       img_within_file(err, store->name);
}

static uint64_t errors_of(const struct img_check_result *result)
{
	return result->totals[IMG_CORRUPT] + result->totals[IMG_FATAL];
}

/* What the image would be: never one with more errors, nor one that can give less. */
static bool prove(const struct repair *r, struct img_store *overlay,
		  struct img_repair_result *result, struct img_err *err)
{
	struct img_layer ly = { .format = r->ly.format, .store = overlay };

	if (!img_check_layer(&ly, &r->driver, r->what->check.most, &result->after, err))
		return false;
	if (errors_of(&result->after) > errors_of(&result->before))
		return img_fail(err, IMG_E_CORRUPT, _("the repair that was planned would leave more "
				"errors than there are; nothing was changed"));
	return img_repair_guard(&r->ly, overlay, &r->files.opener, &r->how, err);
}

static bool try(struct repair *r, struct img_repair_result *result, struct img_err *err)
{
	struct img_store *overlay = img_store_overlay(r->ly.store, err);
	bool ok;

	if (!overlay)
		return false;
	ok = run_driver(r, overlay, err) && prove(r, overlay, result, err);
	result->changed = img_overlay_changed(overlay);
	img_repair_files_settle(&r->files, &result->changed);
	img_store_close(overlay);
	return ok;
}

/* The store of the layer, from now on with an undo file behind it. */
static bool put_undo(struct repair *r, struct img_err *err)
{
	struct img_store *undo;

	if (!r->what->undo_path)
		return true;
	undo = img_store_undo(r->ly.store, r->what->undo_path, err);
	if (undo)
		r->ly.store = undo;
	return undo;
}

static bool fail_cut_off(const struct repair *r, const struct img_err *why, struct img_err *err)
{
	const char *undo_path = img_store_undo_used(r->ly.store)
					? r->what->undo_path : img_repair_files_undo(&r->files);

	if (!undo_path)
		return img_fail(err, why->code, "%s", why->text);
	return img_fail(err, why->code, _("%s; the repair was cut off, and what the image was before "
			"is kept in %s"), why->text, undo_path);
}

static bool repair_file(struct repair *r, struct img_repair_result *result, struct img_err *err)
{
	struct img_err why = { 0 };

	if (!put_undo(r, err))
		return false;
	if (!run_driver(r, r->ly.store, &why) || !img_store_sync(r->ly.store, &why) ||
	    !img_repair_files_sync(&r->files, &why) || !check(r, &result->after, &why))
		return fail_cut_off(r, &why, err);
	return true;
}

static bool is_spotless(const struct img_check_result *result)
{
	return !result->n_counts;
}

/* There is nothing that a repair could be for: the image is as it was. */
static void keep(struct img_repair_result *result)
{
	result->after = result->before;
	result->before.findings = NULL;
	result->before.counts = NULL;
}

static bool run(struct repair *r, struct img_repair_result *result, struct img_err *err)
{
	const char *doubt = NULL;
	struct img_store *store = img_open_top_store(&r->how, err);

	if (!store || !img_layer_recognize(&r->ly, store, &r->how, &doubt, err))
		return false;
	img_repair_files_init(&r->files, &r->reading, r->ly.store->name, r->what);
	r->driver.opener = &r->files.opener;
	if (!can_be_repaired(r, doubt, err) || !check(r, &result->before, err))
		return false;
	if (is_spotless(&result->before)) {
		keep(result);
		return true;
	}
	if (!try(r, result, err))
		return false;
	if (r->what->plan)
		return true;
	img_check_clear(&result->after);
	return result->changed ? repair_file(r, result, err) : check(r, &result->after, err);
}

bool img_repair_run(const struct img_repair *what, const struct img_job *job,
		    struct img_repair_result *result, struct img_err *err)
{
	struct repair r = {
		.what = what,
		.how = {
			.path = what->check.path, .format = what->check.format,
			.flags = what->check.flags | (what->plan ? 0 : IMG_OPEN_WRITE),
			.gate = what->check.gate,
		},
	};
	bool ok;

	*result = (struct img_repair_result){ 0 };
	img_checking_init(&r.driver, &what->check, job);
	/* The map before the repair and the one after it are open together, and walked once. */
	r.how.cache_size = img_min_u64(r.driver.memory / 4, WALK_CACHE);
	r.reading = r.how;
	r.reading.flags &= ~(unsigned)IMG_OPEN_WRITE;
	ok = run(&r, result, err);
	img_repair_files_clear(&r.files);
	img_store_close(r.ly.store);
	if (!ok)
		img_repair_clear(result);
	return ok;
}

void img_repair_clear(struct img_repair_result *result)
{
	img_check_clear(&result->before);
	img_check_clear(&result->after);
}

bool img_undo_run(const char *undo_path, const char *path, struct img_err *err)
{
	struct img_store *undo = img_store_file(undo_path, 0, IMG_CACHE_WRITEBACK, err);
	struct img_store *target = undo ? img_open_file(path, IMG_OPEN_WRITE, IMG_CACHE_WRITEBACK,
							&img_gate_local, err) : NULL;
	const bool ok = target && img_undo_restore(undo, target, err);

	img_store_close(target);
	img_store_close(undo);
	if (ok && unlink(undo_path))
		return img_fail_os(err, _("%s: is not needed any more, but cannot be removed"),
				   undo_path);
	return ok;
}
