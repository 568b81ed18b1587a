/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an image stands on, changed, and an image that forgets what it holds: both at once. */
#include "base/mem.h"
#include "image/image.h"

static bool check_open(const struct img *im, struct img_err *err)
{
	return (img_disk_is_open(im->disk) && im->at_once) ||
	       img_fail(err, IMG_E_DENIED, _("is not open for that"));
}

static bool link_layer(struct img *im, const struct img_layer_link *to, struct img_err *err)
{
	struct img_layer *ly = &im->layers[0];

	if (!check_open(im, err))
		return false;
	if (!ly->format->link)
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s images stay on what they stand on"),
				ly->format->name);
	return img_flush(im, err) && ly->format->link(ly, to, err);
}

bool img_link(struct img *im, const char *backing, const char *backing_format,
	      const struct img *below, bool any_state, struct img_err *err)
{
	const struct img_layer_link to = {
		.backing = backing, .backing_format = backing_format, .any_state = any_state,
		.below = below ? &below->layers[0] : NULL,
	};

	if (!link_layer(im, &to, err))
		return img_within_file(err, im->layers[0].store->name);
	img_disk_ended(im->disk);
	return true;
}

static bool empty_layer(struct img *im, struct img_err *err)
{
	struct img_layer *ly = &im->layers[0];

	if (!check_open(im, err))
		return false;
	if (!ly->format->empty)
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s images cannot forget what they hold"),
				ly->format->name);
	return img_flush(im, err) && ly->format->empty(ly, err);
}

bool img_empty(struct img *im, struct img_err *err)
{
	return empty_layer(im, err) || img_within_file(err, im->layers[0].store->name);
}
