/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A place in a file that may be that of the block map. */
#ifndef VDI_SALVAGE_SHAPE_H
#define VDI_SALVAGE_SHAPE_H

#include "format/vdi/vdi.h"

struct vdi_shape {
	uint32_t map_off;
	uint32_t n;			/* entries */
	uint32_t bad;			/* those that name no block that there can be, or one twice */
	uint32_t named;			/* the others that name one */
	uint32_t placed;		/* of these, those that have the number of their entry */
	uint32_t end;			/* behind the highest block that is named */
};

/* A file in which a map is looked for. */
struct vdi_source {
	struct img_store *file;
	uint64_t size;
	uint64_t memory;		/* bytes for counting at most */
};

/*
 * n entries from map_off on, or as many as the file has.  to_the_end false: up to the first bad one.
 */
bool vdi_measure_shape(const struct vdi_source *from, uint32_t map_off, uint32_t n, bool to_the_end,
		       struct vdi_shape *out, struct img_err *err) IMG_MUST_CHECK;

#endif
