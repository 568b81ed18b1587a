/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bitmaps of the top layer: what is asked of every format that has them. */
#include <inttypes.h>
#include <stdlib.h>
#include "base/err.h"
#include "image/image.h"

static const struct img_bitmap_ops *ops_of(const struct img *im, struct img_err *err)
{
	const struct img_format *format = im->layers[0].format;

	if (!format->bitmap)
		img_fail(err, IMG_E_UNSUPPORTED, _("%s: %s images have no bitmaps"),
			 img_layer_name(im, 0), format->name);
	return format->bitmap;
}

static const struct img_bitmap_ops *ops_to_change(const struct img *im, struct img_err *err)
{
	const struct img_bitmap_ops *ops = ops_of(im, err);

	if (!ops || img_disk_is_open(im->disk))
		return ops;
	img_fail(err, IMG_E_DENIED, _("%s: is not open for writing"), img_layer_name(im, 0));
	return NULL;
}

/* Names the file of what went wrong. */
static bool ended(const struct img *im, bool ok, struct img_err *err)
{
	return ok || img_within_file(err, img_layer_name(im, 0));
}

bool img_bitmap_list(struct img *im, struct img_bitmap **out, size_t *n, struct img_err *err)
{
	const struct img_bitmap_ops *ops = ops_of(im, err);

	return ops && ended(im, ops->list(&im->layers[0], out, n, err), err);
}

void img_bitmap_list_free(struct img_bitmap *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].name);
	free(list);
}

bool img_bitmap_next(struct img *im, const char *name, struct img_bitmap_run *run,
		     struct img_err *err)
{
	const struct img_bitmap_ops *ops = ops_of(im, err);

	return ops && ended(im, ops->next(&im->layers[0], name, run, err), err);
}

bool img_bitmap_create(struct img *im, const char *name, uint64_t granularity, bool enabled,
		       struct img_err *err)
{
	const struct img_bitmap_ops *ops = ops_to_change(im, err);

	return ops &&
	       ended(im, ops->create(&im->layers[0], name, granularity, enabled, err), err);
}

bool img_bitmap_remove(struct img *im, const char *name, struct img_err *err)
{
	const struct img_bitmap_ops *ops = ops_to_change(im, err);

	return ops && ended(im, ops->remove(&im->layers[0], name, err), err);
}

bool img_bitmap_clear(struct img *im, const char *name, struct img_err *err)
{
	const struct img_bitmap_ops *ops = ops_to_change(im, err);

	return ops && ended(im, ops->clear(&im->layers[0], name, err), err);
}

bool img_bitmap_enable(struct img *im, const char *name, bool enabled, struct img_err *err)
{
	const struct img_bitmap_ops *ops = ops_to_change(im, err);

	return ops && ended(im, ops->enable(&im->layers[0], name, enabled, err), err);
}

bool img_bitmap_merge(struct img *im, const char *name, struct img *from, const char *source,
		      struct img_err *err)
{
	const struct img_bitmap_ops *ops = ops_to_change(im, err);
	struct img_bitmap_run run = { 0 };

	if (!ops)
		return false;
	if (img_size(im) != img_size(from))
		return img_fail(err, IMG_E_RANGE, _("%s: a bitmap for %" PRIu64 " bytes does not fit "
				"a disk of %" PRIu64), img_layer_name(im, 0), img_size(from),
				img_size(im));
	for (;;) {
		run.start += run.len;
		if (!img_bitmap_next(from, source, &run, err))
			return false;
		if (!run.len)
			return true;
		if (!ended(im, ops->mark(&im->layers[0], name, run.start, run.len, err), err))
			return false;
	}
}
