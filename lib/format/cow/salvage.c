/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A salvage from beginning to end, and what it knows of guest bytes.  See salvage.h. */
#include "format/cow/salvage.h"

#include "base/mem.h"
#include "extent/extent.h"

enum { NOTES_MOST = 1000 };	/* of each kind */

#define COW_SALVAGE_NOTE(name, id, text) \
	const struct img_finding_kind cow_noted_##name = { id, IMG_NOTE, text };
COW_SALVAGE_NOTES(COW_SALVAGE_NOTE)
#undef COW_SALVAGE_NOTE

bool cow_salvage_note(struct cow_salvage *s, const struct img_finding_kind *kind, uint64_t host,
		      uint64_t guest, uint64_t step, struct img_err *err)
{
	return img_salvaged_note(s->told, kind, host, guest, step, err);
}

struct cow_salvage *cow_salvage_new(struct img_store *file, uint64_t size,
				    struct img_salvaged *told, struct img_err *err)
{
	struct cow_salvage *s = img_calloc(1, sizeof(*s), err);

	if (!s)
		return NULL;
	*s = (struct cow_salvage){ .file = file, .told = told };
	told->notes.most = NOTES_MOST;
	told->zeros = &cow_noted_zeros;
	s->overlay = img_store_overlay(file, err);
	if (s->overlay && img_store_size(file, &s->file_size, err) &&
	    cow_salvage_header(s, size, err) && cow_salvage_bitmap(s, err))
		return s;
	cow_salvage_free(s);
	return NULL;
}

void cow_salvage_free(struct cow_salvage *s)
{
	if (!s)
		return;
	img_rangeset_clear(&s->guessed);
	if (s->overlay)
		img_store_close(s->overlay);
	free(s);
}

void cow_salvage_judge(const struct cow_salvage *s, struct img_extent *ex)
{
	if (ex->kind == IMG_EXTENT_LOST)
		return;
	ex->guessed = img_extent_cut(ex, &s->guessed) ||
		      (s->backing_lost && ex->kind == IMG_EXTENT_HOLE);
}
