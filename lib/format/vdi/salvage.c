/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A salvage from beginning to end, and what it knows of guest bytes.  See salvage.h. */
#include "format/vdi/salvage.h"

#include "base/lock.h"
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

struct vdi_salvage *vdi_salvage_new(struct img_layer *ly, const struct img_layer_open *how,
				    struct img_err *err)
{
	struct vdi_salvage *s = img_calloc(1, sizeof(*s), err);

	if (!s)
		return NULL;
	*s = (struct vdi_salvage){
		.file = ly->store, .told = &ly->salvaged, .memory = how->cache_size,
	};
	pthread_mutex_init(&s->lock, NULL);
	s->told->notes.most = NOTES_MOST;
	s->overlay = img_store_overlay(s->file, err);
	if (s->overlay && img_store_size(s->file, &s->file_size, err) &&
	    vdi_salvage_header(s, how->size, err) && vdi_salvage_map(s, err))
		return s;
	vdi_salvage_free(s);
	return NULL;
}

void vdi_salvage_free(struct vdi_salvage *s)
{
	if (!s)
		return;
	img_paged_clear(&s->guessed);
	pthread_mutex_destroy(&s->lock);
	if (s->overlay)
		img_store_close(s->overlay);
	free(s);
}

/* ---- Answers --------------------------------------------------------------------------------- */

static bool is_guessed(struct vdi_salvage *s, uint64_t index)
{
	return index < s->n_entries && img_bits_get(&s->guessed, index);
}

/* Of an extent that is certain for what it is. */
static void judge_entries(struct vdi_salvage *s, struct img_extent *ex)
{
	const uint32_t block = s->hdr.block_size;
	const uint64_t end = ex->start + ex->len;
	uint64_t index = ex->start / block;
	const bool guessed = is_guessed(s, index);

	while (++index * block < end && is_guessed(s, index) == guessed)
		;
	img_extent_clip(ex, ex->start, img_min_u64(end, index * block));
	ex->guessed = guessed;
}

bool vdi_salvage_judge(struct vdi_salvage *s, struct img_extent *ex, struct img_err *err)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&s->lock);

	if (ex->kind == IMG_EXTENT_LOST)
		return true;
	ex->guessed = s->all_guessed || (s->free_guessed && ex->kind == IMG_EXTENT_HOLE);
	if (!ex->guessed)
		judge_entries(s, ex);
	return img_paged_worked(&s->guessed, err);
}
