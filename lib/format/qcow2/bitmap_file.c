/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bitmaps between memory and file: §"Bitmap directory", §"Bitmap table", §"Bitmap data".  What is
 * written goes to new clusters, so that the old ones hold until the header says otherwise.
 */
#include <inttypes.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/bitmap.h"

static uint64_t clusters_for(const struct qcow2 *q, uint64_t bytes)
{
	return img_div_up(bytes, qcow2_cluster_size(&q->geo));
}

/* ---- Directory ----------------------------------------------------------------------------------- */

static bool validate_place(const struct qcow2 *q, struct img_err *err)
{
	const struct qcow2_header *hdr = &q->header;

	if (hdr->n_bitmaps > QCOW2_BITMAPS_MAX || hdr->bitmap_dir_len > QCOW2_BITMAP_DIR_MAX)
		return img_fail(err, IMG_E_RANGE, _("%" PRIu32 " bitmaps in %" PRIu64
				" bytes are more than %d in 64 MiB"), hdr->n_bitmaps,
				hdr->bitmap_dir_len, QCOW2_BITMAPS_MAX);
	if (!hdr->bitmap_dir_off || hdr->bitmap_dir_off % qcow2_cluster_size(&q->geo))
		return img_fail(err, IMG_E_CORRUPT, _("0x%" PRIx64 " does not start a cluster"),
				hdr->bitmap_dir_off);
	return true;
}

static bool dir_load(const struct qcow2 *q, struct qcow2_bitmap_list *out, struct img_err *err)
{
	const size_t len = q->header.bitmap_dir_len;

	if (!validate_place(q, err))
		return false;
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(img_max_u64(len, 1), err);
	return raw && img_store_read(q->map.file, q->header.bitmap_dir_off, raw, len, err) &&
	       qcow2_bitmap_dir_decode(raw, len, q->header.n_bitmaps, q->geo.cluster_bits, out,
				       err);
}

bool qcow2_bitmap_dir_load(const struct qcow2 *q, struct qcow2_bitmap_list *out,
			   struct img_err *err)
{
	if (q->header.n_bitmaps)
		return dir_load(q, out, err) || img_within(err, _("bitmap directory"));
	*out = (struct qcow2_bitmap_list){ 0 };
	return true;
}

static bool dir_write(struct qcow2 *q, const struct qcow2_bitmap_list *list, bool in_use,
		      uint64_t host, struct img_err *err)
{
	const size_t len = qcow2_bitmap_dir_len(list);
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(len, err);

	if (!raw)
		return false;
	qcow2_bitmap_dir_encode(list, in_use, raw);
	return img_store_write(q->map.file, host, raw, len, err);
}

bool qcow2_bitmap_dir_store(struct qcow2 *q, const struct qcow2_bitmap_list *list, uint64_t *host,
			    struct img_err *err)
{
	const uint64_t n = clusters_for(q, qcow2_bitmap_dir_len(list));
	uint64_t at;

	if (!qcow2_disk_take(q, n, &at, err))
		return false;
	if (!dir_write(q, list, false, at, err)) {
		qcow2_disk_release(q, at, n);
		return img_within(err, _("bitmap directory"));
	}
	*host = at;
	return true;
}

bool qcow2_bitmap_dir_flag(struct qcow2 *q, const struct qcow2_bitmap_list *list, bool in_use,
			   struct img_err *err)
{
	return (dir_write(q, list, in_use, q->header.bitmap_dir_off, err) &&
		img_store_sync(q->map.file, err)) ||
	       img_within(err, _("bitmap directory"));
}

/* ---- Reading a bitmap ---------------------------------------------------------------------------- */

/* Clusters that the bits take; a bitmap of an empty disk has one as well. */
static uint64_t pieces(const struct qcow2 *q, const struct qcow2_bitmap *bm)
{
	return img_max_u64(clusters_for(q, qcow2_bitmap_bytes(bm, q->header.size)), 1);
}

static uint64_t pieces_max(const struct qcow2 *q)
{
	return (uint64_t)QCOW2_BITMAP_BYTES_MAX >> q->geo.cluster_bits;
}

bool qcow2_bitmap_make_bits(const struct qcow2 *q, struct qcow2_bitmap *bm, struct img_err *err)
{
	const uint64_t n = pieces(q, bm);

	if (n > pieces_max(q))
		return img_fail(err, IMG_E_RANGE, _("a granularity of %" PRIu64 " bytes makes it "
				"larger than 512 MiB"), UINT64_C(1) << bm->granularity_bits);
	free(bm->bits);
	bm->bits = img_calloc(n, qcow2_cluster_size(&q->geo), err);
	return bm->bits;
}

/* An entry of the table: 0 in *host when there is no cluster. */
static bool entry_decode(const struct qcow2 *q, uint64_t entry, uint64_t *host,
			 struct img_err *err)
{
	*host = entry & QCOW2_ENTRY_HOST;
	if ((entry & QCOW2_BITMAP_ENTRY_RESERVED) || (*host && (entry & QCOW2_BITMAP_ENTRY_ONES)))
		return img_fail(err, IMG_E_CORRUPT, _("0x%" PRIx64 " has reserved bits"), entry);
	if (*host % qcow2_cluster_size(&q->geo))
		return img_fail(err, IMG_E_CORRUPT, _("0x%" PRIx64 " does not start a cluster"),
				*host);
	return true;
}

static bool load_piece(const struct qcow2 *q, uint64_t entry, uint8_t *bits, struct img_err *err)
{
	const size_t len = qcow2_cluster_size(&q->geo);
	uint64_t host;

	if (!entry_decode(q, entry, &host, err))
		return false;
	if (host)
		return img_store_read(q->map.file, host, bits, len, err);
	if (entry & QCOW2_BITMAP_ENTRY_ONES)
		memset(bits, 0xff, len);
	return true;
}

static bool load_pieces(const struct qcow2 *q, struct qcow2_bitmap *bm, struct img_err *err)
{
	const size_t n = pieces(q, bm);

	if (bm->table_entries < n)
		return img_fail(err, IMG_E_CORRUPT, _("its table has %" PRIu32 " entries and needs "
				"%zu"), bm->table_entries, n);
	IMG_AUTO_FREE uint8_t *table = img_alloc_aligned(n * sizeof(uint64_t), err);
	if (!table ||
	    !img_store_read(q->map.file, bm->table_off, table, n * sizeof(uint64_t), err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!load_piece(q, img_get_be64(table + i * sizeof(uint64_t)),
				bm->bits + (i << q->geo.cluster_bits), err))
			return img_within(err, _("entry %zu"), i);
	qcow2_bitmap_trim(bm, q->header.size, n << q->geo.cluster_bits);
	return true;
}

bool qcow2_bitmap_load(const struct qcow2 *q, struct qcow2_bitmap *bm, struct img_err *err)
{
	if (bm->bits)
		return true;
	if (qcow2_bitmap_make_bits(q, bm, err) && load_pieces(q, bm, err))
		return true;
	free(bm->bits);
	bm->bits = NULL;
	return img_within(err, _("bitmap \"%s\""), bm->name);
}

/* ---- Writing a bitmap ---------------------------------------------------------------------------- */

/* Where the parts of a bitmap go: data clusters, and the table behind them. */
struct place {
	uint64_t host;
	size_t n_pieces, n_data, n_table;
	uint8_t *table;			/* owned */
};

static enum qcow2_bitmap_piece look(const struct qcow2 *q, const struct qcow2_bitmap *bm, size_t i)
{
	return qcow2_bitmap_look(bm, q->header.size, (uint64_t)i << q->geo.cluster_bits,
				 qcow2_cluster_size(&q->geo));
}

static bool take_place(struct qcow2 *q, const struct qcow2_bitmap *bm, struct place *place,
		       struct img_err *err)
{
	*place = (struct place){ .n_pieces = pieces(q, bm) };
	for (size_t i = 0; i < place->n_pieces; i++)
		place->n_data += look(q, bm, i) == QCOW2_BITMAP_MIXED;
	place->n_table = clusters_for(q, place->n_pieces * sizeof(uint64_t));
	place->table = img_calloc(place->n_table, qcow2_cluster_size(&q->geo), err);
	if (!place->table)
		return false;
	if (qcow2_disk_take(q, place->n_data + place->n_table, &place->host, err))
		return true;
	free(place->table);
	return false;
}

static bool write_place(struct qcow2 *q, const struct qcow2_bitmap *bm, const struct place *place,
			struct img_err *err)
{
	const size_t cluster = qcow2_cluster_size(&q->geo);
	uint64_t host = place->host;

	for (size_t i = 0; i < place->n_pieces; i++) {
		uint8_t *entry = place->table + i * sizeof(uint64_t);

		switch (look(q, bm, i)) {
		case QCOW2_BITMAP_ZEROS:
			break;
		case QCOW2_BITMAP_ONES:
			img_put_be64(entry, QCOW2_BITMAP_ENTRY_ONES);
			break;
		case QCOW2_BITMAP_MIXED:
			if (!img_store_write(q->map.file, host, bm->bits + i * cluster, cluster,
					     err))
				return false;
			img_put_be64(entry, host);
			host += cluster;
		}
	}
	return img_store_write(q->map.file, host, place->table, place->n_table * cluster, err);
}

bool qcow2_bitmap_store(struct qcow2 *q, struct qcow2_bitmap *bm, struct img_err *err)
{
	struct place place;

	if (!take_place(q, bm, &place, err))
		return img_within(err, _("bitmap \"%s\""), bm->name);
	const bool ok = write_place(q, bm, &place, err);
	free(place.table);
	if (!ok) {
		qcow2_disk_release(q, place.host, place.n_data + place.n_table);
		return img_within(err, _("bitmap \"%s\""), bm->name);
	}
	/* Stored again before the image is closed it is given up as one that was there before. */
	qcow2_disk_unguard(q, place.host, place.n_data + place.n_table);
	bm->table_off = place.host + (place.n_data << q->geo.cluster_bits);
	bm->table_entries = (uint32_t)place.n_pieces;
	return true;
}

/* ---- Freeing one --------------------------------------------------------------------------------- */

/* Whether the table is all legal, and leads to no other: of one that is not, nothing is believed. */
static bool is_legal(struct qcow2 *q, const uint8_t *table, size_t n)
{
	uint64_t host;

	for (size_t i = 0; i < n; i++)
		if (!entry_decode(q, img_get_be64(table + i * sizeof(uint64_t)), &host, NULL) ||
		    (host && qcow2_disk_has_table(q, host, 1)))
			return false;
	return true;
}

void qcow2_bitmap_release(struct qcow2 *q, uint64_t table_off, uint32_t table_entries)
{
	const size_t n = table_entries, len = n * sizeof(uint64_t);

	if (n > pieces_max(q) || qcow2_disk_has_table(q, table_off, clusters_for(q, len)))
		return;
	IMG_AUTO_FREE uint8_t *table = img_alloc_aligned(len, NULL);
	if (!table || !img_store_read(q->map.file, table_off, table, len, NULL) ||
	    !is_legal(q, table, n))
		return;
	for (size_t i = 0; i < n; i++) {
		const uint64_t host = img_get_be64(table + i * sizeof(uint64_t)) & QCOW2_ENTRY_HOST;

		if (host)
			qcow2_disk_release(q, host, 1);
	}
	qcow2_disk_release(q, table_off, clusters_for(q, len));
}
