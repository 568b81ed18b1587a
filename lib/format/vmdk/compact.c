/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shorter files for the same disk: grains of zeros lose their places, and the last ones move there.
 * Directories and tables stay where they are.  A part that is flat has fixed places: its zeros become
 * holes of the file.
 */
#include "base/num.h"
#include "format/slots.h"
#include "format/vmdk/disk.h"
#include "format/vmdk/resize.h"

/* A file of grains; slots are as long as one, from that number of bytes on. */
struct compacting {
	struct img_layer *ly;
	struct vmdk_part *part;
	const struct img_layer_compact *how;
	uint64_t room;			/* bytes that may still be moved */
	uint64_t base;
	struct img_slots slots;
};

static const struct vmdk_header *header_of(const struct compacting *c)
{
	return &c->part->sparse.hdr;
}

/* ---- What lies where ----------------------------------------------------------------------------- */

/* Tables, and grains that lie askew, keep all slots that they touch. */
static void pin(struct compacting *c, uint64_t host, uint64_t len)
{
	const uint64_t grain = header_of(c)->grain, end = host + len;

	for (uint64_t at = img_max_u64(host, c->base); at < end;
	     at = c->base + ((at - c->base) / grain + 1) * grain)
		if ((at - c->base) / grain < c->slots.n)
			img_slots_put(&c->slots, (at - c->base) / grain, IMG_SLOT_PINNED, false);
}

static void pin_tables(struct compacting *c)
{
	const struct vmdk_sparse *sp = &c->part->sparse;
	const struct vmdk_header *hdr = &sp->hdr;

	pin(c, 0, VMDK_SECTOR);
	pin(c, hdr->desc_at, hdr->desc_len);
	pin(c, hdr->gd_at, hdr->n_gd * sizeof(uint32_t));
	if (sp->rgd)
		pin(c, hdr->rgd_at, hdr->n_gd * sizeof(uint32_t));
	for (uint64_t i = 0; i < hdr->n_gd; i++) {
		const struct vmdk_entry first = vmdk_sparse_table(sp, false, i);
		const struct vmdk_entry second = vmdk_sparse_table(sp, true, i);

		if (first.kind == VMDK_ENTRY_PLACE)
			pin(c, first.host, vmdk_table_len(hdr, i));
		if (sp->rgd && second.kind == VMDK_ENTRY_PLACE)
			pin(c, second.host, vmdk_table_len(hdr, i));
	}
}

/* What shows nothing must not show what lies below. */
static bool can_drop(const struct compacting *c)
{
	return !c->ly->below || header_of(c)->flags & VMDK_FLAG_ZERO_GRAIN;
}

static bool is_hollow(const struct compacting *c, uint64_t grain)
{
	const struct vmdk_header *hdr = header_of(c);
	const uint64_t at = grain * hdr->grain;

	return can_drop(c) && at < c->part->len &&
	       img_slots_hollow(c->how->hollow, c->part->start + at,
				img_min_u64(hdr->grain, c->part->len - at));
}

static void draw_grain(struct compacting *c, uint64_t grain)
{
	const struct vmdk_header *hdr = header_of(c);
	const struct vmdk_entry entry =
		vmdk_grain_entry(hdr, vmdk_live_get(c->part->sparse.live, hdr->gt_entries, grain));

	if (entry.kind != VMDK_ENTRY_PLACE)
		return;
	if (entry.host < c->base || (entry.host - c->base) % hdr->grain)
		pin(c, entry.host, hdr->grain);
	else
		img_slots_put(&c->slots, (entry.host - c->base) / hdr->grain, grain,
			      is_hollow(c, grain));
}

static bool draw(struct compacting *c, struct img_err *err)
{
	const struct vmdk_header *hdr = header_of(c);
	const struct vmdk_live *live = c->part->sparse.live;
	const uint64_t n_grains = img_div_up(hdr->capacity, hdr->grain);

	c->base = hdr->overhead % hdr->grain;
	if (!img_slots_start(&c->slots, img_div_up(live->end - c->base, hdr->grain), err))
		return false;
	for (uint64_t grain = 0; grain < n_grains; grain++) {
		if (live->tables[grain / hdr->gt_entries])
			draw_grain(c, grain);
		else
			grain += hdr->gt_entries - 1 - grain % hdr->gt_entries;
	}
	pin_tables(c);
	return true;
}

/* ---- What changes -------------------------------------------------------------------------------- */

static void set(const struct compacting *c, uint64_t grain, uint32_t entry)
{
	vmdk_live_set(c->part->sparse.live, header_of(c)->gt_entries, grain, entry);
}

static bool drop(void *ctx, uint64_t grain, struct img_err *err)
{
	const struct compacting *c = ctx;

	(void)err;
	set(c, grain, c->ly->below ? VMDK_ENTRY_ZERO : 0);
	return true;
}

static bool move(void *ctx, uint64_t unit, uint64_t from, uint64_t to, struct img_err *err)
{
	const struct compacting *c = ctx;
	const uint64_t grain = header_of(c)->grain, host = c->base + to * grain;

	set(c, unit, (uint32_t)(host / VMDK_SECTOR));
	return img_move(c->part->file, host, c->base + from * grain, grain, c->how->job, err);
}

static uint64_t end_of(const struct compacting *c, uint64_t slots)
{
	return c->base + slots * header_of(c)->grain;
}

static bool carry_out(struct compacting *c, const struct img_slots_plan *plan, struct img_err *err)
{
	struct vmdk_live *live = c->part->sparse.live;
	const struct img_slots_ops ops = { .drop = drop, .move = move, .ctx = c };

	vmdk_disk_touch(c->ly->priv, c->part);
	if (!img_slots_carry_out(&c->slots, plan, &ops, err))
		return false;
	live->end = end_of(c, plan->end);
	return img_store_resize(c->part->file, live->end, err);
}

/* ---- Parts --------------------------------------------------------------------------------------- */

/* Adds the bytes of tables, and of those that change, each in a block of its own. */
static void count_tables(const struct compacting *c, const struct img_slots_plan *whole,
			 struct img_layer_compacted *out)
{
	const struct vmdk_sparse *sp = &c->part->sparse;
	const uint64_t len = img_max_u64(sp->hdr.gt_entries * sizeof(uint32_t), IMG_FS_BLOCK) *
			     (sp->rgd ? 2 : 1);
	uint64_t n = 0;

	for (size_t i = 0; i < sp->live->n; i++)
		n += sp->live->tables[i] != NULL;
	out->tables += n * len;
	out->follow += img_min_u64(n, img_slots_changed(&c->slots, whole)) * len;
}

static bool compact_grains(struct compacting *c, struct img_layer_compacted *out,
			   struct img_err *err)
{
	const uint64_t grain = header_of(c)->grain;
	const struct img_slots_plan whole = img_slots_plan(&c->slots, UINT64_MAX);
	struct img_slots_plan now = { .end = c->slots.n };

	if (c->how->room) {
		now = img_slots_plan(&c->slots, c->room / grain);
		if (!carry_out(c, &now, err))
			return false;
	}
	c->room -= now.moves * grain;
	out->moved += now.moves * grain;
	out->left += (whole.moves - now.moves) * grain;
	out->end += end_of(c, whole.end);
	count_tables(c, &whole, out);
	return true;
}

/* All of the part that is hollow, when something may be changed at all. */
static bool punch(const struct compacting *c, struct img_err *err)
{
	const struct vmdk_part *part = c->part;
	uint64_t at = part->start, end = part->start + part->len;
	struct img_stretch gap;

	while (c->how->room && at < end) {
		const bool more = img_rangeset_gap(c->how->hollow, at, end, &gap);
		const uint64_t stop = more ? gap.start : end;

		if (stop > at) {
			vmdk_disk_touch(c->ly->priv, part);
			if (!img_store_zero(part->file, part->at + (at - part->start), stop - at,
					    false, err))
				return false;
		}
		at = more ? gap.end : end;
	}
	return true;
}

static bool compact_part(struct compacting *c, struct img_layer_compacted *out, struct img_err *err)
{
	bool ok;

	if (c->part->type != VMDK_EXTENT_SPARSE) {
		out->end += c->part->len;
		return punch(c, err);
	}
	ok = draw(c, err) && compact_grains(c, out, err);
	img_slots_clear(&c->slots);
	return ok;
}

/* The descriptor may be a file of its own. */
static bool add_descriptor(const struct vmdk *v, struct img_store *own,
			   struct img_layer_compacted *out, struct img_err *err)
{
	uint64_t size;

	if (v->n_files < v->n_parts)
		return true;
	if (!img_store_size(own, &size, err))
		return false;
	out->end += size;
	return true;
}

bool vmdk_compact(struct img_layer *ly, const struct img_layer_compact *how,
		  struct img_layer_compacted *out, struct img_err *err)
{
	struct vmdk *v = ly->priv;
	struct img_layer_compacted done = { 0 };
	struct compacting c = { .ly = ly, .how = how, .room = how->room };
	bool freed;

	if (!how->changes)
		vmdk_disk_mark_same(v);
	else if (!vmdk_disk_mark(v, ly->store, err))
		return false;
	for (size_t i = 0; i < v->n_parts; i++) {
		c.part = &v->parts[i];
		if (c.room)
			c.room = img_max_u64(c.room, c.part->sparse.hdr.grain);
		if (!compact_part(&c, &done, err))
			return c.part->name ? img_within(err, _("extent \"%s\""), c.part->name)
					    : false;
	}
	if (!add_descriptor(v, ly->store, &done, err))
		return false;
	*out = done;
	return vmdk_disk_flush(ly, &freed, err);
}
