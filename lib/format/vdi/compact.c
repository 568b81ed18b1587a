/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A shorter file for the same disk: blocks of zeros lose their places, and the last ones move there.
 * Between rounds there are no more gaps than before, as resize.c says why.  Where the disk
 * stays what it was, its UUID does, by which images that stand on it know it.
 */
#include "base/num.h"
#include "format/slots.h"
#include "format/vdi/disk.h"

struct compacting {
	struct vdi *vdi;
	const struct img_layer_compact *how;
	struct img_slots slots;
};

static uint32_t entry_at(const struct vdi *vdi, uint32_t index)
{
	return vdi->map.pieces[index / VDI_PIECE_ENTRIES][index % VDI_PIECE_ENTRIES];
}

/* What the map has behind the end of the disk nobody can see. */
static bool is_hollow(const struct compacting *c, uint32_t index)
{
	const struct vdi_header *hdr = &c->vdi->header;

	return index >= vdi_blocks_used(hdr) ||
	       img_slots_hollow(c->how->hollow, (uint64_t)index * hdr->block_size,
				vdi_block_len(hdr, index));
}

static bool draw(struct compacting *c, struct img_err *err)
{
	if (!img_slots_start(&c->slots, c->vdi->disk->end, err))
		return false;
	for (uint32_t i = 0; i < c->vdi->header.n_blocks; i++) {
		const uint32_t entry = entry_at(c->vdi, i);

		if (entry < VDI_ENTRY_ZERO)
			img_slots_put(&c->slots, entry, i, is_hollow(c, i));
	}
	return true;
}

static bool drop(void *ctx, uint64_t index, struct img_err *err)
{
	const struct compacting *c = ctx;

	(void)err;
	vdi_disk_set(c->vdi, (uint32_t)index,
		     vdi_has_parent(&c->vdi->header) ? VDI_ENTRY_ZERO : VDI_ENTRY_FREE);
	return true;
}

static bool move(void *ctx, uint64_t index, uint64_t from, uint64_t to, struct img_err *err)
{
	const struct compacting *c = ctx;
	const struct vdi_header *hdr = &c->vdi->header;
	const uint64_t stride = vdi_stride(hdr);

	vdi_disk_set(c->vdi, (uint32_t)index, (uint32_t)to);
	return img_move(c->vdi->map.file, hdr->data_off + to * stride, hdr->data_off + from * stride,
			stride, c->how->job, err);
}

static uint64_t end_of(const struct compacting *c, uint64_t n)
{
	return c->vdi->header.data_off + n * vdi_stride(&c->vdi->header);
}

static bool carry_out(struct compacting *c, struct img_layer *ly, const struct img_slots_plan *plan,
		      struct img_err *err)
{
	struct vdi_disk *disk = c->vdi->disk;
	const struct img_slots_ops ops = { .drop = drop, .move = move, .ctx = c };
	bool freed;

	disk->marked = !c->how->changes;
	if (!img_slots_carry_out(&c->slots, plan, &ops, err))
		return false;
	disk->end = (uint32_t)plan->end;
	return img_store_resize(ly->store, end_of(c, plan->end), err) &&
	       vdi_disk_flush(ly, &freed, err);
}

/* Bytes of the map, which is written in granules, and of those that change. */
static void count_tables(const struct compacting *c, const struct img_slots_plan *whole,
			 struct img_layer_compacted *out)
{
	out->tables = img_round_up(c->vdi->disk->map.len, IMG_GRANULE);
	out->follow = img_min_u64(out->tables, img_slots_changed(&c->slots, whole) * IMG_GRANULE);
}

static bool compact(struct compacting *c, struct img_layer *ly, struct img_layer_compacted *out,
		    struct img_err *err)
{
	const uint64_t stride = vdi_stride(&c->vdi->header);
	const struct img_slots_plan whole = img_slots_plan(&c->slots, UINT64_MAX);
	struct img_slots_plan now = { .end = c->slots.n };

	if (c->how->room) {
		now = img_slots_plan(&c->slots, img_max_u64(c->how->room / stride, 1));
		if (!carry_out(c, ly, &now, err))
			return false;
	}
	*out = (struct img_layer_compacted){
		.moved = now.moves * stride, .left = (whole.moves - now.moves) * stride,
		.end = end_of(c, whole.end),
	};
	count_tables(c, &whole, out);
	return true;
}

bool vdi_compact(struct img_layer *ly, const struct img_layer_compact *how,
		 struct img_layer_compacted *out, struct img_err *err)
{
	struct compacting c = { .vdi = ly->priv, .how = how };
	bool ok;

	if (c.vdi->header.type == VDI_TYPE_FIXED)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("a static VDI image has a place for each block, and keeps it"));
	ok = draw(&c, err) && compact(&c, ly, out, err);
	img_slots_clear(&c.slots);
	return ok;
}
