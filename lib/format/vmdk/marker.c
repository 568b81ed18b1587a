/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decoding markers; every number of one is checked before it is believed. */
#include <inttypes.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/marker.h"

enum { MARKER_BYTES = 16 };

static bool decode_grain(const struct vmdk_sparse *sp, const uint8_t *raw, struct vmdk_marker *m)
{
	const uint64_t sector = img_get_le64(raw + VMDK_MARK_VALUE);

	m->kind = VMDK_MARKER_GRAIN;
	m->host = m->at + VMDK_MARK_GRAIN_LEN;
	m->len = img_get_le32(raw + VMDK_MARK_SIZE);
	m->guest = sector * VMDK_SECTOR;
	m->end = img_round_up(m->host + m->len, VMDK_SECTOR);
	return sector < img_div_up(sp->hdr.capacity, VMDK_SECTOR) &&
	       !(m->guest & (sp->hdr.grain - 1)) && m->len <= vmdk_packed_max(sp->hdr.grain) &&
	       m->len <= sp->file_size - m->host;
}

/* How many sectors must follow a marker that is for no grain; UINT64_MAX: it is none. */
static uint64_t sectors_of(const struct vmdk_sparse *sp, enum vmdk_marker_kind kind)
{
	switch (kind) {
	case VMDK_MARKER_TABLE:
		return img_div_up((uint64_t)sp->hdr.gt_entries * sp->hdr.entry_len, VMDK_SECTOR);
	case VMDK_MARKER_DIRECTORY:
		return img_div_up(sp->hdr.n_gd * sp->hdr.entry_len, VMDK_SECTOR);
	case VMDK_MARKER_FOOTER:
		return 1;
	case VMDK_MARKER_END:
		return 0;
	default:
		return UINT64_MAX;
	}
}

static enum vmdk_marker_kind kind_of(uint32_t type)
{
	static const enum vmdk_marker_kind kinds[] = {
		[VMDK_MARK_END_OF_STREAM] = VMDK_MARKER_END,
		[VMDK_MARK_GRAIN_TABLE] = VMDK_MARKER_TABLE,
		[VMDK_MARK_GRAIN_DIRECTORY] = VMDK_MARKER_DIRECTORY,
		[VMDK_MARK_FOOTER] = VMDK_MARKER_FOOTER,
	};

	return type < sizeof(kinds) / sizeof(kinds[0]) ? kinds[type] : VMDK_MARKER_NONE;
}

static bool decode_other(const struct vmdk_sparse *sp, const uint8_t *raw, struct vmdk_marker *m)
{
	const uint64_t sectors = img_get_le64(raw + VMDK_MARK_VALUE);

	m->kind = kind_of(img_get_le32(raw + VMDK_MARK_TYPE));
	if (sectors != sectors_of(sp, m->kind))
		return false;
	m->end = m->at + (sectors + 1) * VMDK_SECTOR;
	return m->end <= sp->file_size;
}

bool vmdk_marker_read(const struct vmdk_sparse *sp, uint64_t at, struct vmdk_marker *out,
		      struct img_err *err)
{
	struct vmdk_marker m = { .at = at };
	uint8_t raw[MARKER_BYTES];
	bool whole;

	*out = (struct vmdk_marker){ .at = at, .end = at };
	if (at > sp->file_size || sp->file_size - at < sizeof(raw))
		return true;
	if (!img_store_read(sp->file, at, raw, sizeof(raw), err))
		return false;
	whole = img_get_le32(raw + VMDK_MARK_SIZE) ? decode_grain(sp, raw, &m)
						   : decode_other(sp, raw, &m);
	if (whole)
		*out = m;
	return true;
}

/* ---- Grains ---------------------------------------------------------------------------------- */

bool vmdk_unpacker_init(struct vmdk_unpacker *u, uint64_t grain, struct img_err *err)
{
	*u = (struct vmdk_unpacker){ 0 };
	if (grain > VMDK_PACKED_GRAIN_MAX)
		return img_fail(err, IMG_E_UNSUPPORTED, _("compressed grains of %" PRIu64 " bytes"),
				grain);
	u->cx = img_codec_zlib.open(img_codec_zlib.level_default, grain, err);
	u->stored = u->cx ? img_alloc_aligned(vmdk_packed_max(grain), err) : NULL;
	u->grain = u->stored ? img_alloc_aligned(grain, err) : NULL;
	if (u->grain)
		return true;
	vmdk_unpacker_clear(u);
	return false;
}

void vmdk_unpacker_clear(struct vmdk_unpacker *u)
{
	if (u->cx)
		img_codec_zlib.close(u->cx);
	free(u->stored);
	free(u->grain);
	*u = (struct vmdk_unpacker){ 0 };
}

static bool decodes(struct vmdk_unpacker *u, const struct vmdk_marker *m, uint64_t len)
{
	return len && img_codec_zlib.decode(u->cx, u->stored, m->len, u->grain, len, NULL);
}

/* What is no zlib stream is not even read. */
bool vmdk_unpacks(struct vmdk_unpacker *u, const struct vmdk_sparse *sp,
		  const struct vmdk_marker *m, bool *yes, struct img_err *err)
{
	const uint64_t len = vmdk_grain_len(&sp->hdr, m->guest / sp->hdr.grain);
	uint8_t head[2];

	*yes = false;
	if (m->len < sizeof(head))
		return true;
	if (!img_store_read(sp->file, m->host, head, sizeof(head), err))
		return false;
	if ((head[0] & 15) != 8 || img_get_be16(head) % 31)
		return true;
	if (!img_store_read(sp->file, m->host, u->stored, m->len, err))
		return false;
	*yes = decodes(u, m, sp->hdr.grain) || decodes(u, m, len);
	return true;
}
