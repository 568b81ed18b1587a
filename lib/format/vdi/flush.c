/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a flush writes, and in which order: data, file length and the number of blocks are durable
 * before the map that counts on them is written.
 */
#include "base/bytes.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vdi/disk.h"

/* Parts of the map as they were at one moment. */
struct snapshot {
	uint32_t *firsts;	/* index of the first entry of each granule */
	uint8_t *raw;		/* of the file, one granule behind the other */
	size_t n;
	uint32_t n_allocated;
};

static void snapshot_clear(struct snapshot *snap)
{
	free(snap->firsts);
	free(snap->raw);
}

static size_t count_dirty(const struct vdi *vdi)
{
	size_t n = 0;

	for (size_t i = 0; i < vdi->map.n_pieces; i++)
		n += (size_t)__builtin_popcount(vdi->disk->dirty[i]);
	return n;
}

static void take_granule(const struct vdi *vdi, uint32_t first, struct snapshot *snap)
{
	const _Atomic uint32_t *entries = vdi->map.pieces[first / VDI_PIECE_ENTRIES] +
					  first % VDI_PIECE_ENTRIES;
	uint8_t *raw = snap->raw + snap->n * VDI_GRANULE_ENTRIES * VDI_ENTRY_LEN;

	for (size_t i = 0; i < VDI_GRANULE_ENTRIES; i++)
		img_put_le32(raw + i * VDI_ENTRY_LEN, entries[i]);
	snap->firsts[snap->n++] = first;
}

/* Takes what is dirty; the lock is held. */
static bool take_dirty(struct vdi *vdi, struct snapshot *snap, struct img_err *err)
{
	const size_t n = count_dirty(vdi);

	snap->n_allocated = vdi->disk->end;
	if (!n)
		return true;
	snap->firsts = img_calloc(n, sizeof(*snap->firsts), err);
	snap->raw = img_calloc(n, VDI_GRANULE_ENTRIES * VDI_ENTRY_LEN, err);
	if (!snap->firsts || !snap->raw)
		return false;
	for (size_t i = 0; i < vdi->map.n_pieces; i++) {
		for (unsigned bits = vdi->disk->dirty[i]; bits; bits &= bits - 1)
			take_granule(vdi, (uint32_t)(i * VDI_PIECE_ENTRIES) +
				     (unsigned)__builtin_ctz(bits) * VDI_GRANULE_ENTRIES, snap);
		vdi->disk->dirty[i] = 0;
	}
	return true;
}

/* They were not written. */
static void give_back(struct vdi *vdi, const struct snapshot *snap)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&vdi->disk->lock);

	for (size_t i = 0; i < snap->n; i++)
		vdi->disk->dirty[snap->firsts[i] / VDI_PIECE_ENTRIES] |= (uint16_t)
			(1 << snap->firsts[i] % VDI_PIECE_ENTRIES / VDI_GRANULE_ENTRIES);
}

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

static bool write_map(const struct vdi *vdi, const struct snapshot *snap, struct img_err *err)
{
	const size_t bytes = VDI_GRANULE_ENTRIES * VDI_ENTRY_LEN;

	for (size_t i = 0; i < snap->n; i++) {
		const uint32_t first = snap->firsts[i];
		const uint64_t left = (uint64_t)(vdi->header.n_blocks - first) * VDI_ENTRY_LEN;

		if (!img_store_write(vdi->map.file,
				     vdi->header.map_off + (uint64_t)first * VDI_ENTRY_LEN,
				     snap->raw + i * bytes, img_min_u64(bytes, left), err))
			return false;
	}
	return true;
}

static bool write_all(struct vdi *vdi, const struct snapshot *snap, struct img_err *err)
{
	struct img_store *st = vdi->map.file;

	if ((!vdi->disk->marked || snap->n_allocated != vdi->header.n_allocated) &&
	    !write_header(vdi, st, snap->n_allocated, err))
		return false;
	if (!img_store_sync(st, err))
		return false;
	return !snap->n || (write_map(vdi, snap, err) && img_store_sync(st, err));
}

bool vdi_disk_flush(struct img_layer *ly, bool *freed, struct img_err *err)
{
	struct vdi *vdi = ly->priv;
	struct snapshot snap = { 0 };
	bool ok;

	*freed = false;
	{
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&vdi->disk->lock);

		ok = take_dirty(vdi, &snap, err);
	}
	ok = ok && write_all(vdi, &snap, err);
	if (!ok)
		give_back(vdi, &snap);
	snapshot_clear(&snap);
	return ok;
}
