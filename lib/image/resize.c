/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another size for the disk of an image. */
#include "base/mem.h"
#include "image/image.h"

static bool check_resize(const struct img *im, const struct img_resize *what, struct img_err *err)
{
	const struct img_layer *ly = &im->layers[0];

	if (!img_disk_is_open(im->disk) || !img_is_at_once(im))
		return img_fail(err, IMG_E_DENIED, _("is not open for another size"));
	/* What is new has to hide what lies below. */
	if (!img_disk_check_sight(im, err))
		return false;
	if (!ly->format->resize)
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s images keep the size they have"),
				ly->format->name);
	if (what->size > INT64_MAX)
		return img_fail(err, IMG_E_RANGE, _("no disk is that large"));
	if (what->size < ly->size && what->preallocation != IMG_PREALLOC_OFF)
		return img_fail(err, IMG_E_ARGUMENT, _("a disk that gets smaller needs no space"));
	return true;
}

/* Nothing is in the files yet: an image that would not be written any more stays as it is. */
static bool check_match(const struct img *im, struct img_err *err)
{
	return im->any_below || !img_layer_mismatch(im, 0) ||
	       img_fail(err, IMG_E_MISMATCH,
			_("with that size it does not fit the file that it stands on"));
}

bool img_resize(struct img *im, const struct img_resize *what, const struct img_job *job,
		struct img_err *err)
{
	struct img_layer *ly = &im->layers[0];
	const struct img_layer_resize how = {
		.size = what->size, .preallocation = what->preallocation, .compact = what->compact,
		.job = job, .opener = im->at_once ? img_at_once_opener(im->at_once) : NULL,
	};
	const bool ok = check_resize(im, what, err) && img_flush(im, err) &&
			(what->size == ly->size ||
			 (ly->format->resize(ly, &how, err) && check_match(im, err)));

	return ok || img_within_file(err, ly->store->name);
}
