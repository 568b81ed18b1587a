/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing a new image: blocks in the order of the disk, the map and the header at the end. */
#include <inttypes.h>
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "extent/extent.h"
#include "format/vdi/new.h"

enum { GRAIN = 64 << 10 };	/* zeros of this size inside a block are left out */

static uint32_t blocks_of(const struct vdi_header *hdr, const struct img_slot *slot)
{
	return (uint32_t)img_div_up(slot->len, hdr->block_size);
}

/* Only a stream can be longer than what the map was made for. */
static bool check_room(const struct vdi_header *hdr, uint64_t blocks, struct img_err *err)
{
	return blocks <= hdr->n_blocks ||
	       img_fail(err, IMG_E_RANGE, _("the disk is longer than %" PRIu64 " bytes, for which "
			"there is room in the block map"), hdr->size);
}

static bool reserve(struct img_layer *ly, struct img_slot *slots, size_t n, struct img_err *err)
{
	struct vdi *vdi = ly->priv;
	const struct vdi_header *hdr = &vdi->header;

	for (size_t i = 0; i < n; i++) {
		const uint64_t index = slots[i].at / hdr->block_size;
		const uint32_t blocks = blocks_of(hdr, &slots[i]);

		if (!check_room(hdr, index + blocks, err))
			return false;
		slots[i].store = ly->store;
		slots[i].host = vdi_host(hdr, vdi->fresh->placed ? (uint32_t)index
								 : vdi->fresh->next);
		vdi->fresh->next += blocks;
	}
	return true;
}

static bool store(struct img_layer *ly, const struct img_slot *slot, const void *bytes,
		  struct img_err *err)
{
	const struct vdi *vdi = ly->priv;
	const uint8_t *from = bytes;
	size_t run;

	if (!vdi->fresh->fresh)
		return img_store_write(slot->store, slot->host, bytes, slot->len, err);
	for (size_t at = 0; at < slot->len; at += run) {
		bool zero;

		run = img_zero_run(from + at, slot->len - at, GRAIN, &zero);
		if (!zero && !img_store_write(slot->store, slot->host + at, from + at, run, err))
			return false;
	}
	return true;
}

static bool set_entries(struct vdi *vdi, uint64_t at, uint64_t len, uint32_t entry,
			struct img_err *err)
{
	const uint32_t first = (uint32_t)(at / vdi->header.block_size);
	const uint32_t n = (uint32_t)img_div_up(len, vdi->header.block_size);

	if (vdi->fresh->placed)
		return true;	/* at the end, all at once */
	for (uint32_t i = first; i < first + n; i++) {
		_Atomic uint32_t *piece = vdi_map_piece(&vdi->map, i, err);

		if (!piece)
			return false;
		piece[i % VDI_PIECE_ENTRIES] = entry < VDI_ENTRY_ZERO ? entry + (i - first) : entry;
	}
	return true;
}

static bool publish(struct img_layer *ly, const struct img_slot *slots, size_t n,
		    struct img_err *err)
{
	struct vdi *vdi = ly->priv;
	const struct vdi_header *hdr = &vdi->header;

	for (size_t i = 0; i < n; i++) {
		const uint64_t entry = (slots[i].host - hdr->data_off) / hdr->block_size;

		if (!set_entries(vdi, slots[i].at, slots[i].len, (uint32_t)entry, err))
			return false;
	}
	return true;
}

static bool zero(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	struct vdi *vdi = ly->priv;
	const struct vdi_header *hdr = &vdi->header;

	if (vdi->fresh->hides)
		return set_entries(vdi, at, len, VDI_ENTRY_ZERO, err);
	if (!vdi->fresh->placed || vdi->fresh->fresh)
		return true;
	return img_store_zero(ly->store, hdr->data_off + at, len, true, err);
}

/* ---- The end --------------------------------------------------------------------------------- */

/* They follow from the places of the blocks. */
static bool set_placed_entries(struct vdi *vdi, struct img_err *err)
{
	for (uint32_t i = 0; i < vdi->header.n_blocks; i++) {
		_Atomic uint32_t *piece = vdi_map_piece(&vdi->map, i, err);

		if (!piece)
			return false;
		piece[i % VDI_PIECE_ENTRIES] = i;
	}
	return true;
}

static bool set_length(const struct vdi_header *hdr, struct img_store *st, struct img_err *err)
{
	const uint64_t end = hdr->data_off + hdr->n_allocated * vdi_stride(hdr);
	uint64_t length;

	if (!(st->caps & IMG_STORE_RESIZE))
		return true;
	return img_store_size(st, &length, err) &&
	       (length >= end || img_store_resize(st, end, err));
}

static bool finish(struct img_layer *ly, struct img_err *err)
{
	struct vdi *vdi = ly->priv;
	struct vdi_header *hdr = &vdi->header;
	const uint64_t blocks = img_div_up(ly->size, hdr->block_size);
	uint8_t raw[VDI_DECODE_LEN];

	if (!check_room(hdr, blocks, err))
		return false;
	hdr->size = ly->size;
	hdr->n_blocks = (uint32_t)blocks;
	hdr->n_allocated = vdi->fresh->placed ? hdr->n_blocks : vdi->fresh->next;
	vdi_header_encode(hdr, raw);
	if (vdi->fresh->placed && !set_placed_entries(vdi, err))
		return false;
	/* Until the header is there the file is no image. */
	return set_length(hdr, ly->store, err) && vdi_map_write(&vdi->map, err) &&
	       img_store_write(ly->store, 0, raw, sizeof(raw), err);
}

const struct img_write_ops vdi_write_ops = {
	.reserve = reserve,
	.store = store,
	.publish = publish,
	.zero = zero,
	.finish = finish,
};
