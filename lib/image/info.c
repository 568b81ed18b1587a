/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known about an image: the part that every format has, and the driver's own. */
#include <sys/stat.h>
#include "base/mem.h"
#include "image/image.h"

enum { EXTENTS = 1 << 14 };		/* that are looked at: imginfo has to be quick */

/* Bytes that the file takes on disk; false when it is no file. */
static bool allocated_bytes(const struct img_store *st, uint64_t *bytes)
{
	struct stat sb;

	if (!(st->caps & IMG_STORE_SEEK) || stat(st->name, &sb))
		return false;
	*bytes = (uint64_t)sb.st_blocks * 512;
	return true;
}

static bool add_backing(const struct img_layer *ly, struct img_node *map, struct img_err *err)
{
	IMG_AUTO_FREE char *path = NULL;

	if (!ly->backing)
		return true;
	path = img_resolve(ly->store->name, ly->backing, err);
	if (!path)
		return false;
	img_node_text(map, "backing-filename", ly->backing);
	img_node_label(map, _("backing file"));
	img_node_text(map, "full-backing-filename", path);
	img_node_label(map, _("backing file, full path"));
	if (ly->backing_format) {
		img_node_text(map, "backing-filename-format", ly->backing_format);
		img_node_label(map, _("backing file format"));
	}
	return true;
}

/* Bytes of the disk in the first extents that the file should have and has not. */
static uint64_t lost_bytes(struct img_layer *ly)
{
	struct img_err why = { 0 };
	struct img_extent ex = { 0 };
	uint64_t at = 0, lost = 0;

	for (size_t i = 0; i < EXTENTS && at < ly->size; i++, at = ex.start + ex.len) {
		if (!ly->format->extent(ly, at, ly->size, &ex, &why))
			break;
		lost += ex.kind == IMG_EXTENT_LOST && ex.loss == IMG_E_INCOMPLETE ? ex.len : 0;
	}
	return lost;
}

/* Where the driver does not know better. */
static void add_lost(struct img_layer *ly, struct img_node *map)
{
	const bool readable = (ly->store->caps & IMG_STORE_SEEK) && ly->size != IMG_SIZE_UNKNOWN;
	const uint64_t lost = readable && !ly->format->tells_missing ? lost_bytes(ly) : 0;

	if (!lost)
		return;
	img_node_u64(map, "lost-at-least", lost, IMG_UNIT_BYTES);
	img_node_label(map, _("of the disk behind the end of the file, at least"));
}

/* Those that whoever has the store keeps; the driver knows of all others. */
static bool add_kept(struct img_layer *ly, struct img_node *map, struct img_err *err)
{
	const struct img_store_history *kept = img_layer_history(ly);
	struct img_snapshot *list = NULL;
	struct img_node *nodes;
	size_t n = 0;
	const bool ok = !kept || kept->list(ly->store, &list, &n, err);

	if (ok && n) {
		nodes = img_node_list(map, "snapshots");
		img_node_label(map, _("snapshots"));
		for (size_t i = 0; i < n; i++)
			img_snapshot_tell(&list[i], img_node_map(nodes, "snapshot"));
	}
	img_snapshot_list_free(list, n);
	return ok;
}

static bool add_layer(struct img_layer *ly, struct img_node *map, struct img_err *err)
{
	uint64_t bytes;

	img_node_text(map, "filename", ly->store->name);
	img_node_label(map, _("image"));
	img_node_text(map, "format", ly->format->name);
	img_node_label(map, _("format"));
	if (ly->size != IMG_SIZE_UNKNOWN) {
		img_node_u64(map, "virtual-size", ly->size, IMG_UNIT_BYTES);
		img_node_label(map, _("virtual size"));
	}
	if (allocated_bytes(ly->store, &bytes)) {
		img_node_u64(map, "actual-size", bytes, IMG_UNIT_BYTES);
		img_node_label(map, _("disk size"));
	}
	add_lost(ly, map);
	return add_backing(ly, map, err) &&
	       ((add_kept(ly, map, err) && ly->format->info(ly, map, err)) ||
		img_within_file(err, ly->store->name));
}

bool img_info(struct img *im, bool with_chain, struct img_node *report, struct img_err *err)
{
	struct img_node *chain;

	if (!with_chain)
		return add_layer(&im->layers[0], report, err);
	chain = img_node_list(report, "chain");
	for (size_t i = 0; i < im->n_layers; i++)
		if (!add_layer(&im->layers[i], img_node_map(chain, "layer"), err))
			return false;
	return true;
}
