/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Another size for the disk: its last part gets longer or shorter; where the disk is split, parts
 * come and go with their files.  The descriptor follows.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/disk.h"
#include "format/vmdk/new.h"
#include "format/vmdk/resize.h"
#include "format/vmdk/sparse_new.h"

static struct vmdk_part *last_part(const struct vmdk *v)
{
	return &v->parts[v->n_parts - 1];
}

/* ---- What is possible ------------------------------------------------------------------------ */

static bool is_split(const struct vmdk *v)
{
	return v->desc.create_type && !strncasecmp(v->desc.create_type, "twoGbMaxExtent",
						   strlen("twoGbMaxExtent"));
}

/* Bytes of each part but the last; others than we have other sizes. */
static uint64_t split_len(const struct vmdk *v)
{
	if (!is_split(v))
		return UINT64_MAX;
	return v->n_parts > 1 ? v->parts[0].len : img_max_u64(VMDK_SPLIT, v->parts[0].len);
}

static bool check_preallocation(enum vmdk_extent_type type, enum img_preallocation how,
				struct img_err *err)
{
	if (type == VMDK_EXTENT_FLAT && how == IMG_PREALLOC_METADATA)
		return img_fail(err, IMG_E_UNSUPPORTED, _("flat VMDK images have no metadata"));
	if (type == VMDK_EXTENT_SPARSE && how >= IMG_PREALLOC_FALLOC)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("only a flat VMDK image has space for what was not written yet"));
	return true;
}

/* Then its end is not the end of the file. */
static bool check_names(const struct vmdk *v, struct img_err *err)
{
	for (size_t i = 0; i < v->desc.n_extents; i++)
		for (size_t k = 0; k < i; k++)
			if (v->desc.extents[i].name && v->desc.extents[k].name &&
			    !strcmp(v->desc.extents[i].name, v->desc.extents[k].name))
				return img_fail(err, IMG_E_UNSUPPORTED,
						_("two extents have the file \"%s\": the image keeps "
						  "its size"), v->desc.extents[i].name);
	return true;
}

static bool check_wish(const struct vmdk *v, const struct img_layer_resize *how,
		       struct img_err *err)
{
	if (!how->size || how->size % VMDK_SECTOR)
		return img_fail(err, IMG_E_RANGE, _("a VMDK image has whole sectors of %" PRIu64
				" bytes, and one at least: %" PRIu64 " bytes are not possible"),
				VMDK_SECTOR, how->size);
	return check_preallocation(last_part(v)->type, how->preallocation, err) &&
	       check_names(v, err);
}

/* ---- One part -------------------------------------------------------------------------------- */

/* What the file has behind the old end is not of the disk. */
static bool resize_flat(struct vmdk_part *part, uint64_t len, const struct img_layer_resize *how,
			struct img_err *err)
{
	if (!img_store_resize(part->file, part->at + img_min_u64(len, part->len), err) ||
	    !img_store_resize(part->file, part->at + len, err))
		return false;
	part->file_size = part->at + len;
	return len <= part->len ||
	       img_store_preallocate(part->file, part->at + part->len, len - part->len,
				     how->preallocation, err);
}

static bool resize_part(struct vmdk *v, uint64_t len, const struct img_layer_resize *how,
			struct img_err *err)
{
	struct vmdk_part *part = last_part(v);
	const bool ok = part->type == VMDK_EXTENT_FLAT
		? resize_flat(part, len, how, err)
		: vmdk_sparse_resize(part, len, how->job, err);

	if (!ok)
		return part->name ? img_within(err, _("extent \"%s\""), part->name) : false;
	if (v->desc.n_extents) {
		v->desc.extents[v->n_parts - 1].len = len;
		v->desc.size += len - part->len;
	}
	part->len = len;
	return true;
}

/* ---- Parts that come and go ------------------------------------------------------------------ */

/* "disk-s009.vmdk" follows "disk-s008.vmdk", which may lack its end.  Owned by the caller. */
static char *next_name(const char *name, struct img_err *err)
{
	const size_t extension = strlen(".vmdk"), len = strlen(name);
	size_t digits = 0, end = len;

	if (len > extension && !strcasecmp(name + len - extension, ".vmdk"))
		end -= extension;
	while (digits < end && isdigit((unsigned char)name[end - digits - 1]))
		digits++;
	if (!digits || digits > 9) {
		img_fail(err, IMG_E_UNSUPPORTED, _("what file comes behind \"%s\" is not clear"), name);
		return NULL;
	}
	return img_format_text(err, "%.*s%0*lu%s", (int)(end - digits), name, (int)digits,
			       strtoul(name + end - digits, NULL, 10) + 1, name + end);
}

static bool make_room(struct vmdk *v, struct img_err *err)
{
	struct vmdk_part *parts = img_grow(v->parts, v->n_parts + 1, sizeof(*parts), err);
	struct img_store **files;

	if (!parts)
		return false;
	v->parts = parts;
	files = img_grow(v->files, v->n_files + 1, sizeof(*files), err);
	if (!files)
		return false;
	v->files = files;
	return true;
}

static bool fill_flat(struct vmdk_part *part, const struct img_layer_resize *how,
		      struct img_err *err)
{
	part->file_size = part->len;
	return img_store_resize(part->file, part->len, err) &&
	       img_store_preallocate(part->file, 0, part->len, how->preallocation, err);
}

static bool fill_sparse(const struct vmdk *v, struct vmdk_part *part, struct img_err *err)
{
	struct vmdk_sparse_new sp = {
		.file = part->file, .fresh = part->file->caps & IMG_STORE_FRESH,
		.zeroed_grain = v->parts[0].sparse.hdr.flags & VMDK_FLAG_ZERO_GRAIN,
		.hdr.capacity = part->len,
	};
	const bool ok = vmdk_sparse_new_start(&sp, 0, err) &&
			vmdk_sparse_new_finish(&sp, NULL, 0, err) &&
			vmdk_sparse_open(&part->sparse, part->file, v->tables, err) &&
			vmdk_live_load(&part->sparse, err);

	vmdk_sparse_new_clear(&sp);
	return ok;
}

static bool add_part(struct vmdk *v, uint64_t len, const struct img_layer_resize *how,
		     struct img_err *err)
{
	const struct vmdk_part *before;
	struct vmdk_part *part;
	struct img_reference ref = { .kind = IMG_REF_EXTENT, .format = "raw" };
	IMG_AUTO_FREE char *name = next_name(last_part(v)->name, err);

	if (!name || !make_room(v, err) ||
	    !vmdk_descriptor_add(&v->desc, last_part(v)->type, len, name, err))
		return false;
	before = last_part(v);
	part = &v->parts[v->n_parts];
	*part = (struct vmdk_part){
		.type = before->type, .start = before->start + before->len, .len = len,
		.name = v->desc.extents[v->desc.n_extents - 1].name,
	};
	ref.name = name;
	if (!how->opener->create(how->opener, &ref, &part->file, err))
		return false;
	part->own_file = true;
	v->n_parts++;
	v->files[v->n_files++] = part->file;
	return part->type == VMDK_EXTENT_FLAT ? fill_flat(part, how, err)
					      : fill_sparse(v, part, err);
}

static bool remove_part(struct vmdk *v, const struct img_layer_resize *how, struct img_err *err)
{
	struct vmdk_part *part = last_part(v);
	struct vmdk_extent_line *line = &v->desc.extents[--v->desc.n_extents];
	const struct img_reference ref = { .kind = IMG_REF_EXTENT, .name = line->name };
	bool ok;

	vmdk_sparse_clear(&part->sparse);
	img_store_close(part->file);
	v->n_parts--;
	v->n_files--;
	v->desc.size -= line->len;
	ok = how->opener->remove(how->opener, &ref, err);
	free(line->name);
	return ok;
}

static uint64_t disk_end(const struct vmdk *v)
{
	return last_part(v)->start + last_part(v)->len;
}

static bool change_parts(struct vmdk *v, const struct img_layer_resize *how, struct img_err *err)
{
	const uint64_t each = split_len(v);
	uint64_t len;

	while (last_part(v)->start >= how->size)
		if (!remove_part(v, how, err))
			return false;
	len = img_min_u64(how->size - last_part(v)->start, img_max_u64(each, last_part(v)->len));
	if (len != last_part(v)->len && !resize_part(v, len, how, err))
		return false;
	while (disk_end(v) < how->size)
		if (!add_part(v, img_min_u64(each, how->size - disk_end(v)), how, err))
			return false;
	return true;
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* The disk in use has something for each part. */
static bool follow(struct img_layer *ly, uint64_t size, struct img_err *err)
{
	struct vmdk *v = ly->priv;
	_Atomic bool *touched = img_calloc(v->n_parts, sizeof(*touched), err);

	if (!touched)
		return false;
	free(v->disk->touched);
	v->disk->touched = touched;
	ly->data_files = v->files;
	ly->n_data_files = v->n_files;
	ly->size = size;
	return true;
}

/* What lies below may be longer than the disk was. */
static bool hide_below(struct img_layer *ly, uint64_t old, struct img_err *err)
{
	bool freed;

	return !ly->below || old >= ly->size ||
	       (img_below_hide(ly, old, ly->size, err) && vmdk_disk_flush(ly, &freed, err));
}

bool vmdk_resize(struct img_layer *ly, const struct img_layer_resize *how, struct img_err *err)
{
	struct vmdk *v = ly->priv;
	const uint64_t old = ly->size;

	return check_wish(v, how, err) && vmdk_disk_mark(v, ly->store, err) &&
	       change_parts(v, how, err) && vmdk_descriptor_save(v, ly->store, false, err) &&
	       follow(ly, how->size, err) && hide_below(ly, old, err);
}
