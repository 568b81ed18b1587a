/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests to a disk in use, block by block; a block gets its place when it is first written. */
#include "base/lock.h"
#include "base/num.h"
#include "format/vdi/disk.h"

enum { SECTOR = VDI_SECTOR };

/* What a request wants of one block. */
struct part {
	uint32_t index, skip, len;	/* bytes [skip, skip + len) of the block */
	const uint8_t *bytes;		/* NULL: zeros */
	bool unmap;			/* zeros need no space */
};

/* ---- A new block ----------------------------------------------------------------------------- */

/* Makes the block's place in the file whole, and zeros: the map may refer to it from now on. */
static bool make_room(struct img_layer *ly, uint64_t host, struct img_err *err)
{
	static const uint8_t zeros[SECTOR];
	const struct vdi *vdi = ly->priv;
	const uint64_t end = host + vdi->header.block_size;

	if (host < vdi->disk->old_end && !img_store_zero(ly->store, host, end - host, false, err))
		return false;
	return img_store_write(ly->store, end - SECTOR, zeros, SECTOR, err);
}

/* hides: what is below does not show through even where the part is not. */
static bool fill(struct img_layer *ly, const struct part *part, uint32_t entry, bool hides,
		 struct img_err *err)
{
	const struct vdi_header *hdr = &((const struct vdi *)ly->priv)->header;
	const uint64_t host = vdi_host(hdr, entry), end = part->skip + part->len;
	const uint64_t guest = (uint64_t)part->index * hdr->block_size;

	if (!make_room(ly, host, err))
		return false;
	if (!hides && ly->below &&
	    (!img_below_copy(ly->below, guest, guest + part->skip, ly->store, host, err) ||
	     !img_below_copy(ly->below, guest + end, guest + vdi_block_len(hdr, part->index),
			     ly->store, host + end, err)))
		return false;
	return !part->bytes || img_store_write(ly->store, host + part->skip, part->bytes,
					       part->len, err);
}

/* The block has no place; the lock is held, and is let go meanwhile. */
static bool add_block(struct img_layer *ly, const struct part *part, bool hides,
		      struct img_err *err)
{
	struct vdi *vdi = ly->priv;
	struct vdi_disk *disk = vdi->disk;
	struct img_claim claim = { .first = part->index, .end = (uint64_t)part->index + 1 };
	uint32_t entry;
	bool ok;

	if (!vdi_disk_take(vdi, &entry, err))
		return false;
	img_claim(&disk->claims, &claim);
	pthread_mutex_unlock(&disk->lock);
	ok = fill(ly, part, entry, hides, err);
	pthread_mutex_lock(&disk->lock);
	if (ok) {
		const uint64_t end = vdi_host(&vdi->header, entry) + vdi->header.block_size;

		vdi->map.file_size = img_max_u64(vdi->map.file_size, end);
		vdi_disk_set(vdi, part->index, entry);
	}
	img_unclaim(&disk->claims, &claim);
	return ok;
}

/* ---- Parts of requests ----------------------------------------------------------------------- */

static bool change_place(struct img_layer *ly, const struct part *part, uint32_t entry,
			 struct img_err *err)
{
	const struct vdi *vdi = ly->priv;
	const uint64_t host = vdi_host(&vdi->header, entry) + part->skip;

	if (part->bytes)
		return img_store_write(ly->store, host, part->bytes, part->len, err);
	return img_store_zero(ly->store, host, part->len, !part->unmap, err);
}

/* Zeros where the block has no place; the lock is held. */
static bool zero_nothing(struct img_layer *ly, const struct part *part, uint32_t entry,
			 struct img_err *err)
{
	struct vdi *vdi = ly->priv;

	if (entry == VDI_ENTRY_ZERO || !ly->below)
		return true;
	if (part->len < vdi_block_len(&vdi->header, part->index))
		return add_block(ly, part, false, err);
	vdi_disk_set(vdi, part->index, VDI_ENTRY_ZERO);
	return true;
}

static bool change_part(struct img_layer *ly, const struct part *part, struct img_err *err)
{
	struct vdi *vdi = ly->priv;
	struct vdi_disk *disk = vdi->disk;
	const _Atomic uint32_t *piece = vdi_map_piece(&vdi->map, part->index, err);
	uint32_t entry;

	if (!piece)
		return false;
	{
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&disk->lock);

		img_claims_wait(&disk->claims, part->index, (uint64_t)part->index + 1);
		entry = piece[part->index % VDI_PIECE_ENTRIES];
		if (entry >= VDI_ENTRY_ZERO && !part->bytes)
			return zero_nothing(ly, part, entry, err);
		if (entry >= VDI_ENTRY_ZERO)
			return add_block(ly, part, entry == VDI_ENTRY_ZERO, err);
	}
	return change_place(ly, part, entry, err);
}

static struct part part_at(const struct vdi_header *hdr, uint64_t at, uint64_t len)
{
	const uint32_t skip = (uint32_t)(at % hdr->block_size);

	return (struct part){
		.index = (uint32_t)(at / hdr->block_size), .skip = skip,
		.len = (uint32_t)img_min_u64(len, hdr->block_size - skip),
	};
}

bool vdi_disk_write(struct img_layer *ly, uint64_t at, const void *buf, size_t len,
		    struct img_err *err)
{
	const struct vdi_header *hdr = &((const struct vdi *)ly->priv)->header;
	const uint8_t *bytes = buf;

	while (len) {
		struct part part = part_at(hdr, at, len);

		part.bytes = bytes;
		if (!change_part(ly, &part, err))
			return false;
		at += part.len;
		bytes += part.len;
		len -= part.len;
	}
	return true;
}

bool vdi_disk_zero(struct img_layer *ly, uint64_t at, uint64_t len, bool unmap,
		   struct img_err *err)
{
	const struct vdi_header *hdr = &((const struct vdi *)ly->priv)->header;

	while (len) {
		struct part part = part_at(hdr, at, len);

		part.unmap = unmap;
		if (!change_part(ly, &part, err))
			return false;
		at += part.len;
		len -= part.len;
	}
	return true;
}

/* A block keeps its place and gives its space back; where nothing is gained the bytes stay. */
bool vdi_disk_discard(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	struct vdi *vdi = ly->priv;

	while (len && (ly->store->caps & IMG_STORE_ZERO)) {
		const struct part part = part_at(&vdi->header, at, len);
		const _Atomic uint32_t *piece = vdi_map_piece(&vdi->map, part.index, err);

		if (!piece)
			return false;
		const uint32_t entry = piece[part.index % VDI_PIECE_ENTRIES];
		if (entry < VDI_ENTRY_ZERO &&
		    !img_store_zero(ly->store, vdi_host(&vdi->header, entry) + part.skip, part.len,
				    false, err))
			return false;
		at += part.len;
		len -= part.len;
	}
	return true;
}
