/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A salvage from beginning to end, and what it knows of guest bytes.  See salvage.h. */
#include "format/vdi/salvage.h"

#include "base/mem.h"
#include "base/num.h"
#include "extent/extent.h"

enum { NOTES_MOST = 1000 };	/* of each kind */

#define VDI_SALVAGE_NOTE(name, id, text) \
	const struct img_finding_kind vdi_noted_##name = { id, IMG_NOTE, text };
VDI_SALVAGE_NOTES(VDI_SALVAGE_NOTE)
#undef VDI_SALVAGE_NOTE

bool vdi_salvage_note(struct vdi_salvage *s, const struct img_finding_kind *kind, uint64_t host,
		      uint64_t guest, uint64_t step, struct img_err *err)
{
	return img_salvaged_note(s->told, kind, host, guest, step, err);
}

struct vdi_salvage *vdi_salvage_new(struct img_store *file, uint64_t size,
				    struct img_salvaged *told, struct img_err *err)
{
	struct vdi_salvage *s = img_calloc(1, sizeof(*s), err);

	if (!s)
		return NULL;
	*s = (struct vdi_salvage){ .file = file, .told = told };
	told->notes.most = NOTES_MOST;
	s->overlay = img_store_overlay(file, err);
	if (s->overlay && img_store_size(file, &s->file_size, err) &&
	    vdi_salvage_header(s, size, err) && vdi_salvage_map(s, err))
		return s;
	vdi_salvage_free(s);
	return NULL;
}

void vdi_salvage_free(struct vdi_salvage *s)
{
	if (!s)
		return;
	free(s->entries);
	free(s->guessed);
	if (s->overlay)
		img_store_close(s->overlay);
	free(s);
}

/* ---- Answers --------------------------------------------------------------------------------- */

static bool is_guessed(const struct vdi_salvage *s, uint64_t index)
{
	if (s->all_guessed)
		return true;
	if (index >= s->n_entries)
		return false;
	return (s->guessed[index / 8] & 1 << index % 8) ||
	       (s->free_guessed && s->entries[index] == VDI_ENTRY_FREE);
}

void vdi_salvage_judge(const struct vdi_salvage *s, struct img_extent *ex)
{
	const uint32_t block = s->hdr.block_size;
	const uint64_t end = ex->start + ex->len;
	uint64_t index = ex->start / block;
	const bool guessed = is_guessed(s, index);

	if (ex->kind == IMG_EXTENT_LOST)
		return;
	while (++index * block < end && is_guessed(s, index) == guessed)
		;
	img_extent_clip(ex, ex->start, img_min_u64(end, index * block));
	ex->guessed = guessed;
}
