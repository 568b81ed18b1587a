/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header of hosted sparse extents, and what holds for the headers of all kinds. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include "base/bytes.h"
#include "base/err.h"
#include "base/num.h"
#include "format/vmdk/header.h"
#include "format/vmdk/layout.h"

enum vmdk_kind vmdk_kind_of(const uint8_t *head, size_t len)
{
	if (len >= 4 && !memcmp(head, VMDK_MAGIC, 4))
		return VMDK_KIND_HOSTED;
	if (len >= 4 && !memcmp(head, VMDK_COWD_MAGIC, 4))
		return VMDK_KIND_COWD;
	if (len >= 8 && img_get_le64(head + VMDK_SE_MAGIC) == VMDK_SE_MAGIC_VALUE)
		return VMDK_KIND_SESPARSE;
	return VMDK_KIND_NONE;
}

bool vmdk_sectors(uint64_t sectors, uint64_t *bytes, struct img_err *err)
{
	if (sectors > INT64_MAX / VMDK_SECTOR)
		return img_fail(err, IMG_E_CORRUPT,
				_("the header has a place or size of %" PRIu64 " sectors"), sectors);
	*bytes = sectors * VMDK_SECTOR;
	return true;
}

bool vmdk_header_validate(struct vmdk_header *hdr, struct img_err *err)
{
	if (!img_is_pow2(hdr->grain) || hdr->grain < VMDK_SECTOR ||
	    hdr->grain > VMDK_GRAIN_SECTORS_MAX * VMDK_SECTOR)
		return img_fail(err, IMG_E_CORRUPT, _("grains of %" PRIu64 " bytes"), hdr->grain);
	hdr->n_gd = img_div_up(hdr->capacity, hdr->grain * hdr->gt_entries);
	if (hdr->n_gd > VMDK_GD_ENTRIES_MAX)
		return img_fail(err, IMG_E_RANGE,
				_("the disk needs a grain directory of %" PRIu64 " entries"),
				hdr->n_gd);
	return true;
}

/* Bytes that a transfer as text would change. */
static const char line_ends[4] = { '\n', ' ', '\r', '\n' };

/* ---- Hosted ---------------------------------------------------------------------------------- */

static bool check_features(const uint8_t *raw, struct vmdk_header *hdr, struct img_err *err)
{
	const uint16_t compression = img_get_le16(raw + VMDK_HDR_COMPRESSION);

	if (hdr->version < 1 || hdr->version > VMDK_VERSION_MAX)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("version %" PRIu32 " of the format is not known"), hdr->version);
	if ((hdr->flags & VMDK_FLAG_LINE_ENDS) &&
	    memcmp(raw + VMDK_HDR_LINE_ENDS, line_ends, 4) != 0)
		return img_fail(err, IMG_E_CORRUPT,
				_("a transfer as text has changed the line ends in the file"));
	if (compression > VMDK_COMPRESSION_DEFLATE)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("compression method %u is not known"), compression);
	hdr->compressed = compression == VMDK_COMPRESSION_DEFLATE;
	hdr->markers = hdr->flags & VMDK_FLAG_MARKERS;
	return true;
}

static bool decode_places(const uint8_t *raw, struct vmdk_header *hdr, struct img_err *err)
{
	const uint64_t gd = img_get_le64(raw + VMDK_HDR_GD_AT);
	const bool redundant = hdr->flags & VMDK_FLAG_REDUNDANT;

	hdr->gd_at_end = gd == VMDK_GD_AT_END;
	/* Nobody needs it to find a grain: whatever it says, the image can be read. */
	if (!vmdk_sectors(img_get_le64(raw + VMDK_HDR_OVERHEAD), &hdr->overhead, NULL))
		hdr->overhead = 0;
	return vmdk_sectors(img_get_le64(raw + VMDK_HDR_CAPACITY), &hdr->capacity, err) &&
	       vmdk_sectors(img_get_le64(raw + VMDK_HDR_GRAIN), &hdr->grain, err) &&
	       vmdk_sectors(hdr->gd_at_end ? 0 : gd, &hdr->gd_at, err) &&
	       vmdk_sectors(redundant ? img_get_le64(raw + VMDK_HDR_RGD_AT) : 0, &hdr->rgd_at,
			    err) &&
	       vmdk_sectors(img_get_le64(raw + VMDK_HDR_DESC_AT), &hdr->desc_at, err) &&
	       vmdk_sectors(hdr->desc_at ? img_get_le64(raw + VMDK_HDR_DESC_LEN) : 0,
			    &hdr->desc_len, err);
}

static bool decode_hosted(const uint8_t *raw, struct vmdk_header *hdr, struct img_err *err)
{
	hdr->version = img_get_le32(raw + VMDK_HDR_VERSION);
	hdr->flags = img_get_le32(raw + VMDK_HDR_FLAGS);
	hdr->gt_entries = img_get_le32(raw + VMDK_HDR_GT_ENTRIES);
	hdr->entry_len = sizeof(uint32_t);
	hdr->unclean = raw[VMDK_HDR_UNCLEAN];
	if (!check_features(raw, hdr, err) || !decode_places(raw, hdr, err))
		return false;
	if (!hdr->gt_entries || hdr->gt_entries > VMDK_GT_ENTRIES_MAX)
		return img_fail(err, IMG_E_CORRUPT,
				_("grain tables of %" PRIu32 " entries"), hdr->gt_entries);
	return vmdk_header_validate(hdr, err);
}

static void put_sectors(uint8_t *to, uint64_t bytes)
{
	assert(bytes % VMDK_SECTOR == 0);
	img_put_le64(to, bytes / VMDK_SECTOR);
}

void vmdk_header_encode(const struct vmdk_header *hdr, uint8_t *raw)
{
	memset(raw, 0, VMDK_HDR_LEN);
	memcpy(raw, VMDK_MAGIC, 4);
	img_put_le32(raw + VMDK_HDR_VERSION, hdr->version);
	img_put_le32(raw + VMDK_HDR_FLAGS, hdr->flags);
	put_sectors(raw + VMDK_HDR_CAPACITY, hdr->capacity);
	put_sectors(raw + VMDK_HDR_GRAIN, hdr->grain);
	put_sectors(raw + VMDK_HDR_DESC_AT, hdr->desc_at);
	put_sectors(raw + VMDK_HDR_DESC_LEN, hdr->desc_len);
	img_put_le32(raw + VMDK_HDR_GT_ENTRIES, hdr->gt_entries);
	put_sectors(raw + VMDK_HDR_RGD_AT, hdr->rgd_at);
	if (hdr->gd_at_end)
		img_put_le64(raw + VMDK_HDR_GD_AT, VMDK_GD_AT_END);
	else
		put_sectors(raw + VMDK_HDR_GD_AT, hdr->gd_at);
	put_sectors(raw + VMDK_HDR_OVERHEAD, hdr->overhead);
	raw[VMDK_HDR_UNCLEAN] = hdr->unclean;
	if (hdr->flags & VMDK_FLAG_LINE_ENDS)
		memcpy(raw + VMDK_HDR_LINE_ENDS, line_ends, 4);
	img_put_le16(raw + VMDK_HDR_COMPRESSION,
		     hdr->compressed ? VMDK_COMPRESSION_DEFLATE : 0);
}

/* ---- Any kind -------------------------------------------------------------------------------- */

static bool decode_kind(const uint8_t *raw, struct vmdk_header *hdr, struct img_err *err)
{
	switch (hdr->kind) {
	case VMDK_KIND_HOSTED:
		return decode_hosted(raw, hdr, err);
	case VMDK_KIND_COWD:
		return vmdk_cowd_decode(raw, hdr, err);
	case VMDK_KIND_SESPARSE:
		return vmdk_sesparse_decode(raw, hdr, err);
	case VMDK_KIND_NONE:
		break;
	}
	return img_fail(err, IMG_E_NOT_THIS_FORMAT, _("this is no VMDK image"));
}

bool vmdk_header_decode(const uint8_t *raw, size_t len, struct vmdk_header *out,
			struct img_err *err)
{
	struct vmdk_header hdr = { .kind = vmdk_kind_of(raw, len) };

	if (hdr.kind != VMDK_KIND_NONE && len < VMDK_HEAD_BYTES)
		return img_fail(err, IMG_E_INCOMPLETE, _("the file ends inside its header"));
	if (!decode_kind(raw, &hdr, err))
		return false;
	*out = hdr;
	return true;
}
