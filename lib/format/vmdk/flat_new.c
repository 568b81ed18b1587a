/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* New images whose files hold the disk as it is: one, or many of 2 GB at most. */
#include <assert.h>
#include "base/num.h"
#include "format/vmdk/new.h"

static bool start(struct img_layer *ly, const struct img_layer_create *what,
		  const struct vmdk_layout *layout, struct img_err *err)
{
	const struct vmdk_new *fresh = ((const struct vmdk *)ly->priv)->fresh;

	if (what->backing)
		return img_fail(err, IMG_E_ARGUMENT,
				_("a flat image cannot stand on another one"));
	if (fresh->zeroed_grain)
		return img_fail(err, IMG_E_ARGUMENT,
				_("a flat image has no grains that zeroed_grain could be about"));
	if (fresh->preallocation == VMDK_PREALLOC_METADATA)
		return img_fail(err, IMG_E_ARGUMENT,
				_("a flat image has no tables that could be allocated at once"));
	if (!vmdk_parts_make(ly, what, layout, err))
		return false;
	ly->unit = VMDK_SECTOR;
	ly->reads_as_zero = true;
	ly->takes_plain = !layout->split;
	return true;
}

static bool start_monolithic(struct img_layer *ly, const struct img_layer_create *what,
			     struct img_err *err)
{
	static const struct vmdk_layout layout = { VMDK_EXTENT_FLAT, "-flat", false };

	return start(ly, what, &layout, err);
}

static bool start_split(struct img_layer *ly, const struct img_layer_create *what,
			struct img_err *err)
{
	static const struct vmdk_layout layout = { VMDK_EXTENT_FLAT, "-f", true };

	return start(ly, what, &layout, err);
}

static bool reserve(struct img_layer *ly, struct img_slot *slots, size_t n, struct img_err *err)
{
	(void)err;
	for (size_t i = 0; i < n; i++) {
		const struct vmdk_part *part = vmdk_part_at(ly->priv, slots[i].at);

		assert(slots[i].len <= part->len - (slots[i].at - part->start));	/* see VMDK_SPLIT */
		slots[i].store = part->file;
		slots[i].host = slots[i].at - part->start;
	}
	return true;
}

/* Gives the gap before `at` its space: what is skipped because it reads as zeros. */
static bool cover(const struct vmdk *v, uint64_t at, uint64_t end, struct img_err *err)
{
	struct vmdk_new *fresh = v->fresh;
	uint64_t gap = fresh->covered;

	fresh->covered = end;
	while (fresh->preallocation && gap < at) {
		const struct vmdk_part *part = vmdk_part_at(v, gap);
		const uint64_t len = img_min_u64(at - gap, part->start + part->len - gap);

		if (!vmdk_part_preallocate(part->file, gap - part->start, len, fresh->preallocation,
					   err))
			return false;
		gap += len;
	}
	return true;
}

static bool publish(struct img_layer *ly, const struct img_slot *slots, size_t n,
		    struct img_err *err)
{
	for (size_t i = 0; i < n; i++)
		if (!cover(ly->priv, slots[i].at, slots[i].at + slots[i].len, err))
			return false;
	return true;
}

/* The files are new: a gap, which cover() comes past. */
static bool zero(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	(void)ly;
	(void)at;
	(void)len;
	(void)err;
	return true;
}

static bool finish(struct img_layer *ly, struct img_err *err)
{
	const struct vmdk *v = ly->priv;

	if (!vmdk_parts_settle(ly, err) || !cover(v, ly->size, ly->size, err))
		return false;
	for (size_t i = 0; i < v->n_parts; i++)
		if (!img_store_resize(v->parts[i].file, v->parts[i].len, err))
			return false;
	return vmdk_descriptor_store(ly, err);
}

/* There is nothing beside the parts. */
static void free_own(void *own)
{
	(void)own;
}

static const struct img_write_ops flat_write_ops = {
	.reserve = reserve,
	.publish = publish,
	.zero = zero,
	.finish = finish,
};

const struct vmdk_subformat vmdk_monolithic_flat = {
	.create_type = "monolithicFlat",
	.start = start_monolithic,
	.write = &flat_write_ops,
	.free = free_own,
};

const struct vmdk_subformat vmdk_split_flat = {
	.create_type = "twoGbMaxExtentFlat",
	.start = start_split,
	.write = &flat_write_ops,
	.free = free_own,
};
