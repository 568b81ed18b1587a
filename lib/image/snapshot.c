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

/* How the snapshots of an image are kept: by the first of these that there is, else as files beside it. */
struct way {
	const struct img_snapshot_ops *ops;	/* in it, as its format does */
	const struct img_store_history *kept;	/* by whoever keeps its bytes */
	struct img_layer *ly;
	const char *disk;		/* that file */
};

static bool find_way(struct img *im, struct way *out, struct img_err *err)
{
	struct img_layer *ly = &im->layers[0];

	*out = (struct way){ ly->format->snapshot, img_layer_history(ly), ly, img_layer_name(im, 0) };
	return out->ops || out->kept || (ly->format->identity && img_beside_snapshot_possible(out->disk)) ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("%s: %s images have no snapshots"), out->disk,
			ly->format->name);
}

/* After a flush; whatever comes of the change, the disk is not in use any more. */
static bool begin_change(struct img *im, struct way *out, struct img_err *err)
{
	if (!find_way(im, out, err))
		return false;
	if (!img_is_at_once(im) && !img_check_journal(out->disk, err))
		return false;
	if (!img_disk_is_open(im->disk) || !img_is_at_once(im))
		return img_fail(err, IMG_E_DENIED, _("%s: is not open for changing its snapshots"),
				out->disk);
	if (!img_flush(im, err))
		return false;
	img_disk_ended(im->disk);
	return true;
}

static bool list(const struct way *way, bool sizes, struct img_snapshot **out, size_t *n,
		 struct img_err *err)
{
	if (way->ops)
		return way->ops->list(way->ly, sizes, out, n, err);
	if (!way->kept)
		return img_beside_snapshot_list(way->disk, out, n, err);
	if (way->kept->list(way->ly->store, out, n, err))
		return true;
	img_snapshot_list_free(*out, *n);
	return false;
}

bool img_snapshot_list(struct img *im, bool sizes, struct img_snapshot **out, size_t *n,
		       struct img_err *err)
{
	struct way way;

	return find_way(im, &way, err) && ended(im, list(&way, sizes, out, n, err), err);
}

void img_snapshot_list_free(struct img_snapshot *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].id);
		free(list[i].name);
	}
	free(list);
}

static bool create(const struct way *way, const struct img_snapshot_new *what, struct img_err *err)
{
	if (way->ops)
		return way->ops->create(way->ly, what, err);
	return way->kept ? way->kept->create(way->ly->store, what->name, err)
			 : img_beside_snapshot_create(way->disk, what, err);
}

bool img_snapshot_create(struct img *im, const struct img_snapshot_new *what, struct img_err *err)
{
	struct way way;

	return begin_change(im, &way, err) && ended(im, create(&way, what, err), err);
}

static bool apply_kept(const struct way *way, const char *which, const struct img_snapshot_new *keep,
		       bool *kept, struct img_err *err)
{
	struct img_store *st = way->ly->store;

	*kept = keep;
	return way->kept->apply(st, which, keep ? keep->name : NULL, err) &&
	       img_store_size(st, &way->ly->size, err);
}

static bool apply(const struct way *way, const char *which, const struct img_snapshot_new *keep,
		  bool *kept, struct img_err *err)
{
	if (way->ops)
		return way->ops->apply(way->ly, which, keep, kept, err);
	return way->kept ? apply_kept(way, which, keep, kept, err)
			 : img_beside_snapshot_apply(way->disk, which, keep, kept, err);
}

bool img_snapshot_apply(struct img *im, const char *which, const struct img_snapshot_new *keep,
			bool *kept, struct img_err *err)
{
	struct way way;

	return begin_change(im, &way, err) && ended(im, apply(&way, which, keep, kept, err), err);
}

static bool drop(const struct way *way, const char *which, struct img_err *err)
{
	if (way->ops)
		return way->ops->remove(way->ly, which, err);
	return way->kept ? way->kept->remove(way->ly->store, which, err)
			 : img_beside_snapshot_remove(way->disk, which, err);
}

bool img_snapshot_remove(struct img *im, const char *which, struct img_err *err)
{
	struct way way;

	return begin_change(im, &way, err) && ended(im, drop(&way, which, err), err);
}

static bool give_name(const struct way *way, const char *which, const char *name, struct img_err *err)
{
	if (way->ops)
		return way->ops->rename(way->ly, which, name, err);
	return way->kept ? way->kept->rename(way->ly->store, which, name, err)
			 : img_beside_snapshot_rename(way->disk, which, name, err);
}

bool img_snapshot_rename(struct img *im, const char *which, const char *name, struct img_err *err)
{
	struct way way;

	return begin_change(im, &way, err) && ended(im, give_name(&way, which, name, err), err);
}
