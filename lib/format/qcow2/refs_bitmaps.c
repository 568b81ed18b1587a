/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the bitmap directory refers to, from the bytes alone. */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/refs_inside.h"

/* Bits belong to one bitmap alone, as a table does to its owner; the last of them may end the file. */
static bool visit_bitmap_entry(struct collection *c, uint64_t entry, uint64_t entry_at,
			       struct img_err *err)
{
	const uint64_t host = entry & QCOW2_ENTRY_HOST;
	bool whole;

	if ((entry & QCOW2_BITMAP_ENTRY_RESERVED) || !qcow2_refs_is_aligned(c, host) ||
	    (host && (entry & QCOW2_BITMAP_ENTRY_ONES)))
		return qcow2_refs_found(c, &qcow2_found_bitmap_entry, entry_at, IMG_NOWHERE, entry, err);
	if (!host)
		return true;
	if (host >> c->geo.cluster_bits >= c->n_clusters)
		return qcow2_refs_found(c, &qcow2_found_bitmap_outside, entry_at, IMG_NOWHERE, entry, err);
	return qcow2_refs_claim_table(c, QCOW2_USE_BITMAP, host, 1, &whole, err);
}

static bool visit_bitmap_table(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
			       struct img_err *err)
{
	struct collection *c = ctx;

	(void)index;
	for (size_t i = 0; i + 8 <= len; i += 8) {
		const uint64_t entry = img_get_be64(raw + i);

		if (entry && !visit_bitmap_entry(c, entry, host + i, err))
			return false;
	}
	return true;
}

static bool collect_bitmap(struct collection *c, const uint8_t *raw, uint64_t told_at,
			   struct img_err *err)
{
	const uint64_t host = img_get_be64(raw + QCOW2_BITMAP_TABLE_OFF);
	const uint64_t n_entries = img_get_be32(raw + QCOW2_BITMAP_TABLE_ENTRIES);
	bool whole;

	if (!n_entries)
		return true;
	if (!host || !qcow2_refs_is_aligned(c, host) || n_entries > QCOW2_BITMAP_TABLE_ENTRIES_MAX)
		return qcow2_refs_found(c, &qcow2_found_bitmap_table, told_at, IMG_NOWHERE, host, err);
	return qcow2_refs_claim_table(c, QCOW2_USE_BITMAP_TABLE, host, n_entries * 8, &whole, err) &&
	       (!whole ||
		qcow2_bulk_range(c->file, host, n_entries * 8, visit_bitmap_table, c, err));
}

/* The bytes of an entry of the directory with padding; 0: it does not end before len. */
static size_t bitmap_len(const uint8_t *raw, size_t len)
{
	if (len < QCOW2_BITMAP_EXTRA)
		return 0;
	const uint64_t whole = (uint64_t)QCOW2_BITMAP_EXTRA +
			       img_get_be32(raw + QCOW2_BITMAP_EXTRA_LEN) +
			       img_get_be16(raw + QCOW2_BITMAP_NAME_LEN);
	const uint64_t padded = img_round_up(whole, QCOW2_BITMAP_ALIGN);

	return padded <= len ? (size_t)padded : 0;
}

static bool collect_directory(struct collection *c, const uint8_t *raw, size_t len,
			      struct img_err *err)
{
	size_t used, at = 0;

	for (uint32_t i = 0; i < c->hdr->n_bitmaps; i++, at += used) {
		const uint64_t told_at = c->hdr->bitmap_dir_off + at;

		used = bitmap_len(raw + at, len - at);
		if (!used)
			return qcow2_refs_found(c, &qcow2_found_bitmap_directory, told_at, IMG_NOWHERE,
				     IMG_NOWHERE, err);
		if (!collect_bitmap(c, raw + at, told_at, err))
			return false;
	}
	return true;
}

static bool read_directory(struct collection *c, uint64_t host, size_t len, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(len, err);
	size_t got;

	return raw && img_store_read_some(c->file, host, raw, len, &got, err) &&
	       collect_directory(c, raw, got, err);
}

/* Without the feature bit nobody may use what the extension points to. */
bool qcow2_refs_collect_bitmaps(struct collection *c, struct img_err *err)
{
	const uint64_t host = c->hdr->bitmap_dir_off, len = c->hdr->bitmap_dir_len;
	bool whole;

	if (!c->hdr->n_bitmaps || !(c->hdr->autoclear & QCOW2_AUTOCLEAR_BITMAPS))
		return true;
	if (!host || !qcow2_refs_is_aligned(c, host) || !len || len > QCOW2_BITMAP_DIR_MAX ||
	    c->hdr->n_bitmaps > QCOW2_BITMAPS_MAX)
		return qcow2_refs_found(c, &qcow2_found_bitmap_directory, 0, IMG_NOWHERE, host, err);
	return qcow2_refs_claim_table(c, QCOW2_USE_BITMAP_DIRECTORY, host, len, &whole, err) &&
	       (!whole || read_directory(c, host, (size_t)len, err));
}
