/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The headers of cow files from and to bytes, and what is legal.  Pure but for the read. */
#include <inttypes.h>
#include <string.h>
#include "base/bytes.h"
#include "base/num.h"
#include "format/cow/cow.h"

const struct cow_layout cow_layouts[] = {
	[COW_UML1] = {
		.name = "uml-1", .version = 1, .name_off = 8, .name_len = 256, .time_off = 264,
		.time_len = 4, .size_off = 268, .sector_off = 276, .len = 280,
	},
	[COW_UML2] = {
		.name = "uml-2", .version = 2, .name_off = 8, .name_len = 4096, .time_off = 4104,
		.time_len = 4, .size_off = 4108, .sector_off = 4116, .len = 4120,
	},
	[COW_UML3] = {
		.name = "uml-3", .version = 3, .name_off = 32, .name_len = 4096, .time_off = 8,
		.time_len = 4, .size_off = 12, .sector_off = 20, .align_off = 24, .format_off = 28,
		.len = 4128,
	},
	[COW_UML3_WIDE] = {
		.name = "uml-3-64", .version = 3, .name_off = 36, .name_len = 4096, .time_off = 8,
		.time_len = 8, .size_off = 16, .sector_off = 24, .align_off = 28, .format_off = 32,
		.len = 4136,
	},
	[COW_QEMU] = {
		.name = "qemu", .version = 2, .name_off = 8, .name_len = 1024, .time_off = 1032,
		.time_len = 4, .size_off = 1040, .sector_off = 1048, .len = 1056,
	},
	[COW_QEMU_32] = {
		.name = "qemu-32", .version = 2, .name_off = 8, .name_len = 1024, .time_off = 1032,
		.time_len = 4, .size_off = 1036, .sector_off = 1044, .len = 1048,
	},
};

static uint32_t get32(const uint8_t *raw, bool little)
{
	return little ? img_get_le32(raw) : img_get_be32(raw);
}

static uint64_t get64(const uint8_t *raw, bool little)
{
	return little ? img_get_le64(raw) : img_get_be64(raw);
}

/* ---- Which one it is ------------------------------------------------------------------------- */

/* Whether a header that the file is long enough for has sectors and a size as QEMU made them. */
static bool looks_like(const struct cow_layout *layout, const uint8_t *raw, size_t len)
{
	return len >= layout->len && img_get_be32(raw + layout->sector_off) == COW_SECTOR &&
	       img_get_be64(raw + layout->size_off) <= COW_SIZE_MAX;
}

/*
 * The format, which is 0, lies where the name begins in a header that is not wide.  Where there is no
 * name either, that has its own format where a wide one has the alignment, which is not 0.
 */
static bool looks_wide(const uint8_t *raw, size_t len)
{
	const struct cow_layout *wide = &cow_layouts[COW_UML3_WIDE];

	return len >= wide->name_off && !img_get_be32(raw + wide->format_off) &&
	       img_get_be32(raw + wide->align_off);
}

/* Where QEMU has its sector size User-Mode Linux has the end of a name, which is zeros. */
static bool choose_kind(const uint8_t *raw, size_t len, uint32_t version, enum cow_kind *kind,
			struct img_err *err)
{
	if (version == 1)
		*kind = COW_UML1;
	else if (version == 2)
		*kind = looks_like(&cow_layouts[COW_QEMU], raw, len) ? COW_QEMU
			: looks_like(&cow_layouts[COW_QEMU_32], raw, len) ? COW_QEMU_32 : COW_UML2;
	else if (version == 3)
		*kind = looks_wide(raw, len) ? COW_UML3_WIDE : COW_UML3;
	else
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("version %" PRIu32 " of the format is not known here"), version);
	return true;
}

/* ---- What is legal --------------------------------------------------------------------------- */

static bool check_size(uint64_t size, struct img_err *err)
{
	return size <= COW_SIZE_MAX ||
	       img_fail(err, IMG_E_RANGE, _("a disk of %" PRIu64 " bytes is larger than %" PRIu64),
			size, COW_SIZE_MAX);
}

static bool validate(const struct cow_header *hdr, uint32_t format, struct img_err *err)
{
	if (format)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("data in format %" PRIu32 " are not known here"), format);
	if (!img_is_pow2(hdr->sector) || hdr->sector < COW_SECTOR || hdr->sector > COW_SECTOR_MAX)
		return img_fail(err, IMG_E_CORRUPT, _("sectors of %" PRIu32 " bytes"), hdr->sector);
	if (!img_is_pow2(hdr->align) || hdr->align > COW_ALIGN_MAX)
		return img_fail(err, IMG_E_CORRUPT, _("an alignment of %" PRIu32 " bytes"),
				hdr->align);
	return check_size(hdr->size, err);
}

static bool has_name(const struct cow_layout *layout, const uint8_t *raw, struct img_err *err)
{
	return memchr(raw + layout->name_off, '\0', layout->name_len) ||
	       img_fail(err, IMG_E_CORRUPT, _("the name of the backing file has no end"));
}

void cow_header_place(struct cow_header *hdr)
{
	const struct cow_layout *layout = &cow_layouts[hdr->kind];
	/* Versions 1 and 2 of User-Mode Linux round the other way: the last bits may be missing. */
	const bool rounds_down = hdr->kind == COW_UML1 || hdr->kind == COW_UML2;
	uint64_t bytes;

	hdr->n_sectors = img_div_up(hdr->size, hdr->sector);
	bytes = rounds_down ? hdr->n_sectors / 8 : img_div_up(hdr->n_sectors, 8);
	hdr->bitmap_off = layout->align_off ? img_round_up(layout->len, hdr->align) : layout->len;
	hdr->data_off = img_round_up(hdr->bitmap_off + bytes, hdr->align);
	hdr->n_bits = img_min_u64(hdr->n_sectors, (hdr->data_off - hdr->bitmap_off) * 8);
}

bool cow_header_resize(struct cow_header *hdr, uint64_t size, struct img_err *err)
{
	if (!check_size(size, err))
		return false;
	hdr->size = size;
	cow_header_place(hdr);
	return hdr->n_bits == hdr->n_sectors ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("in this layout a disk of %" PRIu64
			" bytes has no bits for its last sectors"), size);
}

void cow_header_fields(enum cow_kind kind, bool little, const uint8_t *raw,
		       struct cow_header *out)
{
	const struct cow_layout *layout = &cow_layouts[kind];
	const uint8_t *time = raw + layout->time_off;

	*out = (struct cow_header){
		.kind = kind, .little = little,
		.time = layout->time_len == 8 ? (int64_t)get64(time, little) : get32(time, little),
		.size = get64(raw + layout->size_off, little),
		.sector = get32(raw + layout->sector_off, little),
	};
	out->align = layout->align_off ? get32(raw + layout->align_off, little) : out->sector;
	memcpy(out->name, raw + layout->name_off, layout->name_len);
	out->name[layout->name_len - 1] = '\0';
}

bool cow_header_decode(const uint8_t *raw, size_t len, struct cow_header *out,
		       struct img_err *err)
{
	struct cow_header hdr = { 0 };
	bool little;

	if (len < COW_HDR_VERSION + 4)
		return img_fail(err, IMG_E_NOT_THIS_FORMAT, _("this is not a cow image"));
	little = img_get_le32(raw + COW_HDR_MAGIC) == COW_MAGIC;
	if ((!little && img_get_be32(raw + COW_HDR_MAGIC) != COW_MAGIC) ||
	    (little && img_get_le32(raw + COW_HDR_VERSION) != 1))
		return img_fail(err, IMG_E_NOT_THIS_FORMAT, _("this is not a cow image"));
	if (!choose_kind(raw, len, get32(raw + COW_HDR_VERSION, little), &hdr.kind, err))
		return false;
	if (len < cow_layouts[hdr.kind].len)
		return img_fail(err, IMG_E_INCOMPLETE,
				_("the file ends inside the header, after %zu bytes"), len);
	const struct cow_layout *layout = &cow_layouts[hdr.kind];

	cow_header_fields(hdr.kind, little, raw, &hdr);
	if (!validate(&hdr, layout->format_off ? get32(raw + layout->format_off, little) : 0, err) ||
	    !has_name(layout, raw, err))
		return false;
	cow_header_place(&hdr);
	*out = hdr;
	return true;
}

bool cow_header_read(struct img_store *st, struct cow_header *out, struct img_err *err)
{
	uint8_t raw[COW_DECODE_LEN];
	size_t got;

	return img_store_read_some(st, 0, raw, sizeof(raw), &got, err) &&
	       cow_header_decode(raw, got, out, err);
}

/* ---- To bytes -------------------------------------------------------------------------------- */

static void put32(uint8_t *raw, uint32_t v, bool little)
{
	if (little)
		img_put_le32(raw, v);
	else
		img_put_be32(raw, v);
}

static void put64(uint8_t *raw, uint64_t v, bool little)
{
	if (little)
		img_put_le64(raw, v);
	else
		img_put_be64(raw, v);
}

void cow_header_encode(const struct cow_header *hdr, uint8_t *raw)
{
	const struct cow_layout *layout = &cow_layouts[hdr->kind];
	const bool little = hdr->little;

	memset(raw, 0, layout->len);
	put32(raw + COW_HDR_MAGIC, COW_MAGIC, little);
	put32(raw + COW_HDR_VERSION, layout->version, little);
	if (layout->time_len == 8)
		put64(raw + layout->time_off, (uint64_t)hdr->time, little);
	else
		put32(raw + layout->time_off, (uint32_t)hdr->time, little);
	put64(raw + layout->size_off, hdr->size, little);
	put32(raw + layout->sector_off, hdr->sector, little);
	if (layout->align_off)
		put32(raw + layout->align_off, hdr->align, little);
	memcpy(raw + layout->name_off, hdr->name, strlen(hdr->name));
}
