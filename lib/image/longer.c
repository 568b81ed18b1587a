/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that gets longer before the change that this belongs to is finished, so that what is new in it
 * is written once, and in its place.  Until then a journal lies beside it by which whoever finds it cuts
 * it off again.
 */
#include "base/mem.h"
#include "image/image.h"
#include "store/beside.h"
#include "store/file.h"
#include "store/journal.h"
#include "store/overlay.h"

struct img_longer {
	struct img_store *file;		/* held */
	uint64_t before;		/* how long it was; bytes */
	struct img_beside *beside;	/* the journal, once it may be there */
};

/* What the file will be is seen by an overlay, and what it was by another one on that. */
static bool write_way_back(const struct img_longer *longer, struct img_store *journal, uint64_t bytes,
			   struct img_err *err)
{
	struct img_journal_change change = {
		.file.kind = JOURNAL_CHANGE, .parent = img_store_overlay(longer->file, err),
	};
	bool ok;

	if (change.parent && img_store_resize(change.parent, bytes, err))
		change.overlay = img_store_overlay(change.parent, err);
	ok = change.overlay && img_store_resize(change.overlay, longer->before, err) &&
	     img_journal_write(journal, &change, 1, err) &&
	     img_beside_sync(longer->beside, journal, err);
	img_store_close(change.overlay);
	img_store_close(change.parent);
	return ok;
}

static bool start(struct img_longer *longer, const char *path, uint64_t bytes, struct img_err *err)
{
	IMG_AUTO_FREE char *place = img_journal_place(path, err);
	struct img_store *journal;
	bool ok;

	longer->beside = place ? img_beside_new(place, err) : NULL;
	journal = longer->beside ? img_beside_create(longer->beside, err) : NULL;
	ok = journal && write_way_back(longer, journal, bytes, err);
	img_store_close(journal);
	return ok && img_store_resize(longer->file, bytes, err);
}

void img_longer_forget(struct img_longer *longer)
{
	if (!longer)
		return;
	img_store_close(longer->file);
	img_beside_free(longer->beside);
	free(longer);
}

void img_longer_undo(struct img_longer *longer)
{
	const bool cut = longer && img_store_resize(longer->file, longer->before, NULL) &&
			 img_store_sync(longer->file, NULL);

	/* Otherwise the journal is left, and whoever opens the image next does what it says. */
	if (cut && longer->beside && longer->beside->made &&
	    !img_beside_drop(longer->beside, longer->file, NULL))
		img_beside_remove(longer->beside);
	img_longer_forget(longer);
}

bool img_longer_end(struct img_longer *longer, struct img_err *err)
{
	const bool ok = img_beside_drop(longer->beside, longer->file, err);

	img_longer_forget(longer);
	return ok;
}

struct img_longer *img_longer_new(struct img_store *file, const char *path, uint64_t bytes,
				  struct img_err *err)
{
	struct img_longer *longer;
	uint64_t before;

	if (!img_store_size(file, &before, err) || !img_file_can_reach(file, bytes, err) ||
	    !(longer = img_calloc(1, sizeof(*longer), err)))
		return NULL;
	longer->file = img_store_hold(file);
	longer->before = before;
	if (img_store_reserve(file, before, bytes - before, err) && start(longer, path, bytes, err))
		return longer;
	img_longer_undo(longer);
	return NULL;
}
