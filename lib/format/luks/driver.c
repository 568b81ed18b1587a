/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The LUKS driver: probing, opening and closing, and the table that ties its files together. */
#include <inttypes.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/luks/luks.h"
#include "format/luks/new.h"
#include "store/zeros.h"

static int luks_probe(const struct img_peek *peek)
{
	static const uint8_t magic[] = { 'L', 'U', 'K', 'S', 0xba, 0xbe };

	return peek->head_len >= sizeof(magic) && !memcmp(peek->head, magic, sizeof(magic)) ? 100 : 0;
}

/* The second copy of a header of version 2, which stands where the first one ends. */
static bool luks_remains(const uint8_t *head, size_t len)
{
	static const uint8_t magic[] = { 'S', 'K', 'U', 'L', 0xba, 0xbe };

	for (size_t at = 16 << 10; at + sizeof(magic) <= len; at *= 2)
		if (!memcmp(head + at, magic, sizeof(magic)))
			return true;
	return false;
}

/* ---- Bytes of the disk --------------------------------------------------------------------------- */

bool luks_sealed_at(const struct img_layer *ly, uint64_t at, struct img_sealed *out,
		    struct img_err *err)
{
	const struct luks *luks = ly->priv;

	*out = (struct img_sealed){
		.cipher = luks->volume.cipher, .store = ly->store,
		.host = luks->volume.payload_at + at, .iv = at, .sector = luks->volume.sector,
	};
	return out->cipher ||
	       img_fail(err, IMG_E_KEY, _("the image is encrypted, and no key was given"));
}

bool luks_write_zeros(const struct img_layer *ly, struct img_store *st, uint64_t at, uint64_t len,
		      struct img_err *err)
{
	struct img_sealed run;

	if (!luks_sealed_at(ly, at, &run, err))
		return false;
	run.store = st;
	for (uint64_t done = 0; done < len; done += IMG_ZEROS_BYTES) {
		const struct img_sealed rest = img_sealed_from(run, done);

		if (!img_sealed_write(&rest, img_zeros, img_min_u64(IMG_ZEROS_BYTES, len - done), err))
			return false;
	}
	return true;
}

static bool luks_extent(struct img_layer *ly, uint64_t at, uint64_t limit, struct img_extent *out,
			struct img_err *err)
{
	const struct luks *luks = ly->priv;
	const uint64_t host = luks->volume.payload_at + at, there = luks->end - host;

	(void)err;
	*out = (struct img_extent){ .start = at, .len = limit - at, .kind = IMG_EXTENT_LOST };
	if (host >= luks->end) {
		out->loss = IMG_E_INCOMPLETE;
		out->why = luks_found_data_cut.text;
		return true;
	}
	out->kind = IMG_EXTENT_ENCODED;
	out->encrypted = true;
	out->len = out->host_len = img_min_u64(limit - at, there);
	out->store = ly->store;
	out->host = host;
	return true;
}

static bool luks_read(struct img_layer *ly, uint64_t at, void *buf, size_t len, struct img_err *err)
{
	const struct luks *luks = ly->priv;
	struct img_sealed run;

	if (luks->disk)
		return luks_disk_read(ly, at, buf, len, err);
	return luks_sealed_at(ly, at, &run, err) && img_sealed_read(&run, buf, len, err);
}

/* ---- Opening ------------------------------------------------------------------------------------- */

static void luks_free(struct luks *luks)
{
	if (!luks)
		return;
	luks_disk_free(luks->disk);
	img_luks_volume_close(&luks->volume);
	free(luks->fresh);
	free(luks);
}

/* What a header says can be had without the data. */
static bool check_alone(struct luks *luks, const struct img_layer_open *how, struct img_err *err)
{
	luks->alone = (how->flags & IMG_OPEN_NO_KEY) && !(how->flags & IMG_OPEN_WRITE);
	return luks->alone || img_fail(err, IMG_E_UNSUPPORTED, "%s",
				       _(luks_found_data_apart.text));
}

/* How long the disk is, in whole sectors, and where the file ends. */
static bool measure(struct img_layer *ly, struct luks *luks, struct img_err *err)
{
	const struct img_luks_volume *volume = &luks->volume;
	uint64_t length, there;

	if (!img_store_size(ly->store, &length, err))
		return false;
	if (length < volume->payload_at)
		return img_fail(err, IMG_E_INCOMPLETE, _("the file ends at 0x%" PRIx64 ", and the encrypted "
				"data start at 0x%" PRIx64), length, volume->payload_at);
	there = img_round_down(length - volume->payload_at, volume->sector);
	luks->end = volume->payload_at + there;
	ly->size = volume->payload_len ? volume->payload_len : there;
	return true;
}

static bool unlock(struct img_layer *ly, struct luks *luks, const struct img_layer_open *how,
		   struct img_err *err)
{
	if (how->flags & IMG_OPEN_NO_KEY)
		return img_luks_look(luks_header(ly), 0, 0, &luks->volume, err);
	return img_luks_unlock(luks_header(ly), 0, 0, how->keys, &luks->volume, err);
}

static bool open_all(struct img_layer *ly, struct luks *luks, const struct img_layer_open *how,
		     struct img_err *err)
{
	if (!unlock(ly, luks, how, err))
		return ly->header && img_within(err, "%s", ly->header->name);
	if (!luks->volume.payload_at && !ly->header)
		return check_alone(luks, how, err);
	if (!measure(ly, luks, err))
		return false;
	if (how->flags & IMG_OPEN_WRITE)
		luks->disk = luks_disk_new(err);
	return luks->disk || !(how->flags & IMG_OPEN_WRITE);
}

static bool luks_open(struct img_layer *ly, const struct img_layer_open *how, struct img_err *err)
{
	struct luks *luks;

	if (how->snapshot)
		return img_fail(err, IMG_E_UNSUPPORTED, _("LUKS images have no snapshots"));
	luks = img_calloc(1, sizeof(*luks), err);
	if (!luks)
		return false;
	if (!open_all(ly, luks, how, err)) {
		luks_free(luks);
		return false;
	}
	ly->priv = luks;
	ly->unit = luks->volume.sector;
	return true;
}

static void luks_close(struct img_layer *ly)
{
	luks_free(ly->priv);
	ly->priv = NULL;
}

static bool luks_info(struct img_layer *ly, struct img_node *report, struct img_err *err)
{
	struct img_node *own = img_node_map(report, "format-specific");

	img_node_label(report, _("format specific"));
	if (ly->header) {
		img_node_text(own, "header-filename", ly->header->name);
		img_node_label(own, _("file of the header"));
	}
	return img_luks_report(luks_header(ly), 0, own, err);
}

static const char *luks_oddity(const struct img_layer *ly)
{
	const struct luks *luks = ly->priv;

	return luks->alone ? luks_found_data_apart.text : NULL;
}

const struct img_format img_format_luks = {
	.name = "luks",
	.extensions = "luks",
	.caps = IMG_FMT_CREATE | IMG_FMT_SEQUENTIAL | IMG_FMT_RESIZE,
	.header_apart = true,
	.create_options = luks_create_options,
	.probe = luks_probe,
	.remains = luks_remains,
	.open = luks_open,
	.create = luks_create,
	.close = luks_close,
	.extent = luks_extent,
	.read = luks_read,
	.info = luks_info,
	.oddity = luks_oddity,
	.write = &luks_write_ops,
	.disk = &luks_disk_ops,
	.resize = luks_resize,
	.check = &luks_check_ops,
};
