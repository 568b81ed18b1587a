/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VDI image that is being made: what create.c decides and write.c fills. */
#ifndef VDI_NEW_H
#define VDI_NEW_H

#include "format/vdi/vdi.h"

struct vdi_new {
	uint32_t next;		/* number of the next block, unless they are placed */
	bool placed;		/* each block has its entry and its own place from the start */
	bool hides;		/* zeros must be said: there is an image below */
	bool fresh;		/* what is not written reads as zeros */
};

/* Where the data begin behind a map of n entries; map_off is where the map does. */
uint64_t vdi_data_off(uint32_t map_off, uint64_t n);

extern const struct img_write_ops vdi_write_ops;	/* write.c */

#endif
