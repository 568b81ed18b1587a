/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VDI image that is written in place; what disk.c, request.c and flush.c share. */
#ifndef VDI_DISK_H
#define VDI_DISK_H

#include "format/claims.h"
#include "format/granules.h"
#include "format/vdi/vdi.h"

struct vdi_disk {
	uint64_t old_end;		/* of the file: what lies before may not be zeros */
	pthread_mutex_t lock;		/* guards all below, and changes of the map's entries */
	struct img_claims claims;	/* blocks of the disk that are being given their places */
	uint8_t *used;			/* a bit for each block that the map can name */
	uint32_t cursor;		/* no block below it is free */
	uint32_t end;			/* behind the highest block that an entry names */
	struct img_granules map;	/* what of it is dirty */
	bool marked;			/* the file has the UUID of this change */
};

/* disk.c: makes vdi->disk.  IMG_E_CORRUPT, IMG_E_INCOMPLETE: the map is damaged. */
bool vdi_disk_start(struct vdi *vdi, struct img_err *err) IMG_MUST_CHECK;
/* Accepts NULL. */
void vdi_disk_free(struct vdi_disk *disk);
/* Takes the lowest block of the file that is free; the lock is held.  IMG_E_CORRUPT: none is. */
bool vdi_disk_take(struct vdi *vdi, uint32_t *entry, struct img_err *err) IMG_MUST_CHECK;
/* Changes an entry of the map, whose piece is in memory; the lock is held. */
void vdi_disk_set(struct vdi *vdi, uint32_t index, uint32_t entry);

/* request.c; as in struct img_disk_ops. */
bool vdi_disk_write(struct img_layer *ly, uint64_t at, const void *buf, size_t len,
		    struct img_err *err);
bool vdi_disk_zero(struct img_layer *ly, uint64_t at, uint64_t len, bool unmap,
		   struct img_err *err);
bool vdi_disk_discard(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err);
/* flush.c; the same. */
bool vdi_disk_flush(struct img_layer *ly, bool *freed, struct img_err *err);

#endif
