/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of an undo file as bytes and back. */
#include "store/undo.h"

#include <inttypes.h>
#include <string.h>
#include <libdeflate.h>
#include "base/bytes.h"
#include "base/err.h"
#include "base/num.h"

static const uint8_t magic[UNDO_HDR_VERSION] = { 'i', 'm', 'g', 'u', 'n', 'd', 'o', 0x1a };

void img_undo_header_encode(const struct img_undo_header *header, uint8_t *raw)
{
	memcpy(raw, magic, sizeof(magic));
	img_put_be32(raw + UNDO_HDR_VERSION, UNDO_VERSION);
	img_put_be32(raw + UNDO_HDR_BLOCK, header->block);
	img_put_be64(raw + UNDO_HDR_ORIGINAL, header->original);
	for (size_t i = 0; i < UNDO_SAMPLES; i++)
		img_put_be32(raw + UNDO_HDR_SAMPLES + 4 * i, header->samples[i]);
	img_put_be32(raw + UNDO_HDR_CRC, libdeflate_crc32(0, raw, UNDO_HDR_CRC));
}

static bool is_blank(const uint8_t *raw, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (raw[i])
			return false;
	return true;
}

/* Magic, version and checksum: whether the fields can be believed. */
static bool check_header(const uint8_t *raw, size_t len, struct img_err *err)
{
	uint32_t version;

	/* A crash can leave the name without the header; nothing was changed then. */
	if (is_blank(raw, len))
		return img_fail(err, IMG_E_INCOMPLETE,
				_("is an undo file that was not begun, or is none"));
	if (memcmp(raw, magic, img_min_u64(len, sizeof(magic))))
		return img_fail(err, IMG_E_NOT_THIS_FORMAT, _("is not an undo file"));
	if (len < UNDO_HDR_BYTES)
		return img_fail(err, IMG_E_INCOMPLETE,
				_("is an undo file that was not begun, or was cut off"));
	version = img_get_be32(raw + UNDO_HDR_VERSION);
	if (version != UNDO_VERSION)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("is an undo file of version %" PRIu32 "; only %d is known"),
				version, UNDO_VERSION);
	if (img_get_be32(raw + UNDO_HDR_CRC) != libdeflate_crc32(0, raw, UNDO_HDR_CRC))
		return img_fail(err, IMG_E_CORRUPT, _("the header of the undo file is damaged"));
	return true;
}

bool img_undo_header_decode(const uint8_t *raw, size_t len, struct img_undo_header *header,
			    struct img_err *err)
{
	struct img_undo_header got;

	if (!check_header(raw, len, err))
		return false;
	got.block = img_get_be32(raw + UNDO_HDR_BLOCK);
	got.original = img_get_be64(raw + UNDO_HDR_ORIGINAL);
	for (size_t i = 0; i < UNDO_SAMPLES; i++)
		got.samples[i] = img_get_be32(raw + UNDO_HDR_SAMPLES + 4 * i);
	if (!img_is_pow2(got.block) || got.block < UNDO_BLOCK || got.block > UNDO_CHUNK)
		return img_fail(err, IMG_E_CORRUPT, _("blocks of %" PRIu32 " bytes are impossible"),
				got.block);
	if (got.original > INT64_MAX)
		return img_fail(err, IMG_E_CORRUPT, _("no image has %" PRIu64 " bytes"),
				got.original);
	*header = got;
	return true;
}

uint32_t img_undo_header_chain(const uint8_t *raw)
{
	return img_get_be32(raw + UNDO_HDR_CRC);
}

void img_undo_seal_encode(const struct img_undo_seal *seal, uint8_t *raw)
{
	img_put_be64(raw + UNDO_SEAL_END, seal->end);
	img_put_be32(raw + UNDO_SEAL_CHAIN, seal->chain);
	img_put_be32(raw + UNDO_SEAL_CRC, libdeflate_crc32(0, raw, UNDO_SEAL_CRC));
}

bool img_undo_seal_decode(const uint8_t *raw, struct img_undo_seal *seal)
{
	if (img_get_be32(raw + UNDO_SEAL_CRC) != libdeflate_crc32(0, raw, UNDO_SEAL_CRC))
		return false;
	seal->end = img_get_be64(raw + UNDO_SEAL_END);
	seal->chain = img_get_be32(raw + UNDO_SEAL_CHAIN);
	return true;
}

static uint32_t record_crc(const uint8_t *raw, const uint8_t *bytes, size_t len, uint32_t chain)
{
	chain = libdeflate_crc32(chain, raw, UNDO_REC_CRC);
	return len > 0 ? libdeflate_crc32(chain, bytes, len) : chain;
}

uint32_t img_undo_record_encode(const struct img_undo_record *rec, uint32_t chain,
				const uint8_t *bytes, uint8_t *raw)
{
	img_put_be32(raw + UNDO_REC_KIND, rec->kind);
	img_put_be64(raw + UNDO_REC_OFFSET, rec->at);
	img_put_be64(raw + UNDO_REC_LEN, rec->len);
	chain = record_crc(raw, bytes, rec->kind == UNDO_KIND_BYTES ? rec->len : 0, chain);
	img_put_be32(raw + UNDO_REC_CRC, chain);
	return chain;
}

uint64_t img_undo_record_payload(const uint8_t *raw)
{
	return img_get_be32(raw + UNDO_REC_KIND) == UNDO_KIND_BYTES ?
	       img_get_be64(raw + UNDO_REC_LEN) : 0;
}

bool img_undo_record_is_whole(const uint8_t *raw, const uint8_t *bytes, size_t len,
			      uint32_t *chain)
{
	const uint32_t own = record_crc(raw, bytes, len, *chain);

	if (own != img_get_be32(raw + UNDO_REC_CRC))
		return false;
	*chain = own;
	return true;
}

/* Whole blocks inside of the original, the last of which may be cut by its end. */
static bool fits(const struct img_undo_record *rec, const struct img_undo_header *header)
{
	return rec->len > 0 && rec->at < header->original &&
	       rec->len <= header->original - rec->at && rec->at % header->block == 0 &&
	       (rec->len % header->block == 0 || rec->at + rec->len == header->original);
}

bool img_undo_record_decode(const uint8_t *raw, const struct img_undo_header *header,
			    struct img_undo_record *rec, struct img_err *err)
{
	const struct img_undo_record got = {
		.kind = img_get_be32(raw + UNDO_REC_KIND),
		.at = img_get_be64(raw + UNDO_REC_OFFSET),
		.len = img_get_be64(raw + UNDO_REC_LEN),
	};

	if (got.kind != UNDO_KIND_BYTES && got.kind != UNDO_KIND_ZEROS)
		return img_fail(err, IMG_E_CORRUPT, _("records of kind %" PRIu32 " are unknown"),
				got.kind);
	if (!fits(&got, header))
		return img_fail(err, IMG_E_CORRUPT,
				_("%" PRIu64 " bytes at offset %" PRIu64 " cannot have been saved "
				  "from an image of %" PRIu64 " bytes"), got.len, got.at,
				header->original);
	*rec = got;
	return true;
}

uint64_t img_undo_sample_at(const struct img_undo_header *header, size_t i, size_t *len)
{
	const uint64_t last = img_round_down(header->original - 1, header->block);
	const uint64_t at = i == UNDO_SAMPLES - 1 ? last :
			    img_round_down(last / (UNDO_SAMPLES - 1) * i, header->block);

	*len = img_min_u64(header->block, header->original - at);
	return at;
}

uint32_t img_undo_sample_crc(const uint8_t *bytes, size_t len)
{
	return libdeflate_crc32(0, bytes, len);
}
