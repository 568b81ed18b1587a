/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header of a VDI file from and to bytes, and what is legal in it.  Pure but for the read. */
#include <inttypes.h>
#include <string.h>
#include "base/bytes.h"
#include "base/num.h"
#include "format/vdi/vdi.h"

static void get_uuid(const uint8_t *raw, struct img_uuid *out)
{
	memcpy(out->raw, raw, IMG_UUID_BYTES);
}

static void get_comment(const uint8_t *raw, struct vdi_header *hdr)
{
	memcpy(hdr->comment, raw, VDI_COMMENT_LEN - 1);
	hdr->comment[VDI_COMMENT_LEN - 1] = '\0';
}

static void decode_v0(const uint8_t *raw, struct vdi_header *hdr)
{
	uint64_t data_off;

	hdr->type = img_get_le32(raw + VDI_V0_TYPE);
	get_comment(raw + VDI_V0_COMMENT, hdr);
	hdr->size = img_get_le64(raw + VDI_V0_SIZE);
	hdr->block_size = img_get_le32(raw + VDI_V0_BLOCK_SIZE);
	hdr->n_blocks = img_get_le32(raw + VDI_V0_BLOCKS);
	hdr->n_allocated = img_get_le32(raw + VDI_V0_ALLOCATED);
	get_uuid(raw + VDI_V0_UUID, &hdr->uuid);
	get_uuid(raw + VDI_V0_MODIFIED, &hdr->modified);
	get_uuid(raw + VDI_V0_PARENT, &hdr->parent);
	hdr->map_off = VDI_V0_END;
	/* What does not fit in 32 bits is refused, as it is below where it is a field. */
	data_off = VDI_V0_END + (uint64_t)hdr->n_blocks * VDI_ENTRY_LEN;
	hdr->data_off = (uint32_t)img_min_u64(data_off, UINT32_MAX);
}

void vdi_header_fields(const uint8_t *raw, struct vdi_header *hdr)
{
	hdr->type = img_get_le32(raw + VDI_HDR_TYPE);
	get_comment(raw + VDI_HDR_COMMENT, hdr);
	hdr->map_off = img_get_le32(raw + VDI_HDR_MAP_OFF);
	hdr->data_off = img_get_le32(raw + VDI_HDR_DATA_OFF);
	hdr->size = img_get_le64(raw + VDI_HDR_SIZE);
	hdr->block_size = img_get_le32(raw + VDI_HDR_BLOCK_SIZE);
	hdr->block_extra = img_get_le32(raw + VDI_HDR_BLOCK_EXTRA);
	hdr->n_blocks = img_get_le32(raw + VDI_HDR_BLOCKS);
	hdr->n_allocated = img_get_le32(raw + VDI_HDR_ALLOCATED);
	get_uuid(raw + VDI_HDR_UUID, &hdr->uuid);
	get_uuid(raw + VDI_HDR_MODIFIED, &hdr->modified);
	get_uuid(raw + VDI_HDR_PARENT, &hdr->parent);
	get_uuid(raw + VDI_HDR_PARENT_MODIFIED, &hdr->parent_modified);
}

static bool decode_v1(const uint8_t *raw, struct vdi_header *hdr, struct img_err *err)
{
	const uint32_t len = img_get_le32(raw + VDI_HDR_LEN);

	if (len < VDI_HDR_END - VDI_HDR_LEN)
		return img_fail(err, IMG_E_CORRUPT, _("a header length of %" PRIu32 " bytes"), len);
	vdi_header_fields(raw, hdr);
	return true;
}

/* ---- What is legal --------------------------------------------------------------------------- */

static bool validate_type(const struct vdi_header *hdr, struct img_err *err)
{
	if (hdr->type < VDI_TYPE_DYNAMIC || hdr->type > VDI_TYPE_DIFFERENCING)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("the image is of type %u, which is not known here"),
				(unsigned)hdr->type);
	if (vdi_has_parent(hdr) && img_uuid_is_nil(&hdr->parent))
		return img_fail(err, IMG_E_CORRUPT,
				_("the image stands on another one, but does not say on which"));
	return true;
}

static bool validate_blocks(const struct vdi_header *hdr, struct img_err *err)
{
	if (!img_is_pow2(hdr->block_size) || hdr->block_size < VDI_SECTOR ||
	    hdr->block_size > VDI_BLOCK_SIZE_MAX)
		return img_fail(err, IMG_E_CORRUPT, _("a block size of %" PRIu32 " bytes"),
				hdr->block_size);
	if (hdr->block_extra && !img_is_pow2(hdr->block_extra))
		return img_fail(err, IMG_E_CORRUPT,
				_("%" PRIu32 " bytes in front of each block"), hdr->block_extra);
	if (hdr->n_blocks > VDI_BLOCKS_MAX)
		return img_fail(err, IMG_E_RANGE, _("%" PRIu32 " blocks are more than %" PRIu32),
				hdr->n_blocks, VDI_BLOCKS_MAX);
	if (hdr->size > (uint64_t)hdr->n_blocks * hdr->block_size)
		return img_fail(err, IMG_E_CORRUPT,
				_("a disk of %" PRIu64 " bytes does not fit in %" PRIu32
				  " blocks of %" PRIu32 " bytes"), hdr->size, hdr->n_blocks,
				hdr->block_size);
	return true;
}

static bool validate_places(const struct vdi_header *hdr, struct img_err *err)
{
	const uint64_t map_end = hdr->map_off + (uint64_t)hdr->n_blocks * VDI_ENTRY_LEN;

	if (hdr->map_off < (hdr->major ? VDI_HDR_END : VDI_V0_END))
		return img_fail(err, IMG_E_CORRUPT,
				_("the block map at 0x%" PRIx32 " lies inside the header"),
				hdr->map_off);
	if (hdr->data_off < map_end)
		return img_fail(err, IMG_E_CORRUPT,
				_("the data at 0x%" PRIx32 " lie inside the block map, which ends at "
				  "0x%" PRIx64), hdr->data_off, map_end);
	return true;
}

bool vdi_header_decode(const uint8_t *raw, size_t len, struct vdi_header *out,
		       struct img_err *err)
{
	struct vdi_header hdr = { 0 };

	if (len < VDI_PRE_LEN || img_get_le32(raw + VDI_PRE_MAGIC) != VDI_MAGIC)
		return img_fail(err, IMG_E_NOT_THIS_FORMAT, _("this is not a VDI image"));
	hdr.minor = img_get_le16(raw + VDI_PRE_VERSION);
	hdr.major = img_get_le16(raw + VDI_PRE_VERSION + 2);
	if (hdr.major > 1)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("version %u.%u of the format is not known here"), hdr.major,
				hdr.minor);
	if (len < (hdr.major ? VDI_HDR_END : VDI_V0_END))
		return img_fail(err, IMG_E_INCOMPLETE,
				_("the file ends inside the header, after %zu bytes"), len);
	if (!hdr.major)
		decode_v0(raw, &hdr);
	else if (!decode_v1(raw, &hdr, err))
		return false;
	if (!validate_type(&hdr, err) || !validate_blocks(&hdr, err) || !validate_places(&hdr, err))
		return false;
	*out = hdr;
	return true;
}

bool vdi_header_read(struct img_store *st, struct vdi_header *out, struct img_err *err)
{
	uint8_t raw[VDI_DECODE_LEN];
	size_t got;

	return img_store_read_some(st, 0, raw, sizeof(raw), &got, err) &&
	       vdi_header_decode(raw, got, out, err);
}

/* ---- To bytes -------------------------------------------------------------------------------- */

static void put_uuid(uint8_t *raw, const struct img_uuid *id)
{
	memcpy(raw, id->raw, IMG_UUID_BYTES);
}

/* Geometries of zeros: not known; VirtualBox insists on the length of a sector. */
static void put_no_geometry(uint8_t *raw)
{
	memset(raw, 0, VDI_GEOMETRY_SECTOR);
	img_put_le32(raw + VDI_GEOMETRY_SECTOR, VDI_SECTOR);
}

/* What a disk of another size changes; the UUID of the last change comes along. */
static void put_size(const struct vdi_header *hdr, uint8_t *raw)
{
	img_put_le32(raw + VDI_HDR_DATA_OFF, hdr->data_off);
	put_no_geometry(raw + VDI_HDR_OLD_GEOMETRY);
	img_put_le64(raw + VDI_HDR_SIZE, hdr->size);
	img_put_le32(raw + VDI_HDR_BLOCKS, hdr->n_blocks);
	img_put_le32(raw + VDI_HDR_ALLOCATED, hdr->n_allocated);
	put_uuid(raw + VDI_HDR_MODIFIED, &hdr->modified);
}

void vdi_header_resize(const struct vdi_header *hdr, uint8_t *raw, size_t len)
{
	put_size(hdr, raw);
	if (len >= VDI_HDR_END_PLUS &&
	    img_get_le32(raw + VDI_HDR_LEN) >= VDI_HDR_END_PLUS - VDI_HDR_LEN)
		put_no_geometry(raw + VDI_HDR_GEOMETRY);
}

void vdi_header_relink(const struct vdi_header *hdr, uint8_t *raw)
{
	img_put_le32(raw + VDI_HDR_TYPE, hdr->type);
	put_uuid(raw + VDI_HDR_PARENT, &hdr->parent);
	put_uuid(raw + VDI_HDR_PARENT_MODIFIED, &hdr->parent_modified);
}

void vdi_header_encode(const struct vdi_header *hdr, uint8_t *raw)
{
	static const char made_by[] = "<<< imgtools VirtualBox Disk Image >>>\n";

	memset(raw, 0, VDI_DECODE_LEN);
	memcpy(raw + VDI_PRE_TEXT, made_by, sizeof(made_by) - 1);
	img_put_le32(raw + VDI_PRE_MAGIC, VDI_MAGIC);
	img_put_le16(raw + VDI_PRE_VERSION, hdr->minor);
	img_put_le16(raw + VDI_PRE_VERSION + 2, hdr->major);
	img_put_le32(raw + VDI_HDR_LEN, VDI_HDR_END_PLUS - VDI_HDR_LEN);
	vdi_header_relink(hdr, raw);
	memcpy(raw + VDI_HDR_COMMENT, hdr->comment, strnlen(hdr->comment, VDI_COMMENT_LEN - 1));
	img_put_le32(raw + VDI_HDR_MAP_OFF, hdr->map_off);
	put_size(hdr, raw);
	put_no_geometry(raw + VDI_HDR_GEOMETRY);
	img_put_le32(raw + VDI_HDR_BLOCK_SIZE, hdr->block_size);
	img_put_le32(raw + VDI_HDR_BLOCK_EXTRA, hdr->block_extra);
	put_uuid(raw + VDI_HDR_UUID, &hdr->uuid);
}
