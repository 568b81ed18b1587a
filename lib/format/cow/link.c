/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an image stands on, changed in place, and an image that forgets what it holds. */
#include <inttypes.h>
#include <string.h>
#include "format/cow/disk.h"

/* ---- Links ----------------------------------------------------------------------------------- */

/* User-Mode Linux compares size and time of a file that it takes for a raw disk. */
static bool check_raw(const struct cow_header *hdr, const struct img_layer *below,
		      struct img_err *err)
{
	uint64_t size = 0;

	if (!below)
		return img_fail(err, IMG_E_ARGUMENT, _("an image of User-Mode Linux remembers the "
				"time of the file below, which must be there"));
	if (!img_store_size(below->store, &size, err))
		return false;
	return (below->format == &img_format_raw && size == hdr->size) ||
	       img_fail(err, IMG_E_ARGUMENT, _("User-Mode Linux reads images over a raw file of the "
			"same size as the disk, and no others"));
}

/*
 * User-Mode Linux takes an image of version 3 without a name for a wide one, divides by what it then
 * has for an alignment, and ends.  So it is a wide one, unless that would move the bitmap.
 */
static void choose_width(struct cow_header *hdr, bool named)
{
	struct cow_header other = *hdr;

	if (hdr->kind != COW_UML3 && hdr->kind != COW_UML3_WIDE)
		return;
	other.kind = named ? COW_UML3 : COW_UML3_WIDE;
	cow_header_place(&other);
	if (other.bitmap_off == hdr->bitmap_off)
		hdr->kind = other.kind;
}

static bool choose_name(struct cow_header *hdr, const struct img_layer_link *to,
			struct img_err *err)
{
	const size_t room = cow_layouts[hdr->kind].name_len;

	memset(hdr->name, 0, sizeof(hdr->name));
	hdr->time = 0;
	if (!to->backing)
		return true;
	if (strlen(to->backing) >= room)
		return img_fail(err, IMG_E_RANGE,
				_("the name of the backing file has more than %zu bytes"), room - 1);
	memcpy(hdr->name, to->backing, strlen(to->backing));
	return cow_is_uml(hdr) ? check_raw(hdr, to->below, err)
			       : img_backing_check_linked(to, err);
}

bool cow_link(struct img_layer *ly, const struct img_layer_link *to, struct img_err *err)
{
	struct cow *cow = ly->priv;
	struct cow_header hdr = cow->header;
	uint8_t raw[COW_DECODE_LEN];
	int64_t time = 0;

	choose_width(&hdr, to->backing);
	if (!choose_name(&hdr, to, err) ||
	    (to->backing && to->below && !img_store_time(to->below->store, &time, err)))
		return false;
	hdr.time = cow_time(hdr.kind, time);
	cow_header_encode(&hdr, raw);
	cow->header = hdr;
	return img_store_write(ly->store, 0, raw, cow_layouts[hdr.kind].len, err);
}

/* ---- Forgetting ------------------------------------------------------------------------------ */

/* The sectors become holes, so that the file takes no room for them. */
static bool drop_data(const struct cow_header *hdr, struct img_store *file, struct img_err *err)
{
	if (!(file->caps & IMG_STORE_RESIZE))
		return true;
	return img_store_resize(file, hdr->data_off, err) &&
	       img_store_resize(file, cow_file_end(hdr), err);
}

bool cow_empty(struct img_layer *ly, struct img_err *err)
{
	struct cow *cow = ly->priv;
	const struct cow_header *hdr = &cow->header;

	return img_store_zero(ly->store, hdr->bitmap_off, hdr->data_off - hdr->bitmap_off, false,
			      err) &&
	       drop_data(hdr, ly->store, err) && cow_disk_restart(cow, ly->store, err);
}
