/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An image that is written in place: its start and its end. */
#include "format/cow/disk.h"

#include "base/bytes.h"
#include "base/mem.h"

/* As granules want it. */
static void encode(const void *ctx, uint64_t at, uint8_t *raw)
{
	const struct cow *cow = ctx;
	const _Atomic uint64_t *words = cow->map.pieces[at / COW_PIECE_BYTES] +
					at % COW_PIECE_BYTES / 8;

	for (size_t i = 0; i < IMG_GRANULE / 8; i++)
		img_put_le64(raw + i * 8, words[i]);
}

static bool refuse(enum img_code code, const struct img_finding_kind *kind, struct img_err *err)
{
	return img_fail(err, code, _("a damaged image cannot be written: %s"), _(kind->text));
}

/* Whether all sectors that should be in the file are; asked only when it is short. */
static bool check_data(struct cow *cow, struct img_err *err)
{
	struct img_extent ex;

	for (uint64_t at = 0; at < cow->header.size; at += ex.len) {
		if (!cow_map_extent(&cow->map, at, cow->header.size, &ex, err))
			return false;
		if (ex.kind == IMG_EXTENT_LOST)
			return refuse(IMG_E_INCOMPLETE, &cow_found_data_outside, err);
	}
	return true;
}

static bool look_over(struct cow *cow, struct img_err *err)
{
	const struct cow_header *hdr = &cow->header;

	if (hdr->n_bits < hdr->n_sectors)
		return refuse(IMG_E_UNSUPPORTED, &cow_found_header_bits, err);
	if (cow_map_bits_there(&cow->map) < hdr->n_bits)
		return refuse(IMG_E_INCOMPLETE, &cow_found_bitmap_cut, err);
	return cow->map.file_size >= hdr->data_off + hdr->size || check_data(cow, err);
}

bool cow_disk_start(struct cow *cow, struct img_err *err)
{
	struct cow_disk *disk = img_calloc(1, sizeof(*disk), err);

	if (!disk)
		return false;
	cow->disk = disk;
	pthread_mutex_init(&disk->lock, NULL);
	img_claims_init(&disk->claims, &disk->lock);
	disk->bitmap = (struct img_granules){
		.file = cow->map.file, .off = cow->header.bitmap_off,
		.len = cow_bitmap_bytes(&cow->header), .encode = encode, .ctx = cow,
	};
	return img_granules_init(&disk->bitmap, err) && look_over(cow, err);
}

bool cow_disk_restart(struct cow *cow, struct img_store *file, struct img_err *err)
{
	const uint64_t cache_size = cow->map.looks.n * (uint64_t)COW_PIECE_BYTES;

	cow_disk_free(cow->disk);
	cow->disk = NULL;
	cow_map_clear(&cow->map);
	return cow_map_init(&cow->map, &cow->header, file, cache_size, err) && cow_disk_start(cow, err);
}

void cow_disk_free(struct cow_disk *disk)
{
	if (!disk)
		return;
	img_granules_clear(&disk->bitmap);
	img_claims_clear(&disk->claims);
	pthread_mutex_destroy(&disk->lock);
	free(disk);
}

const struct img_disk_ops cow_disk_ops = {
	.write = cow_disk_write,
	.zero = cow_disk_zero,
	.discard = cow_disk_discard,
	.flush = cow_disk_flush,
};
