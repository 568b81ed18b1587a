/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an image stands on, changed in place: the UUIDs of the one below, or none; and an image that
 * forgets what it holds.  The disk stays the same for whoever stands on this image, so its own UUIDs
 * stay, too.
 */
#include <string.h>
#include "base/mem.h"
#include "format/vdi/disk.h"

/* ---- Links ----------------------------------------------------------------------------------- */

static bool choose_parent(struct vdi_header *hdr, const struct img_layer_link *to,
			  struct img_err *err)
{
	const struct img_layer *below = to->below;

	if (!hdr->major)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("a VDI image of version 0 stays on what it stands on"));
	if (!to->backing) {
		hdr->type = VDI_TYPE_DYNAMIC;
		hdr->parent = hdr->parent_modified = (struct img_uuid){ { 0 } };
		return true;
	}
	if (!below || below->format != &img_format_vdi)
		return img_fail(err, IMG_E_ARGUMENT, _("a VDI image can only stand on another one, "
				"which it knows by its UUID"));
	hdr->type = VDI_TYPE_DIFFERENCING;
	hdr->parent = ((const struct vdi *)below->priv)->header.uuid;
	hdr->parent_modified = to->any_state ? (struct img_uuid){ { 0 } }
					     : ((const struct vdi *)below->priv)->header.modified;
	return true;
}

bool vdi_link(struct img_layer *ly, const struct img_layer_link *to, struct img_err *err)
{
	struct vdi *vdi = ly->priv;
	struct vdi_header hdr = vdi->header;
	uint8_t raw[VDI_DECODE_LEN];
	size_t len;

	if (!choose_parent(&hdr, to, err) ||
	    !img_store_read_some(ly->store, 0, raw, sizeof(raw), &len, err))
		return false;
	vdi_header_relink(&hdr, raw);
	vdi->header = hdr;
	return img_store_write(ly->store, 0, raw, len, err);
}

/* ---- Forgetting ------------------------------------------------------------------------------ */

/* A child of ours knows the disk by this, and the disk will be what it was. */
static bool write_count(const struct vdi *vdi, struct img_err *err)
{
	struct img_store *file = vdi->map.file;
	uint8_t raw[VDI_DECODE_LEN];
	size_t len;

	if (!img_store_read_some(file, 0, raw, sizeof(raw), &len, err))
		return false;
	vdi_header_resize(&vdi->header, raw, len);
	return img_store_write(file, 0, raw, len, err);
}

bool vdi_empty(struct img_layer *ly, struct img_err *err)
{
	struct vdi *vdi = ly->priv;
	struct vdi_header *hdr = &vdi->header;
	const uint32_t n = hdr->n_blocks;

	if (!hdr->major || !vdi_has_parent(hdr))
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("only a differencing VDI image can forget what it holds"));
	memset(vdi->disk->used, 0, n / 8 + 1);
	vdi->disk->end = vdi->disk->cursor = 0;
	for (uint32_t i = 0; i < n; i++)
		vdi->map.pieces[i / VDI_PIECE_ENTRIES][i % VDI_PIECE_ENTRIES] = VDI_ENTRY_FREE;
	hdr->n_allocated = 0;
	return vdi_map_write(&vdi->map, err) && write_count(vdi, err) &&
	       (!(ly->store->caps & IMG_STORE_RESIZE) ||
		img_store_resize(ly->store, hdr->data_off, err));
}
