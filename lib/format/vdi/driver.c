/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VDI driver: probing, opening and closing, and the table that ties its files together. */
#include "base/bytes.h"
#include "base/mem.h"
#include "format/vdi/disk.h"
#include "format/vdi/new.h"
#include "format/vdi/salvage.h"

static int vdi_probe(const struct img_peek *peek)
{
	if (peek->head_len < VDI_PRE_LEN || img_get_le32(peek->head + VDI_PRE_MAGIC) != VDI_MAGIC)
		return 0;
	return 100;
}

void vdi_free(struct vdi *vdi)
{
	if (!vdi)
		return;
	vdi_disk_free(vdi->disk);
	vdi_salvage_free(vdi->salvage);
	vdi_map_clear(&vdi->map);
	free(vdi->fresh);
	free(vdi);
}

/* The image below is known by its UUID alone. */
static bool tell_parent(const struct vdi_header *hdr, struct img_layer *ly, struct img_err *err)
{
	char uuid[IMG_UUID_TEXT];

	if (!vdi_has_parent(hdr))
		return true;
	img_uuid_to_text(&hdr->parent, uuid);
	ly->below_id = img_format_text(err, "{%s}", uuid);
	return ly->below_id;
}

static bool vdi_open(struct img_layer *ly, const struct img_layer_open *how, struct img_err *err)
{
	struct vdi *vdi;

	if (how->snapshot)
		return img_fail(err, IMG_E_UNSUPPORTED, _("VDI images have no snapshots"));
	vdi = img_calloc(1, sizeof(*vdi), err);
	if (!vdi)
		return false;
	if (!vdi_header_read(ly->store, &vdi->header, err) ||
	    !vdi_map_init(&vdi->map, &vdi->header, ly->store, how->cache_size, err) ||
	    ((how->flags & IMG_OPEN_WRITE) && !vdi_disk_start(vdi, err)) ||
	    !tell_parent(&vdi->header, ly, err)) {
		vdi_free(vdi);
		return false;
	}
	ly->priv = vdi;
	ly->size = vdi->header.size;
	ly->unit = vdi->header.block_size;
	return true;
}

static bool vdi_salvage(struct img_layer *ly, const struct img_layer_open *how,
			struct img_err *err)
{
	struct vdi *vdi = img_calloc(1, sizeof(*vdi), err);

	if (vdi)
		vdi->salvage = vdi_salvage_new(ly, how, err);
	if (!vdi || !vdi->salvage) {
		vdi_free(vdi);
		return false;
	}
	vdi->header = vdi->salvage->hdr;
	if (!vdi_map_init(&vdi->map, &vdi->header, vdi->salvage->overlay, how->cache_size, err) ||
	    !tell_parent(&vdi->header, ly, err)) {
		vdi_free(vdi);
		return false;
	}
	ly->priv = vdi;
	ly->size = vdi->header.size;
	ly->unit = vdi->header.block_size;
	return true;
}

static void vdi_close(struct img_layer *ly)
{
	vdi_free(ly->priv);
	ly->priv = NULL;
}

static bool vdi_extent(struct img_layer *ly, uint64_t at, uint64_t limit, struct img_extent *out,
		       struct img_err *err)
{
	struct vdi *vdi = ly->priv;

	return vdi_map_extent(&vdi->map, at, limit, out, err) &&
	       (!vdi->salvage || vdi_salvage_judge(vdi->salvage, out, err));
}

/* A parent that was written to since is not what the child was made for. */
static bool vdi_is_below(const struct img_layer *ly, struct img_store *st, bool *yes,
			 struct img_err *err)
{
	const struct vdi_header *child = &((const struct vdi *)ly->priv)->header;
	struct vdi_header hdr;

	*yes = vdi_header_read(st, &hdr, NULL) && img_uuid_equal(&hdr.uuid, &child->parent);
	if (!*yes || img_uuid_is_nil(&child->parent_modified) ||
	    img_uuid_equal(&hdr.modified, &child->parent_modified))
		return true;
	return img_fail(err, IMG_E_CORRUPT,
			_("the image was changed since others were made to stand on it"));
}

/* Whoever names the parent may be wrong; of other formats nothing is known. */
static const char *vdi_mismatch(const struct img_layer *ly, const struct img_layer *below)
{
	const struct vdi_header *child = &((const struct vdi *)ly->priv)->header, *parent;

	if (!vdi_has_parent(child) || below->format != &img_format_vdi)
		return NULL;
	parent = &((const struct vdi *)below->priv)->header;
	if (!img_uuid_equal(&parent->uuid, &child->parent))
		return N_("the image below is not the one that it was made for");
	if (!img_uuid_is_nil(&child->parent_modified) &&
	    !img_uuid_equal(&parent->modified, &child->parent_modified))
		return N_("the image below was changed since this one was made to stand on it");
	return NULL;
}

const struct img_format img_format_vdi = {
	.name = "vdi",
	.extensions = "vdi",
	.caps = IMG_FMT_CREATE | IMG_FMT_BACKING | IMG_FMT_RESIZE,
	.create_options = vdi_create_options,
	.probe = vdi_probe,
	.remains = vdi_remains,
	.open = vdi_open,
	.salvage = vdi_salvage,
	.create = vdi_create,
	.close = vdi_close,
	.extent = vdi_extent,
	.info = vdi_info,
	.is_below = vdi_is_below,
	.mismatch = vdi_mismatch,
	.write = &vdi_write_ops,
	.disk = &vdi_disk_ops,
	.amend_options = vdi_amend_options,
	.amend = vdi_amend,
	.resize = vdi_resize,
	.compact = vdi_compact,
	.link = vdi_link,
	.empty = vdi_empty,
	.check = &vdi_check_ops,
};
