/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new image: what may be asked for, and the header that follows from it. */
#include <inttypes.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/vdi/new.h"

/* Of a disk whose size is not known yet: the map gets room for so many blocks. */
enum { STREAM_BLOCKS = 16 << 20 };

const struct img_option vdi_create_options[] = {
	{ "static", IMG_OPT_FLAG, NULL, "off",
	  N_("all blocks have their places in the file at once") },
	{ "block_size", IMG_OPT_SIZE, NULL, "1M",
	  N_("bytes that are allocated together, 512 to 1G; QEMU knows 1M alone") },
	{ "preallocation", IMG_OPT_CHOICE, "off|metadata|falloc|full", "off",
	  N_("what is allocated at once: all blocks; and static, space for them, written space") },
	{ "uuid", IMG_OPT_TEXT, NULL, "new",
	  N_("UUID of the image; new: a random one; keep: that of the source") },
	{ NULL },
};

uint64_t vdi_data_off(uint32_t map_off, uint64_t n)
{
	return img_round_up(map_off + n * VDI_ENTRY_LEN, VDI_ALIGN);
}

bool vdi_uuid_parse(const char *wish, struct img_uuid *out, struct img_err *err)
{
	struct img_uuid uuid;

	if (!strcmp(wish, "new"))
		return img_uuid_make(out, err);
	if (!img_uuid_parse(wish, &uuid, err))
		return img_within(err, "uuid");
	if (img_uuid_is_nil(&uuid))
		return img_fail(err, IMG_E_ARGUMENT, _("a UUID of zeros stands for none"));
	*out = uuid;
	return true;
}

/* With that of its last change: what stands on the source can stand on the copy instead. */
static bool keep_uuids(const struct img_layer *source, struct vdi_header *hdr, struct img_err *err)
{
	const struct vdi *vdi;

	if (!source || source->format != &img_format_vdi)
		return img_fail(err, IMG_E_ARGUMENT,
				_("uuid=keep is for what is copied from a VDI image"));
	vdi = source->priv;
	if (img_uuid_is_nil(&vdi->header.uuid))
		return img_fail(err, IMG_E_ARGUMENT,
				_("the source has no UUID that could be kept"));
	hdr->uuid = vdi->header.uuid;
	hdr->modified = vdi->header.modified;
	return true;
}

/* An UUID that is given makes the whole image repeatable: that of its change is the same. */
static bool choose_uuids(const struct img_layer_create *what, struct vdi_header *hdr,
			 struct img_err *err)
{
	const char *wish = img_settings_text(what->settings, "uuid");

	if (!strcmp(wish, "keep"))
		return keep_uuids(what->source, hdr, err);
	if (!vdi_uuid_parse(wish, &hdr->uuid, err))
		return false;
	hdr->modified = hdr->uuid;
	return strcmp(wish, "new") || img_uuid_make(&hdr->modified, err);
}

static bool choose_blocks(const struct img_layer_create *what, struct vdi_header *hdr,
			  struct img_err *err)
{
	const uint64_t block = img_settings_number(what->settings, "block_size");
	const bool is_stream = what->size == IMG_SIZE_UNKNOWN;

	if (!img_is_pow2(block) || block < VDI_SECTOR || block > VDI_BLOCK_SIZE_MAX)
		return img_fail(err, IMG_E_ARGUMENT,
				_("block_size is a power of two from 512 to 1G, not %" PRIu64),
				block);
	const uint64_t n = is_stream ? STREAM_BLOCKS : img_div_up(what->size, block);
	const uint64_t data_off = n <= VDI_BLOCKS_MAX ? vdi_data_off(hdr->map_off, n) : UINT64_MAX;
	if (data_off > UINT32_MAX)
		return img_fail(err, IMG_E_RANGE,
				_("a disk of %" PRIu64 " bytes has too many blocks of %" PRIu64
				  " bytes"), what->size, block);
	hdr->block_size = (uint32_t)block;
	hdr->n_blocks = (uint32_t)n;
	hdr->data_off = (uint32_t)data_off;
	hdr->size = is_stream ? n * block : what->size;
	return true;
}

/* The image below is named by its UUIDs, so it is looked at. */
static bool name_parent(const struct img_layer_create *what, struct vdi_header *hdr,
			struct img_err *err)
{
	const struct img_reference ref = {
		.kind = IMG_REF_BACKING, .name = what->backing, .format = what->backing_format,
	};
	struct img_store *st;
	struct vdi_header parent;
	bool ok;

	if (!what->backing)
		return true;
	if (strchr(what->backing, '/'))
		return img_fail(err, IMG_E_ARGUMENT, _("a VDI image has no name for the one below: "
				"\"%s\" must lie beside it, and be named without a folder"),
				what->backing);
	if (!what->opener->open(what->opener, &ref, &st, err))
		return false;
	ok = vdi_header_read(st, &parent, err) || img_within(err, "%s", what->backing);
	img_store_close(st);
	if (!ok)
		return false;
	hdr->type = VDI_TYPE_DIFFERENCING;
	hdr->parent = parent.uuid;
	hdr->parent_modified = parent.modified;
	return true;
}

/* Each block has its place at once, and hides what is below. */
static bool has_places(const struct img_layer_create *what, const struct vdi_header *hdr)
{
	return hdr->type == VDI_TYPE_FIXED ||
	       strcmp(img_settings_text(what->settings, "preallocation"), "off") != 0;
}

static bool fill_header(const struct img_layer_create *what, struct vdi_header *hdr,
			struct img_err *err)
{
	const bool is_static = img_settings_flag(what->settings, "static") ||
			       img_settings_preallocation(what->settings) != IMG_PREALLOC_OFF;

	*hdr = (struct vdi_header){
		.major = 1, .minor = 1, .type = is_static ? VDI_TYPE_FIXED : VDI_TYPE_DYNAMIC,
		.map_off = VDI_ALIGN,
	};
	if (what->backing && has_places(what, hdr))
		return img_fail(err, IMG_E_ARGUMENT, _("an image that stands on another one cannot "
				"be static, nor have all its blocks at once"));
	return choose_uuids(what, hdr, err) && choose_blocks(what, hdr, err) &&
	       name_parent(what, hdr, err);
}

static bool tell_backing(struct img_layer *ly, const struct img_layer_create *what,
			 struct img_err *err)
{
	if (!what->backing)
		return true;
	ly->backing = img_strdup(what->backing, err);
	ly->backing_format = img_strdup("vdi", err);
	return ly->backing && ly->backing_format;
}

/* The map of a new image is all free, and nothing of it is in the file. */
static bool start_map(struct vdi *vdi, struct img_layer *ly, struct img_err *err)
{
	if (!vdi_map_init(&vdi->map, &vdi->header, ly->store, UINT64_MAX, err))
		return false;
	vdi->map.file_size = 0;
	return true;
}

/* Space for all blocks, as it was asked for. */
static bool set_space_aside(const struct img_layer *ly, const struct img_layer_create *what,
			    struct img_err *err)
{
	const struct vdi_header *hdr = &((const struct vdi *)ly->priv)->header;
	const enum img_preallocation how = img_settings_preallocation(what->settings);

	if (how == IMG_PREALLOC_OFF)
		return true;
	if (what->size == IMG_SIZE_UNKNOWN)
		return img_fail(err, IMG_E_ARGUMENT, _("preallocation needs a disk whose size is "
				"known beforehand"));
	return img_store_preallocate(ly->store, hdr->data_off,
				     hdr->n_blocks * vdi_stride(hdr), how, err);
}

static bool start(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err)
{
	struct vdi *vdi = ly->priv;

	if (!fill_header(what, &vdi->header, err) || !start_map(vdi, ly, err) ||
	    !tell_backing(ly, what, err) || !set_space_aside(ly, what, err))
		return false;
	vdi->fresh->fresh = ly->store->caps & IMG_STORE_FRESH;
	vdi->fresh->placed = has_places(what, &vdi->header);
	vdi->fresh->hides = what->backing;
	ly->size = what->size;
	ly->unit = vdi->header.block_size;
	ly->takes_plain = true;
	ly->reads_as_zero = !what->backing && (!vdi->fresh->placed || vdi->fresh->fresh);
	return true;
}

bool vdi_create(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err)
{
	struct vdi *vdi = img_calloc(1, sizeof(*vdi), err);

	ly->priv = vdi;
	if (vdi)
		vdi->fresh = img_calloc(1, sizeof(*vdi->fresh), err);
	if (vdi && vdi->fresh && start(ly, what, err))
		return true;
	vdi_free(vdi);
	free(ly->backing);
	free(ly->backing_format);
	ly->priv = ly->backing = ly->backing_format = NULL;
	return false;
}
