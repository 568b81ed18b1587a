/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a flush writes, and in which order: data, file length and the number of blocks are durable
 * before the map that counts on them is written.
 */
#include "base/bytes.h"
#include "base/lock.h"
#include "format/vdi/disk.h"

/* The number of blocks and the UUIDs lie behind each other, in one sector. */
static bool write_header(struct vdi *vdi, struct img_store *st, uint32_t n_allocated,
			 struct img_err *err)
{
	struct vdi_header *hdr = &vdi->header;
	uint8_t raw[VDI_ENTRY_LEN + 2 * IMG_UUID_BYTES];

	/* Images that stand on this one see that it is not the same any more. */
	if (!vdi->disk->marked && !img_uuid_make(&hdr->modified, err))
		return false;
	img_put_le32(raw, n_allocated);
	memcpy(raw + VDI_ENTRY_LEN, hdr->uuid.raw, IMG_UUID_BYTES);
	memcpy(raw + VDI_ENTRY_LEN + IMG_UUID_BYTES, hdr->modified.raw, IMG_UUID_BYTES);
	if (!img_store_write(st, hdr->major ? VDI_HDR_ALLOCATED : VDI_V0_ALLOCATED, raw,
			     sizeof(raw), err))
		return false;
	vdi->disk->marked = true;
	hdr->n_allocated = n_allocated;
	return true;
}

/* n_allocated and taken are of the same moment. */
static bool write_all(struct vdi *vdi, const struct img_granules_taken *taken,
		      uint32_t n_allocated, struct img_err *err)
{
	struct img_store *st = vdi->map.file;

	if ((!vdi->disk->marked || n_allocated != vdi->header.n_allocated) &&
	    !write_header(vdi, st, n_allocated, err))
		return false;
	if (!img_store_sync(st, err))
		return false;
	return !taken->n ||
	       (img_granules_write(&vdi->disk->map, taken, err) && img_store_sync(st, err));
}

bool vdi_disk_flush(struct img_layer *ly, bool *freed, struct img_err *err)
{
	struct vdi *vdi = ly->priv;
	struct vdi_disk *disk = vdi->disk;
	struct img_granules_taken taken;
	uint32_t n_allocated;
	bool ok;

	*freed = false;
	{
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&disk->lock);

		n_allocated = disk->end;
		ok = img_granules_take(&disk->map, &taken, err);
	}
	ok = ok && write_all(vdi, &taken, n_allocated, err);
	if (!ok) {
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&disk->lock);

		img_granules_give_back(&disk->map, &taken);
	}
	img_granules_taken_clear(&taken);
	return ok;
}
