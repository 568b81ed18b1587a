/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An image that is written in place: its start, its end, and which blocks of the file are free. */
#include "format/vdi/disk.h"

#include <inttypes.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"

/* ---- Blocks of the file ---------------------------------------------------------------------- */

bool vdi_disk_take(struct vdi *vdi, uint32_t *entry, struct img_err *err)
{
	struct vdi_disk *disk = vdi->disk;
	const uint32_t n = vdi->header.n_blocks;
	uint32_t i = disk->cursor;

	while (i < n && disk->used[i / 8] & 1 << i % 8)
		i++;
	disk->cursor = i;
	if (i == n)
		return img_fail(err, IMG_E_CORRUPT,
				_("all %" PRIu32 " blocks that the map can name are in use"), n);
	disk->used[i / 8] |= (uint8_t)(1 << i % 8);
	*entry = i;
	return true;
}

/* ---- The map --------------------------------------------------------------------------------- */

void vdi_disk_set(struct vdi *vdi, uint32_t index, uint32_t entry)
{
	struct vdi_disk *disk = vdi->disk;
	const uint64_t off = (uint64_t)index * VDI_ENTRY_LEN;

	vdi->map.pieces[index / VDI_PIECE_ENTRIES][index % VDI_PIECE_ENTRIES] = entry;
	img_granules_mark(&disk->map, off, off + VDI_ENTRY_LEN);
	if (entry < VDI_ENTRY_ZERO)
		disk->end = (uint32_t)img_max_u64(disk->end, (uint64_t)entry + 1);
}

/* As granules want it. */
static void encode(const void *ctx, uint64_t at, uint8_t *raw)
{
	const struct vdi *vdi = ctx;
	const uint64_t first = at / VDI_ENTRY_LEN;
	const _Atomic uint32_t *entries = vdi->map.pieces[first / VDI_PIECE_ENTRIES] +
					  first % VDI_PIECE_ENTRIES;

	for (size_t i = 0; i < IMG_GRANULE / VDI_ENTRY_LEN; i++)
		img_put_le32(raw + i * VDI_ENTRY_LEN, entries[i]);
}

/* ---- The start ------------------------------------------------------------------------------- */

static bool refuse(uint32_t index, enum img_code code, const struct img_finding_kind *kind,
		   struct img_err *err)
{
	return img_fail(err, code, _("a damaged image cannot be written: entry %" PRIu32
			" of the block map: %s"), index, _(kind->text));
}

/* Notes that the entry's block is in use.  Writing to one that two share would change both. */
static bool note_entry(struct vdi *vdi, uint32_t index, uint32_t entry, struct img_err *err)
{
	const struct vdi_header *hdr = &vdi->header;
	const bool on_disk = index < vdi_blocks_used(hdr);
	struct vdi_disk *disk = vdi->disk;
	const uint8_t bit = (uint8_t)(1 << entry % 8);

	if (entry >= VDI_ENTRY_ZERO)
		return true;
	if (vdi_entry_damage(hdr, entry))
		return refuse(index, IMG_E_CORRUPT, vdi_entry_damage(hdr, entry), err);
	if (on_disk && vdi_host(hdr, entry) + vdi_block_len(hdr, index) > disk->old_end)
		return refuse(index, IMG_E_INCOMPLETE, &vdi_found_map_outside, err);
	if (disk->used[entry / 8] & bit)
		return refuse(index, IMG_E_CORRUPT, &vdi_found_map_doubled, err);
	disk->used[entry / 8] |= bit;
	disk->end = (uint32_t)img_max_u64(disk->end, (uint64_t)entry + 1);
	return true;
}

/* Reads the whole map, which stays in memory. */
static bool note_entries(struct vdi *vdi, struct img_err *err)
{
	const uint32_t n = vdi->header.n_blocks;

	if (n && !vdi_map_has(&vdi->map, n - 1))
		return refuse(n - 1, IMG_E_INCOMPLETE, &vdi_found_map_cut, err);
	for (uint32_t i = 0; i < n; i++) {
		const _Atomic uint32_t *piece = vdi_map_piece(&vdi->map, i, err);

		if (!piece || !note_entry(vdi, i, piece[i % VDI_PIECE_ENTRIES], err))
			return false;
	}
	return true;
}

bool vdi_disk_start(struct vdi *vdi, struct img_err *err)
{
	struct vdi_disk *disk = img_calloc(1, sizeof(*disk), err);

	if (!disk)
		return false;
	vdi->disk = disk;
	pthread_mutex_init(&disk->lock, NULL);
	img_claims_init(&disk->claims, &disk->lock);
	disk->old_end = vdi->map.file_size;
	disk->used = img_calloc(vdi->header.n_blocks / 8 + 1, 1, err);
	disk->map = (struct img_granules){
		.file = vdi->map.file, .off = vdi->header.map_off,
		.len = (uint64_t)vdi->header.n_blocks * VDI_ENTRY_LEN, .encode = encode, .ctx = vdi,
	};
	return disk->used && img_granules_init(&disk->map, err) && note_entries(vdi, err);
}

void vdi_disk_free(struct vdi_disk *disk)
{
	if (!disk)
		return;
	img_granules_clear(&disk->map);
	img_claims_clear(&disk->claims);
	pthread_mutex_destroy(&disk->lock);
	free(disk->used);
	free(disk);
}

const struct img_disk_ops vdi_disk_ops = {
	.write = vdi_disk_write,
	.zero = vdi_disk_zero,
	.discard = vdi_disk_discard,
	.flush = vdi_disk_flush,
};
