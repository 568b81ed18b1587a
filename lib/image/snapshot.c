/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Snapshots of the top layer: what is asked of every format that has them. */
#include <stdlib.h>
#include "base/err.h"
#include "image/image.h"

/* Names the file of what went wrong. */
static bool ended(const struct img *im, bool ok, struct img_err *err)
{
	return ok || img_within_file(err, img_layer_name(im, 0));
}

static const struct img_snapshot_ops *ops_of(const struct img *im, struct img_err *err)
{
	const struct img_format *format = im->layers[0].format;

	if (!format->snapshot)
		img_fail(err, IMG_E_UNSUPPORTED, _("%s: %s images have no snapshots"),
			 img_layer_name(im, 0), format->name);
	return format->snapshot;
}

/* After a flush; whatever comes of the change, the disk is not in use any more. */
static const struct img_snapshot_ops *begin_change(struct img *im, struct img_err *err)
{
	const struct img_snapshot_ops *ops = ops_of(im, err);

	if (!ops)
		return NULL;
	if (!img_disk_is_open(im->disk) || !im->at_once) {
		img_fail(err, IMG_E_DENIED, _("%s: is not open for changing its snapshots"),
			 img_layer_name(im, 0));
		return NULL;
	}
	if (!img_flush(im, err))
		return NULL;
	img_disk_ended(im->disk);
	return ops;
}

bool img_snapshot_list(struct img *im, bool sizes, struct img_snapshot **out, size_t *n,
		       struct img_err *err)
{
	const struct img_snapshot_ops *ops = ops_of(im, err);

	return ops && ended(im, ops->list(&im->layers[0], sizes, out, n, err), err);
}

void img_snapshot_list_free(struct img_snapshot *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].id);
		free(list[i].name);
	}
	free(list);
}

bool img_snapshot_create(struct img *im, const struct img_snapshot_new *what, struct img_err *err)
{
	const struct img_snapshot_ops *ops = begin_change(im, err);

	return ops && ended(im, ops->create(&im->layers[0], what, err), err);
}

bool img_snapshot_apply(struct img *im, const char *which, const struct img_snapshot_new *keep,
			bool *kept, struct img_err *err)
{
	const struct img_snapshot_ops *ops = begin_change(im, err);

	return ops && ended(im, ops->apply(&im->layers[0], which, keep, kept, err), err);
}

bool img_snapshot_remove(struct img *im, const char *which, struct img_err *err)
{
	const struct img_snapshot_ops *ops = begin_change(im, err);

	return ops && ended(im, ops->remove(&im->layers[0], which, err), err);
}

bool img_snapshot_rename(struct img *im, const char *which, const char *name, struct img_err *err)
{
	const struct img_snapshot_ops *ops = begin_change(im, err);

	return ops && ended(im, ops->rename(&im->layers[0], which, name, err), err);
}
