/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Another size for the disk.  The map grows into the place of the first blocks, which move into free
 * ones or behind the last; the data begin whole blocks later then, so all others stay where they are
 * and get lower numbers.  When the disk shrinks the last blocks of the file move into the gaps: who
 * adds a block, and qemu-img when it checks, counts on there being none.
 */
#include <inttypes.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/vdi/disk.h"

struct resizing {
	struct vdi *vdi;
	const struct img_layer_resize *how;
	const struct vdi_header old;
	uint64_t file_end;		/* of the file as it was */
	uint32_t n_kept;		/* blocks of the disk that are on it before and afterwards */
	uint32_t moved;			/* blocks of the file that make room for the map */
	uint32_t n_dense;		/* blocks with this number, or a higher one, move down */
	uint8_t *used;			/* a bit for each block of the file as they count afterwards */
	uint32_t cursor;		/* no block below it is free */
	uint32_t end;			/* behind the highest that is in use */
};

static _Atomic uint32_t *entry_of(const struct resizing *r, uint32_t index)
{
	return &r->vdi->map.pieces[index / VDI_PIECE_ENTRIES][index % VDI_PIECE_ENTRIES];
}

/* ---- What is possible ------------------------------------------------------------------------ */

static bool check_wish(const struct vdi_header *hdr, const struct img_layer_resize *how,
		       struct img_err *err)
{
	if (!hdr->major)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("a VDI image of version 0 keeps its size"));
	if (hdr->type != VDI_TYPE_FIXED && how->preallocation >= IMG_PREALLOC_FALLOC)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("only a static VDI image has space for what was not written yet"));
	if (img_div_up(how->size, hdr->block_size) > VDI_BLOCKS_MAX)
		return img_fail(err, IMG_E_RANGE,
				_("a disk of %" PRIu64 " bytes has too many blocks of %" PRIu64
				  " bytes"), how->size, (uint64_t)hdr->block_size);
	return true;
}

/* Where VirtualBox put the data they stay on its multiples. */
static bool plan_map(struct resizing *r, struct vdi_header *hdr, struct img_err *err)
{
	const uint64_t map_end = vdi_entry_off(hdr, hdr->n_blocks), stride = vdi_stride(hdr);
	const uint64_t start = hdr->data_off % VDI_ALIGN ? map_end : img_round_up(map_end, VDI_ALIGN);
	const uint64_t moved = map_end > hdr->data_off ? img_div_up(start - hdr->data_off, stride) : 0;

	if (moved > (UINT32_MAX - hdr->data_off) / stride)
		return img_fail(err, IMG_E_RANGE,
				_("a disk of %" PRIu64 " bytes has too many blocks of %" PRIu64
				  " bytes"), hdr->size, (uint64_t)hdr->block_size);
	r->moved = (uint32_t)moved;
	hdr->data_off += (uint32_t)(moved * stride);
	return true;
}

static bool plan(struct resizing *r, struct img_err *err)
{
	struct vdi_header *hdr = &r->vdi->header;
	const uint32_t n = (uint32_t)img_div_up(r->how->size, hdr->block_size);

	r->n_kept = (uint32_t)img_min_u64(vdi_blocks_used(hdr), n);
	hdr->size = r->how->size;
	hdr->n_blocks = n;
	r->used = img_calloc(img_max_u64(n, r->old.n_blocks) / 8 + 1, 1, err);
	return r->used && plan_map(r, hdr, err) && img_store_size(r->vdi->map.file, &r->file_end, err);
}

/* ---- Blocks of the file ---------------------------------------------------------------------- */

static uint32_t take(struct resizing *r)
{
	while (r->used[r->cursor / 8] & 1 << r->cursor % 8)
		r->cursor++;
	r->used[r->cursor / 8] |= (uint8_t)(1 << r->cursor % 8);
	r->end = (uint32_t)img_max_u64(r->end, (uint64_t)r->cursor + 1);
	return r->cursor;
}

/* Whether the block with that old number need not move. */
static bool stays(const struct resizing *r, uint32_t entry)
{
	return entry >= r->moved && entry - r->moved < r->n_dense;
}

static void count_blocks(struct resizing *r)
{
	const bool dense = r->how->compact || r->how->size < r->old.size;
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n_kept; i++)
		n += *entry_of(r, i) < VDI_ENTRY_ZERO;
	r->n_dense = dense ? n : UINT32_MAX;
}

static void mark_used(struct resizing *r)
{
	for (uint32_t i = 0; i < r->n_kept; i++) {
		const uint32_t entry = *entry_of(r, i), number = entry - r->moved;

		if (entry >= VDI_ENTRY_ZERO || !stays(r, entry))
			continue;
		r->used[number / 8] |= (uint8_t)(1 << number % 8);
		r->end = (uint32_t)img_max_u64(r->end, (uint64_t)number + 1);
	}
}

/* No place is taken that another block has still to leave: those are in the map, or too high. */
static bool move_blocks(struct resizing *r, struct img_err *err)
{
	const struct vdi_header *hdr = &r->vdi->header;
	const uint64_t stride = vdi_stride(hdr);

	for (uint32_t i = 0; i < r->n_kept; i++) {
		const uint32_t entry = *entry_of(r, i);

		if (entry >= VDI_ENTRY_ZERO)
			continue;
		if (stays(r, entry)) {
			*entry_of(r, i) = entry - r->moved;
			continue;
		}
		const uint32_t number = take(r);

		if (!img_move(r->vdi->map.file, hdr->data_off + number * stride,
			      r->old.data_off + entry * stride, stride, r->how->job, err))
			return false;
		*entry_of(r, i) = number;
	}
	return true;
}

/* ---- Blocks of the disk ---------------------------------------------------------------------- */

/* All of the file from there on, up to its old end, may hold anything. */
static bool add_fixed(struct resizing *r, uint32_t index, struct img_err *err)
{
	const struct vdi_header *hdr = &r->vdi->header;
	const uint32_t number = take(r);
	const uint64_t stride = vdi_stride(hdr), at = hdr->data_off + number * stride;

	*entry_of(r, index) = number;
	return at >= r->file_end ||
	       img_store_zero(r->vdi->map.file, at, img_min_u64(stride, r->file_end - at), true, err);
}

/* New blocks hide what the image stands on. */
static bool add_blocks(struct resizing *r, struct img_err *err)
{
	const struct vdi_header *hdr = &r->vdi->header;
	const uint32_t marker = vdi_has_parent(hdr) ? VDI_ENTRY_ZERO : VDI_ENTRY_FREE;

	for (uint32_t i = r->n_kept; i < hdr->n_blocks; i++) {
		if (hdr->type != VDI_TYPE_FIXED)
			*entry_of(r, i) = marker;
		else if (!add_fixed(r, i, err))
			return false;
	}
	return true;
}

/* Blocks that do not need what a device has more of are no concern of it. */
static bool set_length(const struct resizing *r, struct img_err *err)
{
	const struct vdi_header *hdr = &r->vdi->header;
	struct img_store *file = r->vdi->map.file;
	const uint64_t end = hdr->data_off + r->end * vdi_stride(hdr);

	if ((file->caps & IMG_STORE_RESIZE) && !img_store_resize(file, end, err))
		return false;
	return end <= r->file_end ||
	       img_store_preallocate(file, r->file_end, end - r->file_end, r->how->preallocation,
				     err);
}

static bool write_header(struct resizing *r, struct img_err *err)
{
	struct img_store *file = r->vdi->map.file;
	struct vdi_header *hdr = &r->vdi->header;
	uint8_t raw[VDI_DECODE_LEN];
	size_t len;

	/* Images that stand on this one see that it is not the same any more. */
	if ((!r->vdi->disk->marked && !img_uuid_make(&hdr->modified, err)) ||
	    !img_store_read_some(file, 0, raw, sizeof(raw), &len, err))
		return false;
	hdr->n_allocated = r->end;
	vdi_header_resize(hdr, raw, len);
	return img_store_write(file, 0, raw, len, err);
}

/* What is known of the file is found out anew. */
static bool start_again(struct vdi *vdi, struct img_err *err)
{
	uint64_t file_end;

	if (!img_store_size(vdi->map.file, &file_end, err))
		return false;
	vdi->map.file_size = file_end;
	vdi_disk_free(vdi->disk);
	vdi->disk = NULL;
	if (!vdi_disk_start(vdi, err))
		return false;
	vdi->disk->marked = true;
	return true;
}

static bool change_file(struct resizing *r, struct img_err *err)
{
	struct vdi *vdi = r->vdi;

	count_blocks(r);
	mark_used(r);
	return move_blocks(r, err) && vdi_map_resize(&vdi->map, r->old.n_blocks, err) &&
	       add_blocks(r, err) && set_length(r, err) && vdi_map_write(&vdi->map, err) &&
	       write_header(r, err) && start_again(vdi, err);
}

/* ---- The block in which the disk ends, or ended ------------------------------------------------- */

static bool clean_tail(struct img_layer *ly, const struct resizing *r, struct img_err *err)
{
	const struct vdi_header *hdr = &r->vdi->header;
	const uint64_t end = img_min_u64(r->old.size, hdr->size);
	const uint32_t index = (uint32_t)(end / hdr->block_size);
	const uint32_t skip = (uint32_t)(end % hdr->block_size);
	bool freed;

	if (!skip)
		return true;
	const uint32_t entry = *entry_of(r, index);

	if (entry < VDI_ENTRY_ZERO)
		return img_store_zero(ly->store, vdi_host(hdr, entry) + skip, hdr->block_size - skip,
				      hdr->type == VDI_TYPE_FIXED, err);
	/* What lies below may be longer. */
	return hdr->size == end ||
	       (vdi_disk_zero(ly, end, vdi_block_len(hdr, index) - skip, true, err) &&
		vdi_disk_flush(ly, &freed, err));
}

bool vdi_resize(struct img_layer *ly, const struct img_layer_resize *how, struct img_err *err)
{
	struct vdi *vdi = ly->priv;
	struct resizing r = { .vdi = vdi, .how = how, .old = vdi->header };
	const bool ok = check_wish(&vdi->header, how, err) && plan(&r, err) &&
			change_file(&r, err) && clean_tail(ly, &r, err);

	free(r.used);
	if (ok)
		ly->size = how->size;
	return ok;
}
