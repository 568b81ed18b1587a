/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header of a GUID partition table, of which only one number matters here: its copy fills the
 * last sector of the disk, and it says where that is.  How large sectors were nobody wrote down.
 */
#include <string.h>
#include <zlib.h>
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
	uint32_t sum = (uint32_t)crc32(0, header, CHECKSUM);

	sum = (uint32_t)crc32(sum, none, sizeof(none));
	sum = (uint32_t)crc32(sum, header + CHECKSUM + 4, len - CHECKSUM - 4);
	return sum == img_get_le32(header + CHECKSUM);
}

/* The end of the disk whose sector 1 this is; 0: it is no header. */
static uint64_t end_of_disk(const uint8_t *header, uint32_t sector)
{
	const uint32_t len = img_get_le32(header + HEADER_SIZE);
	uint64_t end;

	if (memcmp(header + SIGNATURE, "EFI PART", 8) || len < HEADER_SIZE_MIN || len > sector ||
	    !checksum_is_right(header, len) || img_get_le64(header + OWN_PLACE) != 1)
		return 0;
	if (!img_add_u64(img_get_le64(header + COPY_PLACE), 1, &end) ||
	    !img_mul_u64(end, sector, &end) || end > INT64_MAX)
		return 0;
	return end;
}

bool raw_gpt_end(struct img_store *st, uint64_t *end, struct img_err *err)
{
	static const uint32_t sectors[] = { 512, SECTOR_MAX };
	uint8_t raw[SECTOR_MAX];
	uint64_t found = 0;
	size_t got;

	for (size_t i = 0; !found && i < sizeof(sectors) / sizeof(sectors[0]); i++) {
		if (!img_store_read_some(st, sectors[i], raw, sectors[i], &got, err))
			return false;
		if (got == sectors[i])
			found = end_of_disk(raw, sectors[i]);
	}
	*end = found;
	return true;
}
