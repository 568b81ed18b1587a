/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * raw: the guest's bytes and nothing else.  Files, block devices and pipes; any length.
 */
#include <inttypes.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/format.h"
#include "format/raw/raw.h"

struct raw {
	enum img_preallocation preallocation;
	uint64_t covered;	/* while writing: guest bytes below this have their space */
	bool leaves_holes;	/* while writing: has its full length, and gaps stay as they are */
};

static const struct img_option raw_create_options[] = {
	{ "preallocation", IMG_OPT_CHOICE, "off|falloc|full", "off",
	  N_("how space is set aside for what reads as zeros") },
	{ NULL },
};

static int raw_probe(const struct img_peek *peek)
{
	(void)peek;
	return 1;	/* anything may be raw: the answer when no other driver has one */
}

static bool raw_open(struct img_layer *ly, const struct img_layer_open *how, struct img_err *err)
{
	if (how->snapshot)
		return img_fail(err, IMG_E_UNSUPPORTED, _("raw images have no snapshots"));
	ly->unit = 1;
	ly->size = IMG_SIZE_UNKNOWN;
	if (!(ly->store->caps & IMG_STORE_SEEK))
		return true;
	return img_store_size(ly->store, &ly->size, err);
}

/* Nothing can be left out of a stream. */
static bool can_have_gaps(const struct img_store *st)
{
	return (st->caps & IMG_STORE_FRESH) && (st->caps & IMG_STORE_SEEK);
}

/* Space can be set aside for runs of data where what is not used can be given back. */
static bool leaves_holes(const struct img_layer *ly, const struct img_layer_create *what)
{
	const struct raw *raw = ly->priv;

	return !what->in_place && can_have_gaps(ly->store) &&
	       (ly->store->caps & IMG_STORE_RESIZE) && ly->size != IMG_SIZE_UNKNOWN &&
	       raw->preallocation == IMG_PREALLOC_OFF;
}

static bool raw_create(struct img_layer *ly, const struct img_layer_create *what,
		       struct img_err *err)
{
	uint64_t room;
	struct raw *raw;

	if (what->compressed)
		return img_fail(err, IMG_E_UNSUPPORTED, _("raw images cannot be compressed"));
	if (what->backing)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("raw images cannot have a backing file"));
	if (what->in_place && what->size != IMG_SIZE_UNKNOWN) {
		if (!img_store_size(ly->store, &room, err))
			return false;
		if (room < what->size)
			return img_fail(err, IMG_E_RANGE,
					_("has room for %" PRIu64 " bytes, %" PRIu64
					  " are needed"), room, what->size);
	}
	raw = img_calloc(1, sizeof(*raw), err);
	if (!raw)
		return false;
	raw->preallocation = img_settings_preallocation(what->settings);
	ly->priv = raw;
	ly->unit = 1;
	ly->size = what->size;
	ly->takes_plain = true;
	ly->reads_as_zero = what->in_place ? what->reads_as_zero : can_have_gaps(ly->store);
	raw->leaves_holes = leaves_holes(ly, what);
	if (!raw->leaves_holes || img_store_resize(ly->store, ly->size, err))
		return true;
	ly->priv = NULL;
	free(raw);
	return false;
}

static void raw_close(struct img_layer *ly)
{
	free(ly->priv);
}

static bool raw_extent(struct img_layer *ly, uint64_t at, uint64_t limit, struct img_extent *out,
		       struct img_err *err)
{
	return img_store_extent(ly->store, at, limit, out, err);
}

/* Beyond what every image has: that the disk went on.  Where it cannot be read, others will tell. */
static bool raw_info(struct img_layer *ly, struct img_node *report, struct img_err *err)
{
	struct img_err why = { 0 };
	struct raw_gpt gpt;

	(void)err;
	if (!(ly->store->caps & IMG_STORE_SEEK) || !raw_gpt_read(ly->store, &gpt, &why) ||
	    gpt.end <= ly->size)
		return true;
	img_node_u64(report, "missing-at-least", gpt.end - ly->size, IMG_UNIT_BYTES);
	img_node_label(report, _("missing at the end of the file, at least"));
	return true;
}

/* Gives the gap before at its space; what lies in it was skipped because it reads as zeros. */
static bool raw_cover(struct img_layer *ly, uint64_t at, uint64_t end, struct img_err *err)
{
	struct raw *raw = ly->priv;
	const uint64_t gap = raw->covered;

	raw->covered = end;
	if (raw->preallocation == IMG_PREALLOC_OFF || gap >= at)
		return true;
	return img_store_preallocate(ly->store, gap, at - gap, raw->preallocation, err);
}

static bool raw_reserve(struct img_layer *ly, struct img_slot *slots, size_t n,
			struct img_err *err)
{
	const struct raw *raw = ly->priv;

	(void)err;
	for (size_t i = 0; i < n; i++) {
		slots[i].store = ly->store;
		slots[i].host = slots[i].at;
		if (raw->leaves_holes)
			img_store_expect_run(ly->store, slots[i].at, slots[i].at + slots[i].len);
	}
	return true;
}

static bool raw_publish(struct img_layer *ly, const struct img_slot *slots, size_t n,
			struct img_err *err)
{
	for (size_t i = 0; i < n; i++)
		if (!raw_cover(ly, slots[i].at, slots[i].at + slots[i].len, err))
			return false;
	return true;
}

static bool raw_zero(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	struct raw *raw = ly->priv;

	if (ly->reads_as_zero)
		return true;	/* a gap: raw_cover() comes past it */
	return raw_cover(ly, at, at + len, err) &&
	       img_store_zero(ly->store, at, len, raw->preallocation != IMG_PREALLOC_OFF, err);
}

static bool raw_finish(struct img_layer *ly, struct img_err *err)
{
	const struct raw *raw = ly->priv;
	uint64_t length;

	if (raw->leaves_holes)
		img_store_expect_run(ly->store, ly->size, ly->size);
	if (!raw_cover(ly, ly->size, ly->size, err))
		return false;
	if (!(ly->store->caps & IMG_STORE_RESIZE))
		return true;
	if (!img_store_size(ly->store, &length, err))
		return false;
	/* Written in place, the file may be longer than the disk, and stays so. */
	return length >= ly->size || img_store_resize(ly->store, ly->size, err);
}

/* ---- Writing in place ---------------------------------------------------------------------------- */

static bool raw_disk_write(struct img_layer *ly, uint64_t at, const void *buf, size_t len,
			   struct img_err *err)
{
	return img_store_write(ly->store, at, buf, len, err);
}

static bool raw_disk_zero(struct img_layer *ly, uint64_t at, uint64_t len, bool unmap,
			  struct img_err *err)
{
	return img_store_zero(ly->store, at, len, !unmap, err);
}

/* Where nothing is gained by it the bytes stay. */
static bool raw_disk_discard(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	return !(ly->store->caps & IMG_STORE_ZERO) ||
	       img_store_zero(ly->store, at, len, false, err);
}

static bool raw_disk_flush(struct img_layer *ly, bool *freed, struct img_err *err)
{
	*freed = false;
	return img_store_sync(ly->store, err);
}

static bool raw_disk_finish(struct img_layer *ly, struct img_err *err)
{
	(void)ly;
	(void)err;
	return true;	/* there is nothing beside the guest's bytes */
}

static bool raw_resize(struct img_layer *ly, const struct img_layer_resize *how,
		       struct img_err *err)
{
	const uint64_t old = ly->size;

	if (!(ly->store->caps & IMG_STORE_RESIZE))
		return img_fail(err, IMG_E_UNSUPPORTED, _("a block device keeps its size"));
	if (how->preallocation == IMG_PREALLOC_METADATA)
		return img_fail(err, IMG_E_UNSUPPORTED, _("raw images have no metadata"));
	if (!img_store_resize(ly->store, how->size, err))
		return false;
	ly->size = how->size;
	return how->size < old ||
	       img_store_preallocate(ly->store, old, how->size - old, how->preallocation, err);
}

static const struct img_disk_ops raw_disk_ops = {
	.write = raw_disk_write,
	.zero = raw_disk_zero,
	.discard = raw_disk_discard,
	.flush = raw_disk_flush,
	.finish = raw_disk_finish,
};

static const struct img_write_ops raw_write_ops = {
	.reserve = raw_reserve,
	.publish = raw_publish,
	.zero = raw_zero,
	.finish = raw_finish,
};

const struct img_format img_format_raw = {
	.name = "raw",
	.extensions = "raw|img|dd|bin|iso",
	.caps = IMG_FMT_CREATE | IMG_FMT_SEQUENTIAL | IMG_FMT_STREAM | IMG_FMT_RESIZE,
	.identity = true,
	.tells_missing = true,
	.create_options = raw_create_options,
	.probe = raw_probe,
	.open = raw_open,
	.create = raw_create,
	.close = raw_close,
	.extent = raw_extent,
	.info = raw_info,
	.write = &raw_write_ops,
	.disk = &raw_disk_ops,
	.resize = raw_resize,
	.check = &raw_check_ops,
};
