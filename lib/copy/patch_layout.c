/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of a patch as bytes and back. */
#include "copy/patch.h"

#include <inttypes.h>
#include <string.h>
#include <libdeflate.h>
#include "base/bytes.h"
#include "base/err.h"

static const uint8_t magic[PATCH_HDR_VERSION] = { 'i', 'm', 'g', 'd', 'i', 'f', 'f', 0x1a };

/* ---- The header -------------------------------------------------------------------------------- */

uint32_t patch_header_encode(const struct patch_header *header, uint8_t *raw)
{
	memcpy(raw, magic, sizeof(magic));
	img_put_be32(raw + PATCH_HDR_VERSION, PATCH_VERSION);
	img_put_be32(raw + PATCH_HDR_FLAGS, 0);
	img_put_be64(raw + PATCH_HDR_OLD, header->old_size);
	img_put_be64(raw + PATCH_HDR_NEW, header->new_size);
	const uint32_t crc = libdeflate_crc32(0, raw, PATCH_HDR_CRC);

	img_put_be32(raw + PATCH_HDR_CRC, crc);
	return crc;
}

bool patch_header_decode(const uint8_t *raw, struct patch_header *header, uint32_t *chain,
			 struct img_err *err)
{
	const uint32_t version = img_get_be32(raw + PATCH_HDR_VERSION);
	const uint32_t flags = img_get_be32(raw + PATCH_HDR_FLAGS);
	const uint32_t crc = libdeflate_crc32(0, raw, PATCH_HDR_CRC);
	const uint64_t old_size = img_get_be64(raw + PATCH_HDR_OLD);
	const uint64_t new_size = img_get_be64(raw + PATCH_HDR_NEW);

	if (memcmp(raw, magic, sizeof(magic)))
		return img_fail(err, IMG_E_NOT_THIS_FORMAT, _("is not a patch"));
	if (img_get_be32(raw + PATCH_HDR_CRC) != crc)
		return img_fail(err, IMG_E_CORRUPT, _("the header of the patch is damaged"));
	if (version != PATCH_VERSION || flags)
		return img_fail(err, IMG_E_UNSUPPORTED, _("is a patch of version %" PRIu32 " with "
				"flags 0x%" PRIx32 "; only version %d without flags is known"),
				version, flags, PATCH_VERSION);
	if (old_size > INT64_MAX || new_size > INT64_MAX)
		return img_fail(err, IMG_E_CORRUPT, _("the patch is for a disk that cannot be"));
	*header = (struct patch_header){ .old_size = old_size, .new_size = new_size };
	*chain = crc;
	return true;
}

/* ---- Records ----------------------------------------------------------------------------------- */

static uint32_t record_crc(const uint8_t *raw, const uint8_t *bytes, size_t len, uint32_t chain)
{
	chain = libdeflate_crc32(chain, raw, PATCH_REC_CRC);
	return len ? libdeflate_crc32(chain, bytes, len) : chain;
}

static uint64_t payload_of(const struct patch_record *rec)
{
	return rec->kind == PATCH_DATA || rec->kind == PATCH_END ? rec->len : 0;
}

uint32_t patch_record_encode(const struct patch_record *rec, uint32_t chain, const uint8_t *bytes,
			     uint8_t *raw)
{
	img_put_be32(raw + PATCH_REC_KIND, rec->kind);
	img_put_be64(raw + PATCH_REC_AT, rec->at);
	img_put_be64(raw + PATCH_REC_LEN, rec->len);
	chain = record_crc(raw, bytes, payload_of(rec), chain);
	img_put_be32(raw + PATCH_REC_CRC, chain);
	return chain;
}

void patch_record_decode(const uint8_t *raw, struct patch_record *rec)
{
	*rec = (struct patch_record){
		.kind = img_get_be32(raw + PATCH_REC_KIND),
		.at = img_get_be64(raw + PATCH_REC_AT),
		.len = img_get_be64(raw + PATCH_REC_LEN),
	};
}

bool patch_record_payload(const struct patch_record *rec, size_t *len)
{
	*len = payload_of(rec);
	return rec->kind == PATCH_END ? rec->len == PATCH_END_BYTES : *len <= PATCH_MOST;
}

bool patch_record_is_whole(const uint8_t *raw, const uint8_t *bytes, size_t len, uint32_t *chain)
{
	const uint32_t crc = record_crc(raw, bytes, len, *chain);

	if (img_get_be32(raw + PATCH_REC_CRC) != crc)
		return false;
	*chain = crc;
	return true;
}

bool patch_record_fits(const struct patch_record *rec, const struct patch_header *header,
		       uint64_t done)
{
	if (rec->kind == PATCH_END)
		return true;
	return (rec->kind == PATCH_DATA || rec->kind == PATCH_ZERO) && rec->len > 0 &&
	       rec->at >= done && rec->at < header->new_size &&
	       rec->len <= header->new_size - rec->at;
}

/* ---- What the end says ------------------------------------------------------------------------- */

void patch_end_encode(const struct patch_totals *totals, uint8_t *raw)
{
	img_put_be64(raw + PATCH_END_DATA, totals->data);
	img_put_be64(raw + PATCH_END_ZERO, totals->zero);
	img_put_be32(raw + PATCH_END_SAMPLES, totals->old.n);
	img_put_be32(raw + PATCH_END_OLD_CRC, totals->old.crc);
}

void patch_end_decode(const uint8_t *raw, struct patch_totals *totals)
{
	*totals = (struct patch_totals){
		.data = img_get_be64(raw + PATCH_END_DATA),
		.zero = img_get_be64(raw + PATCH_END_ZERO),
		.old = {
			.n = img_get_be32(raw + PATCH_END_SAMPLES),
			.crc = img_get_be32(raw + PATCH_END_OLD_CRC),
		},
	};
}
