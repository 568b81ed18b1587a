/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of a journal as bytes and back. */
#include "store/journal.h"

#include <inttypes.h>
#include <string.h>
#include <libdeflate.h>
#include "base/bytes.h"
#include "base/err.h"
#include "base/num.h"
#include "base/zero.h"

static const uint8_t magic[JOURNAL_HDR_VERSION] = { 'i', 'm', 'g', 'j', 'r', 'n', 'l', 0x1a };

uint32_t img_journal_crc(const uint8_t *bytes, size_t len)
{
	return libdeflate_crc32(0, bytes, len);
}

/* ---- Header and entries -------------------------------------------------------------------------- */

void img_journal_header_encode(const struct img_journal_header *header, uint8_t *raw)
{
	memset(raw, 0, JOURNAL_BLOCK);
	memcpy(raw, magic, sizeof(magic));
	img_put_be32(raw + JOURNAL_HDR_VERSION, JOURNAL_VERSION);
	img_put_be32(raw + JOURNAL_HDR_FILES, header->n_files);
	img_put_be64(raw + JOURNAL_HDR_END, header->end);
	img_put_be32(raw + JOURNAL_HDR_CHAIN, header->chain);
	img_put_be32(raw + JOURNAL_HDR_CRC, libdeflate_crc32(0, raw, JOURNAL_HDR_CRC));
}

bool img_journal_header_decode(const uint8_t *raw, struct img_journal_header *header)
{
	header->n_files = img_get_be32(raw + JOURNAL_HDR_FILES);
	header->end = img_get_be64(raw + JOURNAL_HDR_END);
	header->chain = img_get_be32(raw + JOURNAL_HDR_CHAIN);
	return !memcmp(raw, magic, sizeof(magic)) &&
	       img_get_be32(raw + JOURNAL_HDR_CRC) == libdeflate_crc32(0, raw, JOURNAL_HDR_CRC) &&
	       img_get_be32(raw + JOURNAL_HDR_VERSION) == JOURNAL_VERSION &&
	       header->n_files > 0 && header->n_files <= JOURNAL_MAX_FILES &&
	       header->end <= INT64_MAX;
}

bool img_journal_is_one(const uint8_t *raw, size_t len)
{
	return !memcmp(raw, magic, img_min_u64(len, sizeof(magic))) || img_is_zero(raw, len);
}

uint32_t img_journal_file_encode(const struct img_journal_file *file, uint32_t chain, uint8_t *raw)
{
	memset(raw, 0, JOURNAL_BLOCK);
	img_put_be32(raw + JOURNAL_ENT_KIND, file->kind);
	img_put_be32(raw + JOURNAL_ENT_REF, file->ref);
	img_put_be64(raw + JOURNAL_ENT_BEFORE, file->before);
	img_put_be64(raw + JOURNAL_ENT_CUT, file->cut);
	img_put_be64(raw + JOURNAL_ENT_AFTER, file->after);
	memcpy(raw + JOURNAL_ENT_HEADS, file->head_before, JOURNAL_HEAD);
	memcpy(raw + JOURNAL_ENT_HEADS + JOURNAL_HEAD, file->head_after, JOURNAL_HEAD);
	img_put_be32(raw + JOURNAL_ENT_TAKEN, file->taken);
	for (size_t i = 0; i < JOURNAL_SAMPLES; i++)
		img_put_be32(raw + JOURNAL_ENT_SAMPLES + 4 * i, file->samples[i]);
	memcpy(raw + JOURNAL_ENT_NAME, file->name, strlen(file->name));
	chain = libdeflate_crc32(chain, raw, JOURNAL_ENT_CRC);
	img_put_be32(raw + JOURNAL_ENT_CRC, chain);
	return chain;
}

static bool is_whole(const uint8_t *stored, uint32_t own, uint32_t *chain)
{
	if (own != img_get_be32(stored))
		return false;
	*chain = own;
	return true;
}

bool img_journal_file_is_whole(const uint8_t *raw, uint32_t *chain)
{
	return is_whole(raw + JOURNAL_ENT_CRC, libdeflate_crc32(*chain, raw, JOURNAL_ENT_CRC), chain);
}

static bool is_possible(const struct img_journal_file *file)
{
	return file->kind >= JOURNAL_CHANGE && file->kind <= JOURNAL_REMOVE &&
	       file->ref <= IMG_REF_EXTENT && memchr(file->name, 0, sizeof(file->name)) &&
	       file->before <= INT64_MAX && file->after <= INT64_MAX &&
	       file->cut <= file->before && file->cut <= file->after;
}

bool img_journal_file_decode(const uint8_t *raw, struct img_journal_file *file, struct img_err *err)
{
	file->kind = img_get_be32(raw + JOURNAL_ENT_KIND);
	file->ref = img_get_be32(raw + JOURNAL_ENT_REF);
	file->before = img_get_be64(raw + JOURNAL_ENT_BEFORE);
	file->cut = img_get_be64(raw + JOURNAL_ENT_CUT);
	file->after = img_get_be64(raw + JOURNAL_ENT_AFTER);
	memcpy(file->head_before, raw + JOURNAL_ENT_HEADS, JOURNAL_HEAD);
	memcpy(file->head_after, raw + JOURNAL_ENT_HEADS + JOURNAL_HEAD, JOURNAL_HEAD);
	file->taken = img_get_be32(raw + JOURNAL_ENT_TAKEN);
	for (size_t i = 0; i < JOURNAL_SAMPLES; i++)
		file->samples[i] = img_get_be32(raw + JOURNAL_ENT_SAMPLES + 4 * i);
	memcpy(file->name, raw + JOURNAL_ENT_NAME, sizeof(file->name));
	return is_possible(file) ||
	       img_fail(err, IMG_E_CORRUPT, _("an entry of the journal makes no sense"));
}

/* ---- Records ------------------------------------------------------------------------------------- */

static uint32_t record_crc(const uint8_t *raw, const uint8_t *payload, size_t len, uint32_t chain)
{
	chain = libdeflate_crc32(chain, raw, JOURNAL_REC_CRC);
	return len > 0 ? libdeflate_crc32(chain, payload, len) : chain;
}

uint32_t img_journal_record_encode(const struct img_journal_record *rec, uint32_t chain,
				   const uint8_t *payload, uint8_t *raw)
{
	img_put_be32(raw + JOURNAL_REC_KIND, rec->kind);
	img_put_be32(raw + JOURNAL_REC_FILE, rec->file);
	img_put_be64(raw + JOURNAL_REC_AT, rec->at);
	img_put_be64(raw + JOURNAL_REC_LEN, rec->len);
	chain = record_crc(raw, payload, img_journal_record_payload(raw), chain);
	img_put_be32(raw + JOURNAL_REC_CRC, chain);
	return chain;
}

uint64_t img_journal_record_payload(const uint8_t *raw)
{
	const uint64_t at = img_get_be64(raw + JOURNAL_REC_AT), len = img_get_be64(raw + JOURNAL_REC_LEN);

	if (img_get_be32(raw + JOURNAL_REC_KIND) != JOURNAL_BYTES)
		return 0;
	return len <= JOURNAL_CHUNK ? len + 4 * img_div_up(at % JOURNAL_SECTOR + len, JOURNAL_SECTOR)
				    : UINT64_MAX;
}

bool img_journal_record_is_whole(const uint8_t *raw, const uint8_t *payload, size_t len,
				 uint32_t *chain)
{
	return is_whole(raw + JOURNAL_REC_CRC, record_crc(raw, payload, len, *chain), chain);
}

size_t img_journal_sector_part(uint64_t at, size_t len)
{
	return img_min_u64(JOURNAL_SECTOR - at % JOURNAL_SECTOR, len);
}

size_t img_journal_sums_encode(uint64_t at, const uint8_t *bytes, size_t len, uint8_t *raw)
{
	size_t n = 0;

	for (size_t done = 0, part; done < len; done += part, n += 4) {
		part = img_journal_sector_part(at + done, len - done);
		img_put_be32(raw + n, img_journal_crc(bytes + done, part));
	}
	return n;
}

static bool fits(const struct img_journal_record *rec, const struct img_journal_file *files,
		 uint32_t n_files)
{
	return rec->kind >= JOURNAL_BYTES && rec->kind <= JOURNAL_FULL && rec->file < n_files &&
	       files[rec->file].kind != JOURNAL_REMOVE && rec->len > 0 &&
	       rec->at < files[rec->file].after && rec->len <= files[rec->file].after - rec->at;
}

bool img_journal_record_decode(const uint8_t *raw, const struct img_journal_file *files,
			       uint32_t n_files, struct img_journal_record *rec, struct img_err *err)
{
	rec->kind = img_get_be32(raw + JOURNAL_REC_KIND);
	rec->file = img_get_be32(raw + JOURNAL_REC_FILE);
	rec->at = img_get_be64(raw + JOURNAL_REC_AT);
	rec->len = img_get_be64(raw + JOURNAL_REC_LEN);
	return fits(rec, files, n_files) ||
	       img_fail(err, IMG_E_CORRUPT, _("a record of the journal makes no sense"));
}

uint64_t img_journal_sample_at(uint64_t bytes, size_t i, size_t *len)
{
	const uint64_t last = img_round_down(bytes - 1, JOURNAL_BLOCK);
	const uint64_t at = i == JOURNAL_SAMPLES - 1 ? last :
			    img_round_down(last / (JOURNAL_SAMPLES - 1) * i, JOURNAL_BLOCK);

	*len = img_min_u64(JOURNAL_BLOCK, bytes - at);
	return at;
}
