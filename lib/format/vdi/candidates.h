/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a header that is not right may have said, for a salvage and a repair to judge. */
#ifndef VDI_CANDIDATES_H
#define VDI_CANDIDATES_H

#include "format/vdi/salvage_shape.h"

struct vdi_candidate {
	/* As said but for map_off, data_off, block_size, block_extra and n_blocks. */
	struct vdi_header hdr;
	const struct vdi_shape *shape;	/* of the map that it has */
	uint32_t run;			/* entries up to the first bad one, from map_off on */
};

struct vdi_candidates {
	const struct vdi_source *from;
	const struct vdi_header *said;	/* what the fields say, true or not */
	void (*judge)(void *ctx, const struct vdi_candidate *one);
	void *ctx;
};

/* Whether the map is where VirtualBox has it now and had it once, and QEMU. */
bool vdi_is_usual_map_off(uint32_t map_off);

/* Blocks that a disk of that size needs. */
static inline uint64_t vdi_blocks_for(uint64_t size, uint32_t block_size)
{
	return size / block_size + (size % block_size != 0);
}

/*
 * Shows all combinations of what the fields say, of what is usual and of what fits the length of the
 * file; some of them twice.  Errors: IMG_E_IO, IMG_E_NOMEM.
 */
bool vdi_candidates_each(const struct vdi_candidates *look, struct img_err *err) IMG_MUST_CHECK;

#endif
