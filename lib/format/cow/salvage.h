/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of a salvage share.  All of a cow image but its bitmap follows from the header, so
 * a header is looked for under which bitmap and data agree; then the bitmap is held against the
 * data, and what of it is rebuilt goes to an overlay of the file.
 */
#ifndef COW_SALVAGE_H
#define COW_SALVAGE_H

#include "format/cow/cow.h"
#include "store/ranges.h"

#define COW_SALVAGE_NOTES(X) \
	X(header, "cow.salvage.header", \
	  N_("the header was unusable; it was made anew from what it said and what was found")) \
	X(size, "cow.salvage.size", \
	  N_("the size of the disk is a guess")) \
	X(backing, "cow.salvage.backing", \
	  N_("whether the image stands on another file is not known; if it does, what is from there " \
	     "is not here")) \
	X(bitmap, "cow.salvage.bitmap", \
	  N_("bits were damaged; which of these sectors are in the file was guessed from their data")) \
	X(zeros, "cow.salvage.zeros", \
	  N_("the file holds zeros here and hides what another image has below; only one bit says that"))

#define COW_SALVAGE_NOTE(name, id, text) \
	extern const struct img_finding_kind cow_noted_##name;
COW_SALVAGE_NOTES(COW_SALVAGE_NOTE)
#undef COW_SALVAGE_NOTE

struct cow_salvage {
	struct img_store *file;		/* borrowed */
	struct img_store *overlay;	/* owned */
	uint64_t file_size;
	struct img_salvaged *told;	/* borrowed */
	struct cow_header hdr;		/* what it says, or what was found out */
	bool backing_lost;		/* what shows through where nothing is, is a guess */
	struct img_rangeset guessed;	/* guest bytes; owned */
};

/* ---- salvage.c ------------------------------------------------------------------------------- */

/*
 * Rebuilds what is in file, as far as that is possible, and tells of it.  size: guest bytes, or 0.
 * Errors: IMG_E_NOT_THIS_FORMAT (nothing of an image was found), IMG_E_IO, IMG_E_NOMEM.
 */
struct cow_salvage *cow_salvage_new(struct img_store *file, uint64_t size,
				    struct img_salvaged *told, struct img_err *err);
/* Accepts NULL. */
void cow_salvage_free(struct cow_salvage *s);
/* Shortens ex to what is certain or guessed alike, and says so in it. */
void cow_salvage_judge(const struct cow_salvage *s, struct img_extent *ex);
/* For the steps: a note about one thing at a place; step as in img_findings_add(). */
bool cow_salvage_note(struct cow_salvage *s, const struct img_finding_kind *kind, uint64_t host,
		      uint64_t guest, uint64_t step, struct img_err *err) IMG_MUST_CHECK;

/* ---- The steps in order, a file for each ---------------------------------------------------- */

/* salvage_header.c: s->hdr and what is known of it. */
bool cow_salvage_header(struct cow_salvage *s, uint64_t size, struct img_err *err) IMG_MUST_CHECK;
/* salvage_bitmap.c: the bitmap, in the overlay, and s->guessed. */
bool cow_salvage_bitmap(struct cow_salvage *s, struct img_err *err) IMG_MUST_CHECK;

/* ---- salvage_fit.c --------------------------------------------------------------------------- */

/* How well the bitmap of a header goes with the data, as far as a few of its runs tell. */
struct cow_fit {
	unsigned good;			/* runs that begin with data and end where there are none */
	unsigned bad;			/* those that do not, and bits where there cannot be any */
};

bool cow_measure_fit(struct img_store *file, const struct cow_header *hdr, struct cow_fit *out,
		     struct img_err *err) IMG_MUST_CHECK;

/* ---- remains.c ------------------------------------------------------------------------------- */

/* As in struct img_format. */
bool cow_remains(const uint8_t *head, size_t len);
/* The field of the name holds one, or none, and zeros behind it; raw: the whole header. */
bool cow_is_name(enum cow_kind kind, const uint8_t *raw);

#endif
