/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* New images on a Ceph cluster: which of the options are for their place there. */
#include "image/image.h"
#include "base/mem.h"
#include "store/rbd-new.h"

static const struct img_option rbd_options[] = {
	{ "object_size", IMG_OPT_SIZE, NULL, NULL, N_("on Ceph: bytes of an object of the image") },
	{ "data_pool", IMG_OPT_TEXT, NULL, NULL, N_("on Ceph: the pool that the data go to") },
	{ "features", IMG_OPT_TEXT, NULL, NULL,
	  N_("on Ceph: the features of the image, with + between them") },
	{ NULL },
};

const struct img_option *img_rbd_options(void)
{
	return rbd_options;
}

/* Of another format than raw, and of what is compressed, the length comes out at the end. */
struct img_store *img_rbd_target(const struct img_create *what, const struct img_format *format,
				 struct img_err *err)
{
	const bool is_known = format == &img_format_raw && what->size != IMG_SIZE_UNKNOWN &&
			      !what->filter;
	const char *options = what->options ? what->options : "";
	IMG_AUTO_FREE char *ours = img_settings_part(rbd_options, options, true, err);
	struct img_settings *set = ours ? img_settings_parse(rbd_options, ours, err) : NULL;
	struct img_store *store;

	if (!set)
		return NULL;
	store = img_store_rbd_new(what->path, is_known ? what->size : 0, &(struct img_rbd_new){
		.object_size = img_settings_number(set, "object_size"),
		.data_pool = img_settings_text(set, "data_pool"),
		.features = img_settings_text(set, "features"),
	}, what->cache, err);
	img_settings_free(set);
	return store;
}
