/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* New images whose files hold grains: one, or many for 2 GB of the disk each. */
#include <assert.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/new.h"
#include "format/vmdk/sparse_new.h"

enum { DESCRIPTOR_ROOM = 20 * VMDK_SECTOR };	/* as VMware and QEMU have it */

struct grains {
	struct vmdk_sparse_new *v;	/* one for each part of the image; owned */
	size_t n;
	bool hides;			/* zeros must be said: there is an image below */
};

static void free_grains(void *own)
{
	struct grains *grains = own;

	if (!grains)
		return;
	for (size_t i = 0; i < grains->n; i++)
		vmdk_sparse_new_clear(&grains->v[i]);
	free(grains->v);
	free(grains);
}

/* ---- The start ------------------------------------------------------------------------------- */

/* All grains get their places, and the file as much space as was asked for. */
static bool preallocate(const struct vmdk *v, struct vmdk_sparse_new *sp, struct img_err *err)
{
	const enum vmdk_preallocation how = v->fresh->preallocation;

	return !how || (vmdk_sparse_new_place_all(sp, err) &&
			vmdk_part_preallocate(sp->file, 0, sp->next, how, err));
}

static bool check_preallocation(const struct vmdk *v, const struct img_layer_create *what,
				struct img_err *err)
{
	if (!v->fresh->preallocation)
		return true;
	if (what->backing)
		return img_fail(err, IMG_E_ARGUMENT, _("preallocation would hide the backing file"));
	return what->size != IMG_SIZE_UNKNOWN ||
	       img_fail(err, IMG_E_ARGUMENT,
			_("preallocation needs a disk whose size is known beforehand"));
}

static bool start_files(const struct vmdk *v, const struct img_layer_create *what,
			struct grains *grains, struct img_err *err)
{
	grains->hides = what->backing;
	grains->v = img_calloc(v->n_parts, sizeof(*grains->v), err);
	if (!grains->v)
		return false;
	while (grains->n < v->n_parts) {
		const struct vmdk_part *part = &v->parts[grains->n];
		struct vmdk_sparse_new *sp = &grains->v[grains->n++];

		*sp = (struct vmdk_sparse_new){
			.file = part->file, .zeroed_grain = v->fresh->zeroed_grain,
			.fresh = (part->file->caps & IMG_STORE_FRESH) || what->reads_as_zero,
			.hdr.capacity = part->len,
		};
		if (!vmdk_sparse_new_start(sp, part->own_file ? 0 : DESCRIPTOR_ROOM, err) ||
		    !preallocate(v, sp, err))
			return false;
	}
	return true;
}

static bool start(struct img_layer *ly, const struct img_layer_create *what,
		  const struct vmdk_layout *layout, struct img_err *err)
{
	struct vmdk *v = ly->priv;
	struct grains *grains = v->fresh->own = img_calloc(1, sizeof(*grains), err);

	if (!grains || !check_preallocation(v, what, err) || !vmdk_parts_make(ly, what, layout, err) ||
	    !start_files(v, what, grains, err))
		return false;
	ly->unit = (uint32_t)grains->v[0].hdr.grain;
	ly->reads_as_zero = !what->backing;
	ly->takes_plain = !layout->split;
	return true;
}

static bool start_monolithic(struct img_layer *ly, const struct img_layer_create *what,
			     struct img_err *err)
{
	static const struct vmdk_layout layout = { .type = VMDK_EXTENT_SPARSE };

	return start(ly, what, &layout, err);
}

static bool start_split(struct img_layer *ly, const struct img_layer_create *what,
			struct img_err *err)
{
	static const struct vmdk_layout layout = { VMDK_EXTENT_SPARSE, "-s", true };

	return start(ly, what, &layout, err);
}

/* ---- Grains ---------------------------------------------------------------------------------- */

/* The file that guest byte `at` goes to; *start: of its part of the disk, *end: behind that. */
static struct vmdk_sparse_new *file_at(const struct vmdk *v, uint64_t at, uint64_t *start,
				       uint64_t *end)
{
	const struct vmdk_part *part = vmdk_part_at(v, at);
	const struct grains *grains = v->fresh->own;

	*start = part->start;
	*end = part->len == IMG_SIZE_UNKNOWN ? IMG_SIZE_UNKNOWN : part->start + part->len;
	return &grains->v[part - v->parts];
}

static bool reserve(struct img_layer *ly, struct img_slot *slots, size_t n, struct img_err *err)
{
	uint64_t start, end;

	for (size_t i = 0; i < n; i++) {
		struct vmdk_sparse_new *sp = file_at(ly->priv, slots[i].at, &start, &end);

		assert(slots[i].at + slots[i].len <= end);	/* see VMDK_SPLIT */
		if (!vmdk_sparse_new_take(sp, slots[i].at - start, slots[i].len, &slots[i].host, err))
			return false;
		slots[i].store = sp->file;
		if (!sp->first)
			img_store_expect(sp->file, slots[i].host + slots[i].len);
	}
	return true;
}

static bool publish(struct img_layer *ly, const struct img_slot *slots, size_t n,
		    struct img_err *err)
{
	uint64_t start, end;

	for (size_t i = 0; i < n; i++) {
		struct vmdk_sparse_new *sp = file_at(ly->priv, slots[i].at, &start, &end);

		if (!vmdk_sparse_new_map(sp, slots[i].at - start, slots[i].len, slots[i].host, err))
			return false;
	}
	return true;
}

static bool zero(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	const struct vmdk *v = ly->priv;
	const uint64_t limit = at + len;
	uint64_t start, end;

	if (!((const struct grains *)v->fresh->own)->hides)
		return true;
	for (; at < limit; at = end) {
		struct vmdk_sparse_new *sp = file_at(v, at, &start, &end);

		end = img_min_u64(end, limit);
		if (!vmdk_sparse_new_zero(sp, at - start, end - at, err))
			return false;
	}
	return true;
}

/* ---- The end --------------------------------------------------------------------------------- */

/* One file holds its descriptor; several have it beside them. */
static bool finish(struct img_layer *ly, struct img_err *err)
{
	const struct vmdk *v = ly->priv;
	const struct grains *grains = v->fresh->own;
	const bool inside = !v->parts[0].own_file;
	IMG_AUTO_FREE char *text = NULL;
	size_t len = 0;

	if (!vmdk_parts_settle(ly, err) ||
	    (inside && !vmdk_descriptor_text(&v->desc, &text, &len, err)))
		return false;
	for (size_t i = 0; i < grains->n; i++) {
		grains->v[i].hdr.capacity = v->parts[i].len;
		if (!vmdk_sparse_new_finish(&grains->v[i], text, len, err))
			return false;
	}
	return inside || vmdk_descriptor_store(ly, err);
}

static const struct img_write_ops grains_write_ops = {
	.reserve = reserve,
	.publish = publish,
	.zero = zero,
	.finish = finish,
};

const struct vmdk_subformat vmdk_monolithic_sparse = {
	.create_type = "monolithicSparse",
	.start = start_monolithic,
	.write = &grains_write_ops,
	.free = free_grains,
};

const struct vmdk_subformat vmdk_split_sparse = {
	.create_type = "twoGbMaxExtentSparse",
	.start = start_split,
	.write = &grains_write_ops,
	.free = free_grains,
};
