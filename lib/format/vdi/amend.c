/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changing what an image is without copying it: the id by which others know it. */
#include "format/vdi/vdi.h"

const struct img_option vdi_amend_options[] = {
	{ "uuid", IMG_OPT_TEXT, NULL, NULL,
	  N_("UUID of the image; new: a random one; children do not find it any more") },
	{ NULL },
};

bool vdi_amend(struct img_layer *ly, const struct img_settings *set, const struct img_job *job,
	       struct img_err *err)
{
	struct vdi *vdi = ly->priv;
	const char *wish = img_settings_text(set, "uuid");
	struct img_uuid uuid;

	(void)job;
	if (!wish)
		return true;
	if (!vdi_uuid_parse(wish, &uuid, err) ||
	    !img_store_write(ly->store, vdi->header.major ? VDI_HDR_UUID : VDI_V0_UUID, uuid.raw,
			     IMG_UUID_BYTES, err))
		return false;
	vdi->header.uuid = uuid;
	return img_store_sync(ly->store, err);
}
