/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the descriptor to open files. */
#include <inttypes.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/disk.h"
#include "format/vmdk/new.h"

/* ---- The descriptor -------------------------------------------------------------------------- */

static bool read_text(struct img_store *file, uint64_t at, uint64_t len,
		      struct vmdk_descriptor *out, struct img_err *err)
{
	const size_t wanted = img_min_u64(len, VMDK_DESCRIPTOR_MAX);
	IMG_AUTO_FREE uint8_t *text = img_alloc_aligned(wanted, err);
	size_t got;

	if (!text || !img_store_read_some(file, at, text, wanted, &got, err))
		return false;
	/* Inside a file of grains it has a room of its own. */
	if (at && got < wanted)
		return img_fail(err, IMG_E_INCOMPLETE, _("the file ends inside its descriptor"));
	return vmdk_descriptor_parse(text, got, out, err) || img_within(err, _("descriptor"));
}

static bool read_descriptor(struct vmdk *v, struct img_store *file, uint64_t at, uint64_t len,
			    struct img_err *err)
{
	v->has_desc = true;
	v->desc_at = at;
	v->desc_len = img_min_u64(len, VMDK_DESCRIPTOR_MAX);
	return read_text(file, at, v->desc_len, &v->desc, err);
}

bool vmdk_descriptor_of(struct img_store *own, struct vmdk_descriptor *out, struct img_err *err)
{
	uint8_t head[IMG_PEEK_BYTES];
	struct vmdk_header hdr;
	size_t got;

	*out = (struct vmdk_descriptor){ 0 };
	if (!img_store_read_some(own, 0, head, sizeof(head), &got, err))
		return false;
	if (vmdk_is_descriptor(head, got))
		return read_text(own, 0, VMDK_DESCRIPTOR_MAX, out, err);
	if (!vmdk_header_decode(head, got, &hdr, err))
		return false;
	if (!hdr.desc_len)
		return img_fail(err, IMG_E_CORRUPT, _("the image has no descriptor"));
	return read_text(own, hdr.desc_at, hdr.desc_len, out, err);
}

/* ---- Parts ----------------------------------------------------------------------------------- */

/* The directories of all files are in memory; thousands of large ones are an attack. */
static bool check_memory(const struct vmdk *v, struct img_err *err)
{
	uint64_t entries = 0;

	for (size_t i = 0; i < v->n_parts; i++)
		entries += v->parts[i].sparse.n_gd + v->parts[i].sparse.n_rgd;
	return entries <= 2 * VMDK_GD_ENTRIES_MAX ||
	       img_fail(err, IMG_E_RANGE, _("the grain directories of the extents have more than %d "
			"entries"), 2 * VMDK_GD_ENTRIES_MAX);
}

static bool open_file(struct vmdk *v, struct vmdk_part *part, const struct img_opener *opener,
		      struct img_err *err)
{
	const struct img_reference ref = { .kind = IMG_REF_EXTENT, .name = part->name };

	if (!opener)
		return img_fail(err, IMG_E_DENIED, _("the file \"%s\" may not be opened"),
				part->name);
	if (!opener->open(opener, &ref, &part->file, err))
		return false;
	part->own_file = true;
	v->files[v->n_files++] = part->file;
	return true;
}

static bool open_sparse(struct vmdk *v, struct vmdk_part *part, struct img_err *err)
{
	if (v->once && (part->file->caps & IMG_STORE_COMING) &&
	    !vmdk_coming_open(&part->sparse, part->file, v->tables, &v->pass, err))
		return false;
	if (v->pass == IMG_PASS_TOLD)
		return true;
	if (v->pass == IMG_PASS_NONE &&
	    !vmdk_sparse_open(&part->sparse, part->file, v->tables, err))
		return false;
	vmdk_sparse_compare(&part->sparse);
	return true;
}

static bool open_content(struct vmdk *v, struct vmdk_part *part, struct img_err *err)
{
	if (part->type == VMDK_EXTENT_FLAT)
		return img_store_size(part->file, &part->file_size, err);
	return open_sparse(v, part, err) && check_memory(v, err);
}

static bool open_part(struct vmdk *v, const struct vmdk_extent_line *line,
		      const struct img_opener *opener, struct img_err *err)
{
	struct vmdk_part *part = &v->parts[v->n_parts];
	const struct vmdk_part *before = v->n_parts ? part - 1 : NULL;

	*part = (struct vmdk_part){
		.type = line->type, .start = before ? before->start + before->len : 0,
		.len = line->len, .name = line->name, .at = line->at,
	};
	v->n_parts++;
	if (part->type == VMDK_EXTENT_ZERO)
		return true;
	return (open_file(v, part, opener, err) && open_content(v, part, err)) ||
	       img_within(err, _("extent \"%s\""), part->name);
}

static bool open_named_parts(struct vmdk *v, const struct img_opener *opener, struct img_err *err)
{
	v->parts = img_calloc(v->desc.n_extents, sizeof(*v->parts), err);
	v->files = v->parts ? img_calloc(v->desc.n_extents, sizeof(*v->files), err) : NULL;
	if (!v->files)
		return false;
	for (size_t i = 0; i < v->desc.n_extents; i++)
		if (!open_part(v, &v->desc.extents[i], opener, err))
			return false;
	return true;
}

/* ---- The image's own file -------------------------------------------------------------------- */

/* A file of grains, with or without a descriptor inside. */
static bool open_grains(struct vmdk *v, struct img_store *own, const struct img_opener *opener,
			struct img_err *err)
{
	struct vmdk_part *part = v->parts = img_calloc(1, sizeof(*part), err);
	bool bare;

	if (!part)
		return false;
	part->type = VMDK_EXTENT_SPARSE;
	part->file = own;
	if (!open_sparse(v, part, err))
		return false;
	v->n_parts = 1;
	part->len = part->sparse.hdr.capacity;
	if (!vmdk_is_bare(own, &part->sparse.hdr, &bare, err))
		return false;
	if (bare || !part->sparse.hdr.desc_len)
		return true;
	if (!read_descriptor(v, own, part->sparse.hdr.desc_at, part->sparse.hdr.desc_len, err))
		return false;
	if (part->len)
		return true;
	/* A file that holds nothing but the descriptor. */
	vmdk_sparse_clear(&part->sparse);
	free(v->parts);
	v->parts = NULL;
	v->n_parts = 0;
	return open_named_parts(v, opener, err);
}

bool vmdk_make_decoders(struct vmdk *v, struct img_err *err)
{
	uint64_t grain = 0;

	for (size_t i = 0; i < v->n_parts; i++)
		if (v->parts[i].sparse.hdr.compressed)
			grain = img_max_u64(grain, v->parts[i].sparse.hdr.grain);
	if (!grain)
		return true;
	v->decoders = img_codec_pool_new(&img_codec_zlib, img_codec_zlib.level_default, grain, err);
	return v->decoders;
}

bool vmdk_open_parts(struct vmdk *v, struct img_store *own, const struct img_opener *opener,
		     struct img_err *err)
{
	uint8_t head[IMG_PEEK_BYTES];
	size_t got;

	if (!img_store_read_some(own, 0, head, sizeof(head), &got, err))
		return false;
	if (vmdk_kind_of(head, got) != VMDK_KIND_NONE)
		return open_grains(v, own, opener, err);
	if (!vmdk_is_descriptor(head, got))
		return img_fail(err, IMG_E_NOT_THIS_FORMAT, _("this is no VMDK image"));
	return read_descriptor(v, own, 0, VMDK_DESCRIPTOR_MAX, err) &&
	       open_named_parts(v, opener, err);
}

bool vmdk_settle(struct vmdk *v, struct img_err *err)
{
	vmdk_sparse_clear(&v->parts[0].sparse);
	v->once = false;
	v->pass = IMG_PASS_NONE;
	return open_sparse(v, &v->parts[0], err) && check_memory(v, err);
}

void vmdk_free(struct vmdk *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->n_parts; i++) {
		vmdk_sparse_clear(&v->parts[i].sparse);
		if (v->parts[i].own_file)
			img_store_close(v->parts[i].file);
		img_store_close(v->parts[i].beneath);
	}
	free(v->parts);
	free(v->files);
	img_codec_pool_free(v->decoders);
	vmdk_tables_free(v->tables);
	vmdk_descriptor_clear(&v->desc);
	vmdk_new_free(v->fresh);
	vmdk_disk_free(v->disk);
	free(v);
}

struct vmdk_part *vmdk_part_at(const struct vmdk *v, uint64_t at)
{
	size_t low = 0, high = v->n_parts;

	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;

		if (v->parts[middle].start <= at)
			low = middle;
		else
			high = middle;
	}
	return &v->parts[low];
}
