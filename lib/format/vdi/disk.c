/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An image that is written in place: its start, its end, and which blocks of the file are free. */
#include "format/vdi/disk.h"

#include <inttypes.h>
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

void vdi_disk_set(struct vdi *vdi, uint32_t index, uint32_t entry)
{
	struct vdi_disk *disk = vdi->disk;
	const uint32_t piece = index / VDI_PIECE_ENTRIES, in_piece = index % VDI_PIECE_ENTRIES;

	vdi->map.pieces[piece][in_piece] = entry;
	disk->dirty[piece] |= (uint16_t)(1 << in_piece / VDI_GRANULE_ENTRIES);
	if (entry < VDI_ENTRY_ZERO)
		disk->end = (uint32_t)img_max_u64(disk->end, (uint64_t)entry + 1);
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
	pthread_cond_init(&disk->released, NULL);
	disk->old_end = vdi->map.file_size;
	disk->used = img_calloc(vdi->header.n_blocks / 8 + 1, 1, err);
	disk->dirty = img_calloc(vdi->map.n_pieces + 1, sizeof(*disk->dirty), err);
	return disk->used && disk->dirty && note_entries(vdi, err);
}

void vdi_disk_free(struct vdi_disk *disk)
{
	if (!disk)
		return;
	pthread_cond_destroy(&disk->released);
	pthread_mutex_destroy(&disk->lock);
	free(disk->used);
	free(disk->dirty);
	free(disk);
}

const struct img_disk_ops vdi_disk_ops = {
	.write = vdi_disk_write,
	.zero = vdi_disk_zero,
	.discard = vdi_disk_discard,
	.flush = vdi_disk_flush,
};
