/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See gpt.h.  UEFI specification 2.10, section 5.3. */
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/text.h"
#include "guest/bytes.h"
#include "guest/gpt.h"

enum {
	HEADER_MIN_LEN = 92,
	AT_HEADER_LEN = 12, AT_HEADER_CRC = 16, AT_HERE = 24, AT_OTHER = 32,
	AT_FIRST_USABLE = 40, AT_LAST_USABLE = 48,
	AT_ENTRIES = 72, AT_N_ENTRIES = 80, AT_ENTRY_LEN = 84, AT_ENTRIES_CRC = 88,
	ENTRY_MIN_LEN = 128, ENTRIES_MAX_LEN = 1 << 20,
	MBR_RECORDS = 446, MBR_RECORD_LEN = 16, MBR_RECORD_TYPE = 4, MBR_RECORD_LEN_FIELD = 12,
	MBR_PROTECTIVE = 0xee,
	SECTOR_MAX = 4096,
};

static const char signature[] = "EFI PART";

/* No disk has as many sectors; what is below leaves room for arithmetic in bytes. */
static const uint64_t sectors_max = INT64_MAX / SECTOR_MAX / 2;

static uint32_t crc_of(const uint8_t *bytes, size_t len)
{
	return libdeflate_crc32(0, bytes, len);
}

/* With the field of the sum itself as zeros; raw is a sector of ours to change. */
static uint32_t crc_of_header(uint8_t *raw)
{
	put_le32(raw + AT_HEADER_CRC, 0);
	return crc_of(raw, get_le32(raw + AT_HEADER_LEN));
}

/* ---- Looking ------------------------------------------------------------------------------------- */

static bool numbers_make_sense(const uint8_t *raw)
{
	return get_le64(raw + AT_OTHER) < sectors_max &&
	       get_le64(raw + AT_LAST_USABLE) < sectors_max &&
	       get_le64(raw + AT_FIRST_USABLE) <= get_le64(raw + AT_LAST_USABLE);
}

static bool header_is_whole(uint8_t *raw, unsigned sector, uint64_t at)
{
	const uint32_t len = get_le32(raw + AT_HEADER_LEN);
	const uint32_t crc = get_le32(raw + AT_HEADER_CRC);
	const uint64_t entries = (uint64_t)get_le32(raw + AT_N_ENTRIES) *
				 get_le32(raw + AT_ENTRY_LEN);

	return !memcmp(raw, signature, 8) && len >= HEADER_MIN_LEN && len <= sector &&
	       crc == crc_of_header(raw) && get_le64(raw + AT_HERE) == at &&
	       get_le32(raw + AT_ENTRY_LEN) >= ENTRY_MIN_LEN && entries &&
	       entries <= ENTRIES_MAX_LEN && numbers_make_sense(raw);
}

static size_t entries_len(const struct gpt_header *header)
{
	return (size_t)header->n_entries * header->entry_len;
}

/* NULL and no error: they lie behind the end of the disk. */
static uint8_t *read_entries(struct sketch *sk, const struct gpt *gpt,
			     const struct gpt_header *header, bool *failed, struct img_err *err)
{
	const size_t len = entries_len(header);
	const uint64_t size = sketch_size(sk);
	uint8_t *entries;

	*failed = false;
	if (len > size || header->entries_at > (size - len) / gpt->sector)
		return NULL;
	entries = malloc(len);
	if (entries && sketch_read(sk, header->entries_at * gpt->sector, entries, len, err))
		return entries;
	*failed = entries || !out_of_memory(err);
	free(entries);
	return NULL;
}

static bool look_at_entries(struct sketch *sk, const struct gpt *gpt, uint32_t crc,
			    struct gpt_header *header, struct img_err *err)
{
	bool failed;
	uint8_t *entries = read_entries(sk, gpt, header, &failed, err);

	header->good = entries && crc_of(entries, entries_len(header)) == crc;
	free(entries);
	return !failed;
}

/* The copy in the sector `at`, if there is one. */
static bool look_at_header(struct sketch *sk, struct gpt *gpt, uint64_t at, struct gpt_header *out,
			   struct img_err *err)
{
	uint8_t raw[SECTOR_MAX];

	if (at >= sketch_size(sk) / gpt->sector)
		return true;
	if (!sketch_read(sk, at * gpt->sector, raw, gpt->sector, err))
		return false;
	gpt->claimed |= !memcmp(raw, signature, 8);
	if (!header_is_whole(raw, gpt->sector, at))
		return true;
	*out = (struct gpt_header){
		.whole = true, .here = at, .other = get_le64(raw + AT_OTHER),
		.first_usable = get_le64(raw + AT_FIRST_USABLE),
		.last_usable = get_le64(raw + AT_LAST_USABLE),
		.entries_at = get_le64(raw + AT_ENTRIES),
		.n_entries = get_le32(raw + AT_N_ENTRIES),
		.entry_len = get_le32(raw + AT_ENTRY_LEN),
	};
	return look_at_entries(sk, gpt, get_le32(raw + AT_ENTRIES_CRC), out, err);
}

/* Of four. */
static uint8_t *mbr_record(uint8_t *mbr, int i)
{
	return mbr + MBR_RECORDS + i * MBR_RECORD_LEN;
}

static bool look_at_mbr(struct sketch *sk, struct gpt *gpt, struct img_err *err)
{
	uint8_t mbr[512];

	if (!sketch_read(sk, 0, mbr, sizeof(mbr), err))
		return false;
	for (int i = 0; i < 4; i++) {
		const uint8_t type = mbr_record(mbr, i)[MBR_RECORD_TYPE];

		gpt->claimed |= type == MBR_PROTECTIVE && mbr[510] == 0x55 && mbr[511] == 0xaa;
		gpt->hybrid |= type && type != MBR_PROTECTIVE;
	}
	return true;
}

bool gpt_look(struct sketch *sk, unsigned sector, struct gpt *out, struct img_err *err)
{
	struct gpt gpt = { .sector = sector };
	const uint64_t sectors = sketch_size(sk) / sector;

	if (sectors >= 3) {
		if (!look_at_mbr(sk, &gpt, err) ||
		    !look_at_header(sk, &gpt, 1, &gpt.primary, err) ||
		    !look_at_header(sk, &gpt, gpt.primary.whole ? gpt.primary.other : sectors - 1,
				    &gpt.backup, err))
			return false;
	}
	gpt.found = gpt.primary.good || gpt.backup.good;
	*out = gpt;
	return true;
}

static const struct gpt_header *good_copy(const struct gpt *gpt)
{
	return gpt->primary.good ? &gpt->primary : &gpt->backup;
}

uint64_t gpt_disk_size(const struct gpt *gpt)
{
	const struct gpt_header *good = good_copy(gpt);
	const uint64_t last = gpt->primary.good ? good->other : good->here;

	return (last + 1) * gpt->sector;
}

/* Sectors that the entries take. */
static uint64_t entry_sectors(const struct gpt *gpt)
{
	return (entries_len(good_copy(gpt)) + gpt->sector - 1) / gpt->sector;
}

uint64_t gpt_head_len(const struct gpt *gpt)
{
	return (good_copy(gpt)->first_usable + 1) * gpt->sector;
}

uint64_t gpt_tail_len(const struct gpt *gpt)
{
	return (entry_sectors(gpt) + 1) * gpt->sector;
}

/* ---- Moving -------------------------------------------------------------------------------------- */

/* Both copies are made from the good one's sector, so that what nobody knows in it is kept. */
struct move {
	const struct gpt *gpt;
	uint64_t last;			/* sector of the disk */
	uint8_t header[SECTOR_MAX];
	uint8_t *entries;
};

static bool write_copy(struct sketch *sk, struct move *move, uint64_t here, uint64_t entries_at,
		       struct img_err *err)
{
	const struct gpt *gpt = move->gpt;
	uint8_t *raw = move->header;

	put_le64(raw + AT_HERE, here);
	put_le64(raw + AT_OTHER, here == 1 ? move->last : 1);
	put_le64(raw + AT_LAST_USABLE, move->last - entry_sectors(gpt) - 1);
	put_le64(raw + AT_ENTRIES, entries_at);
	put_le32(raw + AT_HEADER_CRC, crc_of_header(raw));
	return sketch_write(sk, entries_at * gpt->sector, move->entries,
			    entries_len(good_copy(gpt)), err) &&
	       sketch_write(sk, here * gpt->sector, raw, gpt->sector, err);
}

/* A second copy that is not the last sector any more must not be found by anybody. */
static bool wipe_old(struct sketch *sk, const struct move *move, struct img_err *err)
{
	static const uint8_t zeros[SECTOR_MAX];
	const struct gpt *gpt = move->gpt;
	const struct gpt_header *old = &gpt->backup;

	if (!old->whole || old->here == move->last || old->here <= old->last_usable ||
	    old->here > move->last)
		return true;
	return sketch_write(sk, old->here * gpt->sector, zeros, gpt->sector, err);
}

/* Who gave the largest number meant "to the end, whatever that is"; a hybrid MBR is left alone. */
static bool write_mbr(struct sketch *sk, const struct move *move, struct img_err *err)
{
	uint8_t mbr[512];

	if (move->gpt->hybrid)
		return true;
	if (!sketch_read(sk, 0, mbr, sizeof(mbr), err))
		return false;
	for (int i = 0; i < 4; i++) {
		uint8_t *record = mbr_record(mbr, i);
		uint8_t *len = record + MBR_RECORD_LEN_FIELD;

		if (record[MBR_RECORD_TYPE] == MBR_PROTECTIVE && get_le32(len) != UINT32_MAX)
			put_le32(len, move->last < UINT32_MAX ? (uint32_t)move->last : UINT32_MAX);
	}
	return sketch_write(sk, 0, mbr, sizeof(mbr), err);
}

/* Some boards want the first entries elsewhere; there they stay as long as they are known. */
static bool write_all(struct sketch *sk, struct move *move, struct img_err *err)
{
	const struct gpt *gpt = move->gpt;
	const uint64_t first_entries = gpt->primary.whole ? gpt->primary.entries_at : 2;

	return wipe_old(sk, move, err) &&
	       write_copy(sk, move, move->last, move->last - entry_sectors(gpt), err) &&
	       write_copy(sk, move, 1, first_entries, err) && write_mbr(sk, move, err);
}

/* The sketch may be shorter than the disk was, so that all is read before anything is written. */
bool gpt_move(struct sketch *sk, const struct gpt *gpt, uint64_t size, struct img_err *err)
{
	const struct gpt_header *good = good_copy(gpt);
	struct move move = { .gpt = gpt, .last = size / gpt->sector - 1 };
	bool failed, ok;

	if (!sketch_read(sk, good->here * gpt->sector, move.header, gpt->sector, err))
		return false;
	move.entries = read_entries(sk, gpt, good, &failed, err);
	ok = move.entries || (!failed && img_fail(err, IMG_E_CORRUPT, _("the partition table has "
									 "changed meanwhile")));
	ok = ok && sketch_resize(sk, size, err) && write_all(sk, &move, err);
	free(move.entries);
	return ok;
}
