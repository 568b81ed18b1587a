/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of a salvage share.  Entries of the map that are rebuilt are written to an overlay
 * of the file, from which the map is read then; beside it is kept which of them are a guess.
 */
#ifndef VDI_SALVAGE_H
#define VDI_SALVAGE_H

#include <pthread.h>
#include "format/vdi/repair.h"

#define VDI_SALVAGE_NOTES(X) \
	X(header, "vdi.salvage.header", \
	  N_("the header was unusable; it was made anew from what it said and what was found")) \
	X(size, "vdi.salvage.size", \
	  N_("the size of the disk is a guess")) \
	X(parent, "vdi.salvage.parent", \
	  N_("whether the image stands on another one is not known; if it does, what is from there " \
	     "is not here")) \
	X(entry, "vdi.salvage.entry", \
	  N_("the entry of the block map was damaged; it follows from the entries that are left")) \
	X(order, "vdi.salvage.order", \
	  N_("the entry of the block map was lost; the block was guessed from the order of the file")) \
	X(doubled, "vdi.salvage.doubled", \
	  N_("another part of the disk has the same block of the file; one of them is wrong")) \
	X(unplaced, "vdi.salvage.unplaced", \
	  N_("the block is in the file, but nothing says where on the disk it belongs"))

#define VDI_SALVAGE_NOTE(name, id, text) \
	extern const struct img_finding_kind vdi_noted_##name;
VDI_SALVAGE_NOTES(VDI_SALVAGE_NOTE)
#undef VDI_SALVAGE_NOTE

struct vdi_salvage {
	struct img_store *file;		/* borrowed */
	struct img_store *overlay;	/* owned */
	uint64_t file_size;
	struct img_salvaged *told;	/* borrowed */
	struct vdi_header hdr;		/* what it says, or what was found out */
	bool all_guessed;		/* where map and blocks lie is a guess */
	bool free_guessed;		/* so is what shows through where there is no block */
	uint64_t memory;		/* bytes for counting at most */
	uint32_t n_entries;		/* of the map that the file has */
	pthread_mutex_t lock;		/* of what follows, once the image is read */
	struct img_paged guessed;	/* a bit for each entry */
};

/* ---- salvage.c ------------------------------------------------------------------------------- */

/*
 * Rebuilds what is in the file of ly, as far as that is possible, and tells of it.
 * Errors: IMG_E_NOT_THIS_FORMAT (nothing of an image was found), IMG_E_IO, IMG_E_NOMEM.
 */
struct vdi_salvage *vdi_salvage_new(struct img_layer *ly, const struct img_layer_open *how,
				    struct img_err *err);
/* Accepts NULL. */
void vdi_salvage_free(struct vdi_salvage *s);
/* Shortens ex to what is certain or guessed alike, and says so in it.  IMG_E_IO, IMG_E_NOMEM. */
bool vdi_salvage_judge(struct vdi_salvage *s, struct img_extent *ex, struct img_err *err)
	IMG_MUST_CHECK;
/* For the steps: a note about one thing at a place; step as in img_findings_add(). */
bool vdi_salvage_note(struct vdi_salvage *s, const struct img_finding_kind *kind, uint64_t host,
		      uint64_t guest, uint64_t step, struct img_err *err) IMG_MUST_CHECK;

/* ---- The steps in order, a file for each ---------------------------------------------------- */

/* salvage_header.c: s->hdr and what is known of it. */
bool vdi_salvage_header(struct vdi_salvage *s, uint64_t size, struct img_err *err) IMG_MUST_CHECK;
/* salvage_map.c: the entries, in s and in the overlay. */
bool vdi_salvage_map(struct vdi_salvage *s, struct img_err *err) IMG_MUST_CHECK;

/* remains.c; as in struct img_format. */
bool vdi_remains(const uint8_t *head, size_t len);

#endif
