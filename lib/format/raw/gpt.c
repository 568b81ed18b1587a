/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header of a GUID partition table, of which only one number matters here: its copy fills the
 * last sector of the disk, and it says where that is.  How large sectors were nobody wrote down.
 */
#include <libdeflate.h>
#include <string.h>
#include "base/bytes.h"
#include "base/num.h"
#include "format/raw/raw.h"

#define SECTOR_MAX 4096

enum {
	SIGNATURE = 0, HEADER_SIZE = 12, CHECKSUM = 16, OWN_PLACE = 24, COPY_PLACE = 32,
	HEADER_SIZE_MIN = 92,
};

static bool checksum_is_right(const uint8_t *header, uint32_t len)
{
	static const uint8_t none[4];
	uint32_t sum = libdeflate_crc32(0, header, CHECKSUM);

	sum = libdeflate_crc32(sum, none, sizeof(none));
	sum = libdeflate_crc32(sum, header + CHECKSUM + 4, len - CHECKSUM - 4);
	return sum == img_get_le32(header + CHECKSUM);
}

/* Whether this is the header that belongs in sector `own`; *other: that of its copy. */
static bool is_header(const uint8_t *raw, uint32_t sector, uint64_t own, uint64_t *other)
{
	const uint32_t len = img_get_le32(raw + HEADER_SIZE);

	*other = img_get_le64(raw + COPY_PLACE);
	return !memcmp(raw + SIGNATURE, "EFI PART", 8) && len >= HEADER_SIZE_MIN && len <= sector &&
	       checksum_is_right(raw, len) && img_get_le64(raw + OWN_PLACE) == own;
}

/* *is: the file has such a header in that sector. */
static bool look(struct img_store *st, uint32_t sector, uint64_t own, uint64_t *other, bool *is,
		 struct img_err *err)
{
	uint8_t raw[SECTOR_MAX];
	uint64_t at;
	size_t got;

	*is = false;
	if (!img_mul_u64(own, sector, &at) || at > (uint64_t)INT64_MAX - sector)
		return true;
	if (!img_store_read_some(st, at, raw, sector, &got, err))
		return false;
	*is = got == sector && is_header(raw, sector, own, other);
	return true;
}

/* By the header in front, which knows where the disk ends. */
static bool look_in_front(struct img_store *st, struct raw_gpt *out, struct img_err *err)
{
	uint64_t last, end, first;

	if (!look(st, out->sector, 1, &last, &out->first, err))
		return false;
	if (!out->first)
		return true;
	out->first = img_add_u64(last, 1, &end) && img_mul_u64(end, out->sector, &out->end) &&
		     out->end <= INT64_MAX;
	return !out->first || look(st, out->sector, last, &first, &out->second, err);
}

/* By the header in the last sector of the file. */
static bool look_behind(struct img_store *st, uint64_t size, struct raw_gpt *out,
			struct img_err *err)
{
	const uint64_t sectors = size / out->sector;
	uint64_t first;

	if (size % out->sector || sectors < 2)
		return true;
	if (!look(st, out->sector, sectors - 1, &first, &out->second, err))
		return false;
	out->second = out->second && first == 1;
	out->end = out->second ? size : 0;
	return true;
}

bool raw_gpt_read(struct img_store *st, struct raw_gpt *out, struct img_err *err)
{
	static const uint32_t sectors[] = { 512, SECTOR_MAX };
	uint64_t size;

	*out = (struct raw_gpt){ 0 };
	if (!img_store_size(st, &size, err))
		return false;
	for (size_t i = 0; !out->end && i < sizeof(sectors) / sizeof(sectors[0]); i++) {
		*out = (struct raw_gpt){ .sector = sectors[i] };
		if (!look_in_front(st, out, err) ||
		    (!out->first && !look_behind(st, size, out, err)))
			return false;
	}
	return true;
}
