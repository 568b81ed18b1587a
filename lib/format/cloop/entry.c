/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entries of the index, and what two of them say about a block.  Pure. */
#include "base/bytes.h"
#include "base/num.h"
#include "format/cloop/cloop.h"

uint64_t cloop_entry_decode(const struct cloop_header *hdr, const uint8_t *raw)
{
	if (hdr->version == CLOOP_V0)
		return img_get_be32(raw);
	return hdr->little ? img_get_le64(raw) : img_get_be64(raw);
}

void cloop_entry_encode(const struct cloop_header *hdr, uint64_t entry, uint8_t *raw)
{
	if (hdr->version == CLOOP_V0)
		img_put_be32(raw, (uint32_t)entry);
	else if (hdr->little)
		img_put_le64(raw, entry);
	else
		img_put_be64(raw, entry);
}

/* The most that a block takes: some more than what any compressor makes of noise. */
static uint64_t stored_max(const struct cloop_header *hdr)
{
	return 2 * (uint64_t)hdr->block_size + CLOOP_SECTOR;
}

/* Whether block i can take so many bytes of the file; only the last one may be short. */
static bool can_be_long(const struct cloop_header *hdr, uint32_t i, unsigned compressor,
			uint64_t len)
{
	if (compressor != CLOOP_NONE)
		return len && len <= stored_max(hdr);
	return len == hdr->block_size || (len && len < hdr->block_size && i + 1 == hdr->n_blocks);
}

static const struct img_finding_kind *damage_of(const struct cloop_header *hdr, uint32_t i,
						const struct cloop_place *place, uint64_t end)
{
	if (place->compressor >= CLOOP_COMPRESSORS)
		return &cloop_found_index_compressor;
	if (place->host < cloop_data_off(hdr))
		return &cloop_found_index_inside;
	if (end < place->host)
		return &cloop_found_index_order;
	return can_be_long(hdr, i, place->compressor, end - place->host) ? NULL
									 : &cloop_found_index_size;
}

struct cloop_place cloop_place_of(const struct cloop_header *hdr, uint32_t i, uint64_t entry,
				  uint64_t next)
{
	const bool has_compressors = hdr->version == CLOOP_V4;
	const uint64_t mask = has_compressors ? CLOOP_ENTRY_HOST : UINT64_MAX;
	struct cloop_place place = { .host = entry & mask };
	const uint64_t end = next & mask;

	if (has_compressors)
		place.compressor = (enum cloop_compressor)(entry >> CLOOP_ENTRY_SHIFT);
	place.bad = damage_of(hdr, i, &place, end);
	if (!place.bad)
		place.len = end - place.host;
	return place;
}
