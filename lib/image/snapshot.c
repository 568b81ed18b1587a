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

/* How the snapshots of an image are kept. */
struct way {
	const struct img_snapshot_ops *ops;	/* NULL: as files beside it */
	const char *disk;		/* that file */
};

static bool find_way(const struct img *im, struct way *out, struct img_err *err)
{
	const struct img_layer *ly = &im->layers[0];

	*out = (struct way){ ly->format->snapshot, img_layer_name(im, 0) };
	return out->ops || (ly->format->identity && img_beside_snapshot_possible(out->disk)) ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("%s: %s images have no snapshots"), out->disk,
			ly->format->name);
}

/* After a flush; whatever comes of the change, the disk is not in use any more. */
static bool begin_change(struct img *im, struct way *out, struct img_err *err)
{
	if (!find_way(im, out, err))
		return false;
	if (!img_disk_is_open(im->disk) || !im->at_once)
		return img_fail(err, IMG_E_DENIED, _("%s: is not open for changing its snapshots"),
				out->disk);
	if (!img_flush(im, err))
		return false;
	img_disk_ended(im->disk);
	return true;
}

bool img_snapshot_list(struct img *im, bool sizes, struct img_snapshot **out, size_t *n,
		       struct img_err *err)
{
	struct way way;

	if (!find_way(im, &way, err))
		return false;
	return ended(im, way.ops ? way.ops->list(&im->layers[0], sizes, out, n, err)
				 : img_beside_snapshot_list(way.disk, out, n, err), err);
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
	struct way way;

	if (!begin_change(im, &way, err))
		return false;
	return ended(im, way.ops ? way.ops->create(&im->layers[0], what, err)
				 : img_beside_snapshot_create(way.disk, what, err), err);
}

bool img_snapshot_apply(struct img *im, const char *which, const struct img_snapshot_new *keep,
			bool *kept, struct img_err *err)
{
	struct way way;

	if (!begin_change(im, &way, err))
		return false;
	return ended(im, way.ops ? way.ops->apply(&im->layers[0], which, keep, kept, err)
				 : img_beside_snapshot_apply(way.disk, which, keep, kept, err), err);
}

bool img_snapshot_remove(struct img *im, const char *which, struct img_err *err)
{
	struct way way;

	if (!begin_change(im, &way, err))
		return false;
	return ended(im, way.ops ? way.ops->remove(&im->layers[0], which, err)
				 : img_beside_snapshot_remove(way.disk, which, err), err);
}

bool img_snapshot_rename(struct img *im, const char *which, const char *name, struct img_err *err)
{
	struct way way;

	if (!begin_change(im, &way, err))
		return false;
	return ended(im, way.ops ? way.ops->rename(&im->layers[0], which, name, err)
				 : img_beside_snapshot_rename(way.disk, which, name, err), err);
}
