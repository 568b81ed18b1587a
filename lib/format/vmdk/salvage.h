/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opening what is left of an image.  What is lost of headers, directories and tables is rebuilt in
 * memory or in an overlay of the file; map.c and stream.c read that and know nothing of a salvage.
 */
#ifndef VMDK_SALVAGE_H
#define VMDK_SALVAGE_H

#include "format/vmdk/check.h"

#define VMDK_NOTES(X) \
	X(descriptor, "vmdk.salvage.descriptor", \
	  N_("the descriptor was damaged, and only a part of what it says is known")) \
	X(names, "vmdk.salvage.names", \
	  N_("the descriptor was lost; its extents are the files that are named as they would be")) \
	X(extent, "vmdk.salvage.extent", N_("the file of an extent is lost")) \
	X(header, "vmdk.salvage.header", \
	  N_("the header was lost, and what it said was found again")) \
	X(directory, "vmdk.salvage.directory", \
	  N_("an entry of both grain directories was lost, and a table was found where it usually " \
	     "is")) \
	X(stream, "vmdk.salvage.stream", \
	  N_("the tables of the stream were rebuilt from the markers of its grains")) \
	X(size, "vmdk.salvage.size", N_("the size of the disk was lost, and is guessed"))

#define VMDK_NOTE(name, id, text) extern const struct img_finding_kind vmdk_noted_##name;
VMDK_NOTES(VMDK_NOTE)
#undef VMDK_NOTE

struct vmdk_salvage {
	struct vmdk *v;
	const struct img_layer_open *how;
	struct img_salvaged *told;
	bool doubtful;			/* a line about an extent may be missing in front of others */
};

/* As in struct img_format. */
bool vmdk_salvage(struct img_layer *ly, const struct img_layer_open *how, struct img_err *err)
	IMG_MUST_CHECK;
bool vmdk_salvage_note(struct vmdk_salvage *s, const struct img_finding_kind *kind, uint64_t host,
		       uint64_t found, struct img_err *err) IMG_MUST_CHECK;

/* Whether a byte may be one of a descriptor, in any encoding. */
bool vmdk_is_text(uint8_t byte);
/* Whether a failure is no matter of the image: then a salvage ends. */
bool vmdk_salvage_stops(enum img_code code);
/* Opens part->name, which is part->file then. */
bool vmdk_salvage_file(struct vmdk_salvage *s, struct vmdk_part *part, struct img_err *err)
	IMG_MUST_CHECK;
/* Makes s->v->desc of the files beside `own` that its descriptor would have named, if there are any. */
bool vmdk_salvage_names(struct vmdk_salvage *s, struct img_store *own, struct img_err *err)
	IMG_MUST_CHECK;

/*
 * Opens the file of grains part->file as far as it goes; described: bytes of the disk in it, as the
 * descriptor says; 0: unknown.  IMG_E_CORRUPT: nothing is left that says where anything lies.
 * (salvage_part.c)
 */
bool vmdk_salvage_part(struct vmdk_salvage *s, struct vmdk_part *part, uint64_t described,
		       struct img_err *err) IMG_MUST_CHECK;

/* Directory entries that both lost, and first tables that are noise (salvage_directory.c). */
bool vmdk_salvage_directory(struct vmdk_salvage *s, struct vmdk_part *part, struct img_err *err)
	IMG_MUST_CHECK;

/*
 * Finds the directories of a hosted sparse file, sp->file, by their shape, and sets hdr, gd and rgd;
 * *found.  described as above; *sure: nothing of it is a guess.  (salvage_shape.c)
 */
bool vmdk_shape_find(struct vmdk_sparse *sp, uint64_t described, bool *found, bool *sure,
		     struct img_err *err) IMG_MUST_CHECK;
/*
 * Whether the grains that the tables lead to, which were found by shape, are compressed and have
 * markers; then the size of grains is as these tell.
 */
bool vmdk_shape_is_packed(struct vmdk_sparse *sp, bool *packed, struct img_err *err) IMG_MUST_CHECK;
/* Whether a directory begins at that sector of the file: how many entries it has, else 0.  Pure. */
uint32_t vmdk_shape_directory(const uint8_t *raw, size_t len, uint64_t sector);

/*
 * Rebuilds the tables of a stream from its markers.  sp->hdr is known, but for a capacity of 0; sp->gd
 * may hold what is left of the directory.  part->file becomes an overlay.  *n: grains that were found;
 * with none nothing is changed.  start: where the first marker is or may be.  (salvage_stream.c)
 */
bool vmdk_salvage_stream(struct vmdk_salvage *s, struct vmdk_part *part, uint64_t start, size_t *n,
			 struct img_err *err) IMG_MUST_CHECK;

#endif
