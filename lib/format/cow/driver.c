/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cow driver: probing, opening and closing, and the table that ties its files together. */
#include "base/bytes.h"
#include "base/mem.h"
#include "format/cow/disk.h"
#include "format/cow/salvage.h"

static int cow_probe(const struct img_peek *peek)
{
	uint32_t version;

	if (peek->head_len < COW_HDR_VERSION + 4)
		return 0;
	version = img_get_be32(peek->head + COW_HDR_VERSION);
	if (img_get_be32(peek->head + COW_HDR_MAGIC) == COW_MAGIC)
		return version && version < 0x100 ? 90 : 0;
	if (img_get_le32(peek->head + COW_HDR_MAGIC) == COW_MAGIC)
		return img_get_le32(peek->head + COW_HDR_VERSION) == 1 ? 90 : 0;
	return 0;
}

void cow_free(struct cow *cow)
{
	if (!cow)
		return;
	cow_disk_free(cow->disk);
	cow_salvage_free(cow->salvage);
	cow_map_clear(&cow->map);
	free(cow);
}

/* User-Mode Linux takes whatever is below for a raw disk; QEMU finds out what it is. */
static bool tell_backing(const struct cow_header *hdr, struct img_layer *ly, struct img_err *err)
{
	if (!hdr->name[0])
		return true;
	ly->backing = img_strdup(hdr->name, err);
	if (cow_is_uml(hdr))
		ly->backing_format = img_strdup("raw", err);
	return ly->backing && (!cow_is_uml(hdr) || ly->backing_format);
}

static void take(struct cow *cow, struct img_layer *ly)
{
	ly->priv = cow;
	ly->size = cow->header.size;
	ly->unit = cow->header.sector;
}

static void give_up(struct cow *cow, struct img_layer *ly)
{
	free(ly->backing);
	ly->backing = NULL;
	cow_free(cow);
}

static bool cow_open(struct img_layer *ly, const struct img_layer_open *how, struct img_err *err)
{
	struct cow *cow;

	if (how->snapshot)
		return img_fail(err, IMG_E_UNSUPPORTED, _("cow images have no snapshots"));
	cow = img_calloc(1, sizeof(*cow), err);
	if (!cow)
		return false;
	if (!cow_header_read(ly->store, &cow->header, err) ||
	    !cow_map_init(&cow->map, &cow->header, ly->store, how->cache_size, err) ||
	    ((how->flags & IMG_OPEN_WRITE) && !cow_disk_start(cow, err)) ||
	    !tell_backing(&cow->header, ly, err)) {
		give_up(cow, ly);
		return false;
	}
	take(cow, ly);
	return true;
}

static bool cow_salvage(struct img_layer *ly, const struct img_layer_open *how,
			struct img_err *err)
{
	struct cow *cow = img_calloc(1, sizeof(*cow), err);

	if (cow)
		cow->salvage = cow_salvage_new(ly->store, how->size, &ly->salvaged, err);
	if (!cow || !cow->salvage) {
		cow_free(cow);
		return false;
	}
	cow->header = cow->salvage->hdr;
	if (!cow_map_init(&cow->map, &cow->header, cow->salvage->overlay, how->cache_size,
			  err) ||
	    !tell_backing(&cow->header, ly, err)) {
		give_up(cow, ly);
		return false;
	}
	take(cow, ly);
	return true;
}

static void cow_close(struct img_layer *ly)
{
	cow_free(ly->priv);
	ly->priv = NULL;
}

static bool cow_extent(struct img_layer *ly, uint64_t at, uint64_t limit, struct img_extent *out,
		       struct img_err *err)
{
	struct cow *cow = ly->priv;

	if (!cow_map_extent(&cow->map, at, limit, out, err))
		return false;
	if (cow->salvage)
		cow_salvage_judge(cow->salvage, out);
	return true;
}

/* As User-Mode Linux does it: size and time of the file below are what they were. */
static const char *cow_mismatch(const struct img_layer *ly, const struct img_layer *below)
{
	const struct cow_header *hdr = &((const struct cow *)ly->priv)->header;
	uint64_t size;
	int64_t time;

	if (!cow_is_uml(hdr))
		return NULL;
	if (img_store_size(below->store, &size, NULL) && size != hdr->size)
		return N_("the file that it stands on has another size than when it was made");
	if (img_store_time(below->store, &time, NULL) && cow_time(hdr->kind, time) != hdr->time)
		return N_("the file that it stands on has changed since: its time is another one");
	return NULL;
}

const struct img_format img_format_cow = {
	.name = "cow",
	.extensions = "cow",
	.caps = IMG_FMT_CREATE | IMG_FMT_BACKING | IMG_FMT_RESIZE,
	.create_options = cow_create_options,
	.probe = cow_probe,
	.remains = cow_remains,
	.open = cow_open,
	.salvage = cow_salvage,
	.create = cow_create,
	.close = cow_close,
	.extent = cow_extent,
	.info = cow_info,
	.mismatch = cow_mismatch,
	.write = &cow_write_ops,
	.disk = &cow_disk_ops,
	.resize = cow_resize,
	.link = cow_link,
	.empty = cow_empty,
	.check = &cow_check_ops,
};
