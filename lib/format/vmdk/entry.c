/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the entries of directories and grain tables mean; pure functions. */
#include "base/num.h"
#include "format/vmdk/sparse.h"

static struct vmdk_entry bad_entry(const struct img_finding_kind *kind)
{
	return (struct vmdk_entry){ .kind = VMDK_ENTRY_BAD, .bad = kind };
}

/* 32 bits: a sector. */
static struct vmdk_entry sector_entry(const struct vmdk_header *hdr, uint64_t raw)
{
	if (!raw)
		return (struct vmdk_entry){ .kind = VMDK_ENTRY_NOTHING };
	if (raw == VMDK_ENTRY_ZERO && (hdr->flags & VMDK_FLAG_ZERO_GRAIN))
		return (struct vmdk_entry){ .kind = VMDK_ENTRY_ZEROS };
	return (struct vmdk_entry){ .kind = VMDK_ENTRY_PLACE, .host = raw * VMDK_SECTOR };
}

struct vmdk_entry vmdk_directory_entry(const struct vmdk_header *hdr, uint64_t raw)
{
	struct vmdk_entry entry = { .kind = VMDK_ENTRY_PLACE };

	if (hdr->kind != VMDK_KIND_SESPARSE)
		return sector_entry(hdr, raw);
	if (!raw)
		return (struct vmdk_entry){ .kind = VMDK_ENTRY_NOTHING };
	if ((raw & ~(uint64_t)UINT32_MAX) != VMDK_SE_TABLE)
		return bad_entry(&vmdk_found_directory_reserved);
	entry.host = hdr->gts_at + (raw & UINT32_MAX) * hdr->gt_entries * VMDK_SE_ENTRY_LEN;
	return entry;
}

/* seSparse: the 12 bits below the kind are the lowest ones of the grain's number. */
static struct vmdk_entry sesparse_grain(const struct vmdk_header *hdr, uint64_t raw)
{
	const uint64_t number = (raw >> 48 & 0xfff) | (raw & UINT64_C(0xffffffffffff)) << 12;
	struct vmdk_entry entry = { .kind = VMDK_ENTRY_PLACE };
	uint64_t offset;

	if (!raw)
		return (struct vmdk_entry){ .kind = VMDK_ENTRY_NOTHING };
	switch (raw & VMDK_SE_KIND_MASK) {
	case VMDK_SE_UNMAPPED:
	case VMDK_SE_ZERO:
		return (struct vmdk_entry){ .kind = VMDK_ENTRY_ZEROS };
	case VMDK_SE_DATA:
		break;
	default:
		return bad_entry(&vmdk_found_grain_reserved);
	}
	if (!img_mul_u64(number, hdr->grain, &offset) ||
	    !img_add_u64(offset, hdr->grains_at, &entry.host))
		return bad_entry(&vmdk_found_grain_outside);
	return entry;
}

struct vmdk_entry vmdk_grain_entry(const struct vmdk_header *hdr, uint64_t raw)
{
	return hdr->kind == VMDK_KIND_SESPARSE ? sesparse_grain(hdr, raw) : sector_entry(hdr, raw);
}

size_t vmdk_table_len(const struct vmdk_header *hdr, uint64_t i)
{
	const uint64_t span = hdr->grain * hdr->gt_entries;
	const uint64_t left = hdr->capacity - i * span;

	return img_div_up(img_min_u64(left, span), hdr->grain) * hdr->entry_len;
}

uint64_t vmdk_grain_len(const struct vmdk_header *hdr, uint64_t i)
{
	return img_min_u64(hdr->capacity - i * hdr->grain, hdr->grain);
}
