/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of an open image's descriptor where it lies: a file of its own, or inside the image's. */
#include <inttypes.h>
#include <string.h>
#include "base/mem.h"
#include "format/vmdk/resize.h"

bool vmdk_descriptor_read(const struct vmdk *v, struct img_store *own, char **text, size_t *len,
			  struct img_err *err)
{
	size_t got;

	*text = img_alloc_aligned(v->desc_len, err);
	if (!*text || !img_store_read_some(own, v->desc_at, *text, v->desc_len, &got, err))
		return false;
	*len = strnlen(*text, got);
	return true;
}

/* A text file ends with its text. */
bool vmdk_descriptor_write(const struct vmdk *v, struct img_store *own, const char *text,
			   size_t len, struct img_err *err)
{
	const bool inside = v->desc_at;
	IMG_AUTO_FREE char *padded = NULL;

	if (len > v->desc_len)
		return img_fail(err, IMG_E_RANGE, _("the descriptor needs %zu bytes, and there is "
				"room for %" PRIu64), len, v->desc_len);
	if (!inside)
		return img_store_write(own, 0, text, len, err) && img_store_resize(own, len, err);
	padded = img_calloc(1, v->desc_len, err);
	if (!padded)
		return false;
	memcpy(padded, text, len);
	return img_store_write(own, v->desc_at, padded, v->desc_len, err);
}

bool vmdk_descriptor_save(const struct vmdk *v, struct img_store *own, bool links,
			  struct img_err *err)
{
	IMG_AUTO_FREE char *text = NULL;
	IMG_AUTO_FREE char *edited = NULL;
	size_t len;

	if (!v->has_desc)
		return true;
	return vmdk_descriptor_read(v, own, &text, &len, err) &&
	       vmdk_descriptor_edit(text, len, &v->desc, links, &edited, &len, err) &&
	       vmdk_descriptor_write(v, own, edited, len, err);
}
