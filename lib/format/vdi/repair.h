/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Repairing an image in place: what repair.c and repair_entries.c share. */
#ifndef VDI_REPAIR_H
#define VDI_REPAIR_H

#include "format/vdi/salvage_shape.h"
#include "store/paged.h"

/* An entry of the map that cannot be right, or that has its block together with another one. */
struct vdi_suspect {
	uint32_t index, entry;
	uint32_t before, after;		/* the entries beside it, or VDI_ENTRY_FREE */
	bool doubled;
	bool settled;			/* doubled: what it says is borne out by an entry beside it */
	uint32_t place;			/* what it must have been, or VDI_NO_PLACE */
};

#define VDI_NO_PLACE (VDI_ENTRY_ZERO - 1)	/* no block has that number */

/* A bit for each block of the file that there is a part of. */
struct vdi_marks {
	struct img_paged used, twice;	/* by entries */
};

struct vdi_repair {
	const struct img_checking *how;
	struct img_store *file;		/* borrowed */
	struct vdi_header hdr;
	uint64_t file_size;
	uint32_t n_begun, n_whole;	/* blocks that the file has a part of, and all of */
	uint32_t end;			/* behind the highest block of the file that an entry names */
	struct vdi_marks *marks;	/* of n_begun blocks; owned */
	uint32_t n_orphans;		/* whole blocks that no entry names */
	struct vdi_suspect *suspects;	/* in the order of the disk; owned */
	size_t n_suspects, cap_suspects;
	size_t n_outside;		/* of them, those that name no block of the file */
};

/* repair.c; as in struct img_check_ops. */
bool vdi_repair(struct img_layer *ly, const struct img_checking *how, enum img_repair_level level,
		struct img_err *err);
/*
 * Looks at the map of r->file, of which r->hdr and r->file_size are known, and mends entries; what
 * is known in the end stays in r.
 */
bool vdi_repair_entries(struct vdi_repair *r, struct img_err *err) IMG_MUST_CHECK;
void vdi_repair_clear(struct vdi_repair *r);
/* False: what was said of blocks since then may be wrong.  IMG_E_IO, IMG_E_NOMEM. */
bool vdi_repair_knows(const struct vdi_repair *r, struct img_err *err) IMG_MUST_CHECK;
/* Whether the file has the whole block, and no entry names it. */
bool vdi_repair_is_orphan(const struct vdi_repair *r, uint32_t block);
/* Whether the file has the whole block, and no entry or more than one names it. */
bool vdi_repair_is_disputed(const struct vdi_repair *r, uint32_t block);
enum vdi_belief {
	VDI_BELIEVED,			/* nothing says that the header is wrong, or one witness alone */
	VDI_DERIVED,			/* it is not what it must have been */
	VDI_DOUBTED,			/* it is wrong, and what it must have been is not certain */
};
/*
 * repair_header.c: what the file says of its header; raw (VDI_DECODE_LEN bytes) is what that must have
 * been, if it is derived.  Errors: IMG_E_IO, IMG_E_NOMEM.
 */
bool vdi_header_derive(const struct vdi_source *from, uint8_t *raw, enum vdi_belief *belief,
		       struct img_err *err) IMG_MUST_CHECK;
/* Writes that to the file, if it is derived. */
bool vdi_repair_header(struct vdi_repair *r, enum vdi_belief *belief, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * repair_entries.c: sets suspects[].place where only one thing can have been there.  The order of
 * the suspects is another one then.
 */
void vdi_repair_decide(struct vdi_repair *r);

#endif
