/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VMDK driver: probing, opening, and which part of the disk answers. */
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/disk.h"
#include "format/vmdk/new.h"
#include "format/vmdk/resize.h"
#include "format/vmdk/salvage.h"
#include "format/vmdk/told.h"

static int vmdk_probe(const struct img_peek *peek)
{
	if (vmdk_kind_of(peek->head, peek->head_len) != VMDK_KIND_NONE)
		return 100;
	return vmdk_is_descriptor(peek->head, peek->head_len) ? 100 : 0;
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* What the image stands on, for the layer's owner. */
static bool tell_parent(const struct vmdk *v, struct img_layer *ly, unsigned flags,
			struct img_err *err)
{
	if (!v->has_desc || v->desc.parent_cid == VMDK_NO_PARENT)
		return true;
	if (!v->desc.parent)
		return (flags & IMG_OPEN_NO_BACKING) ||
		       img_fail(err, IMG_E_CORRUPT,
				_("the image stands on another one, but does not name it"));
	ly->backing_format = img_strdup("vmdk", err);
	ly->backing = ly->backing_format ? img_strdup(v->desc.parent, err) : NULL;
	if (ly->backing)
		return true;
	free(ly->backing_format);
	ly->backing_format = NULL;
	return false;
}

static void set_size(const struct vmdk *v, struct img_layer *ly)
{
	const struct vmdk_part *last = &v->parts[v->n_parts - 1];

	ly->size = last->start + last->len;
	ly->unit = VMDK_SECTOR;
	for (size_t i = 0; i < v->n_parts; i++)
		if (v->parts[i].type == VMDK_EXTENT_SPARSE)
			ly->unit = img_max_u64(ly->unit, v->parts[i].sparse.hdr.grain);
}

bool vmdk_open_finish(struct vmdk *v, struct img_layer *ly, const struct img_layer_open *how,
		      struct img_err *err)
{
	if (!vmdk_make_decoders(v, err) || !tell_parent(v, ly, how->flags, err))
		return false;
	set_size(v, ly);
	ly->priv = v;
	return true;
}

static bool vmdk_open(struct img_layer *ly, const struct img_layer_open *how, struct img_err *err)
{
	struct vmdk *v;

	if (how->snapshot)
		return img_fail(err, IMG_E_UNSUPPORTED, _("vmdk images have no snapshots inside"));
	v = img_calloc(1, sizeof(*v), err);
	if (!v)
		return false;
	v->once = how->flags & IMG_OPEN_ONCE;
	v->tables = vmdk_tables_new(how->cache_size, err);
	if (!v->tables || !vmdk_open_parts(v, ly->store, how->opener, err) ||
	    ((how->flags & IMG_OPEN_WRITE) && !vmdk_disk_start(v, err)) ||
	    !vmdk_open_finish(v, ly, how, err)) {
		vmdk_free(v);
		return false;
	}
	ly->data_files = v->files;
	ly->n_data_files = v->n_files;
	ly->pass = v->pass;
	return true;
}

static void vmdk_close(struct img_layer *ly)
{
	vmdk_free(ly->priv);
	ly->priv = NULL;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void lose(uint64_t at, uint64_t limit, const struct img_finding_kind *why,
		 enum img_code loss, struct img_extent *out)
{
	*out = (struct img_extent){
		.start = at, .len = limit - at, .kind = IMG_EXTENT_LOST, .loss = loss,
		.why = why->text,
	};
}

/* The three kinds of parts; at and limit count from the start of the part. */

static bool flat_extent(const struct vmdk_part *part, uint64_t at, uint64_t limit,
			struct img_extent *out, struct img_err *err)
{
	const uint64_t have = part->at < part->file_size ? part->file_size - part->at : 0;

	if (at >= have) {
		lose(at, limit, &vmdk_found_flat_cut, IMG_E_INCOMPLETE, out);
		return true;
	}
	limit = img_min_u64(limit, have);
	if (!img_store_extent(part->file, part->at + at, part->at + limit, out, err))
		return false;
	out->start = at;
	return true;
}

static bool sparse_extent(struct vmdk_part *part, uint64_t at, uint64_t limit,
			  struct img_extent *out, struct img_err *err)
{
	const uint64_t capacity = part->sparse.hdr.capacity;

	if (at >= capacity) {
		lose(at, limit, &vmdk_found_header_size, IMG_E_CORRUPT, out);
		return true;
	}
	limit = img_min_u64(limit, capacity);
	if (part->sparse.told)
		return vmdk_told_extent(part->sparse.told, at, limit, out, err);
	return vmdk_sparse_extent(&part->sparse, at, limit, out, err);
}

static bool part_extent(struct vmdk_part *part, uint64_t at, uint64_t limit,
			struct img_extent *out, struct img_err *err)
{
	switch (part->type) {
	case VMDK_EXTENT_FLAT:
		return flat_extent(part, at, limit, out, err);
	case VMDK_EXTENT_SPARSE:
		return sparse_extent(part, at, limit, out, err);
	case VMDK_EXTENT_ZERO:
		break;
	}
	*out = (struct img_extent){ .start = at, .len = limit - at, .kind = IMG_EXTENT_ZERO };
	return true;
}

static bool vmdk_extent(struct img_layer *ly, uint64_t at, uint64_t limit, struct img_extent *out,
			struct img_err *err)
{
	struct vmdk_part *part = vmdk_part_at(ly->priv, at);

	limit = img_min_u64(limit, part->start + part->len);
	if (!part_extent(part, at - part->start, limit - part->start, out, err))
		return false;
	out->start += part->start;
	out->guessed = part->guessed && out->kind != IMG_EXTENT_LOST;
	return true;
}

static bool vmdk_read(struct img_layer *ly, uint64_t at, void *buf, size_t len,
		      struct img_err *err)
{
	struct vmdk *v = ly->priv;
	uint8_t *to = buf;

	while (len) {
		struct vmdk_part *part = vmdk_part_at(v, at);
		const size_t some = img_min_u64(len, part->start + part->len - at);

		if (!vmdk_packed_read(&part->sparse, v->decoders, at - part->start, to, some, err))
			return false;
		at += some;
		to += some;
		len -= some;
	}
	return true;
}

static bool vmdk_packed(struct img_layer *ly, uint64_t at, struct img_packed *out, size_t max,
			size_t *n, struct img_err *err)
{
	struct vmdk_part *part = vmdk_part_at(ly->priv, at);
	struct vmdk_sparse *sp = &part->sparse;
	struct vmdk_packed place;
	bool whole = part->type == VMDK_EXTENT_SPARSE;

	for (*n = 0; *n < max && at - part->start < part->len && whole; at += sp->hdr.grain) {
		if (!vmdk_packed_whole(sp, at - part->start, &place, &whole, err))
			return false;
		if (whole)
			out[(*n)++] = (struct img_packed){
				.at = at, .len = (uint32_t)sp->hdr.grain, .codec = &img_codec_zlib,
				.store = place.store, .host = place.host,
				.stored_len = (uint32_t)place.len,
			};
	}
	return true;
}

/* ---- One pass -------------------------------------------------------------------------------- */

static struct vmdk_told *told_of(const struct img_layer *ly)
{
	return ((const struct vmdk *)ly->priv)->parts[0].sparse.told;
}

static bool vmdk_settle_layer(struct img_layer *ly, struct img_err *err)
{
	return vmdk_settle(ly->priv, err);
}

static bool vmdk_conclude(struct img_layer *ly, struct img_err *err)
{
	return vmdk_told_conclude(told_of(ly), err);
}

static bool vmdk_late(struct img_layer *ly, uint64_t at, struct img_extent *out,
		      struct img_err *err)
{
	(void)err;
	vmdk_told_late(told_of(ly), at, out);
	return true;
}

/* ---- What is odd ----------------------------------------------------------------------------- */

static const char *vmdk_oddity(const struct img_layer *ly)
{
	const struct vmdk *v = ly->priv;

	for (size_t i = 0; i < v->n_parts; i++)
		if (atomic_load_explicit(&v->parts[i].sparse.repaired, memory_order_relaxed))
			return N_("its first grain directory or tables are damaged, and the second "
				  "ones are used");
	return NULL;
}

static const char *vmdk_mismatch(const struct img_layer *ly, const struct img_layer *below)
{
	const struct vmdk *v = ly->priv, *parent = below->priv;

	if (below->format != &img_format_vmdk)
		return N_("it stands on an image of another format, which has no content identifier");
	if (!parent->has_desc || v->desc.parent_cid != parent->desc.cid)
		return N_("the image that it stands on has changed since: another content "
			  "identifier (CID) was expected; if it holds the same as then, \"imgamend -o "
			  "parent_cid=\" makes it the right one");
	return NULL;
}

const struct img_format img_format_vmdk = {
	.name = "vmdk",
	.extensions = "vmdk",
	.caps = IMG_FMT_CREATE | IMG_FMT_BACKING | IMG_FMT_COMPRESS | IMG_FMT_SEQUENTIAL |
		IMG_FMT_RESIZE | IMG_FMT_AMEND_ONCE,
	.create_options = vmdk_create_options,
	.probe = vmdk_probe,
	.is_plain_part = vmdk_is_plain_part,
	.open = vmdk_open,
	.salvage = vmdk_salvage,
	.create = vmdk_create,
	.sequential = vmdk_sequential,
	.close = vmdk_close,
	.extent = vmdk_extent,
	.read = vmdk_read,
	.packed = vmdk_packed,
	.settle = vmdk_settle_layer,
	.conclude = vmdk_conclude,
	.late = vmdk_late,
	.info = vmdk_info,
	.oddity = vmdk_oddity,
	.mismatch = vmdk_mismatch,
	.check = &vmdk_check_ops,
	.write = &vmdk_write_ops,
	.disk = &vmdk_disk_ops,
	.resize = vmdk_resize,
	.compact = vmdk_compact,
	.link = vmdk_link,
	.empty = vmdk_empty,
	.amend_options = vmdk_amend_options,
	.amend = vmdk_amend,
};
