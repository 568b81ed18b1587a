/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an image stands on, changed in place: two lines of the descriptor; and an image that forgets
 * its grains.  The disk stays the same for whoever stands on this image, so its own identifier stays,
 * too.
 */
#include <string.h>
#include "base/mem.h"
#include "format/vmdk/disk.h"
#include "format/vmdk/resize.h"

/* ---- Links ----------------------------------------------------------------------------------- */

static bool choose_parent(struct vmdk_descriptor *desc, const struct img_layer_link *to,
			  struct img_err *err)
{
	const struct vmdk *parent = to->below && to->below->format == &img_format_vmdk
				  ? to->below->priv : NULL;

	free(desc->parent);
	desc->parent = NULL;
	desc->parent_cid = VMDK_NO_PARENT;
	if (!to->backing)
		return true;
	if (!parent || !parent->has_desc)
		return img_fail(err, IMG_E_ARGUMENT, _("a VMDK image can only stand on another one, "
				"which it knows by its content identifier"));
	if (!vmdk_descriptor_check_name(to->backing, err))
		return false;
	desc->parent_cid = parent->desc.cid;
	desc->parent = img_strdup(to->backing, err);
	return desc->parent;
}

bool vmdk_link(struct img_layer *ly, const struct img_layer_link *to, struct img_err *err)
{
	struct vmdk *v = ly->priv;

	if (!v->has_desc)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("a VMDK image without a descriptor has no place to say it"));
	return choose_parent(&v->desc, to, err) && vmdk_descriptor_save(v, ly->store, true, err) &&
	       vmdk_disk_unmark(v, err);
}

/* ---- Forgetting ------------------------------------------------------------------------------ */

static bool check_parts(const struct vmdk *v, struct img_err *err)
{
	for (size_t i = 0; i < v->n_parts; i++)
		if (v->parts[i].type != VMDK_EXTENT_SPARSE)
			return img_fail(err, IMG_E_UNSUPPORTED,
					_("only a VMDK image made of grains can forget what it holds"));
	return true;
}

/* What nothing refers to any more is cut off when the tables are laid out for the same size. */
static bool empty_part(struct vmdk_part *part, struct img_err *err)
{
	const struct vmdk_live *live = part->sparse.live;

	for (size_t i = 0; i < live->n; i++)
		for (size_t k = 0; live->tables[i] && k < part->sparse.hdr.gt_entries; k++)
			live->tables[i][k] = 0;
	return vmdk_sparse_resize(part, part->len, NULL, err);
}

bool vmdk_empty(struct img_layer *ly, struct img_err *err)
{
	struct vmdk *v = ly->priv;

	if (!check_parts(v, err))
		return false;
	vmdk_disk_mark_same(v);
	for (size_t i = 0; i < v->n_parts; i++)
		if (!empty_part(&v->parts[i], err))
			return false;
	return true;
}
