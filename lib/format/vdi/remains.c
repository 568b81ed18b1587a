/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a file seems to be an image whose header was overwritten. */
#include <string.h>
#include "base/bytes.h"
#include "format/vdi/salvage.h"

/* Numbers of blocks that a map must have to be told from other bytes. */
enum { ENTRIES_MIN = 16, ENTRIES_MAX = 1024 };

/* All but the magic number, or the version, makes sense. */
static bool is_header(const uint8_t *head, size_t len)
{
	uint8_t raw[VDI_DECODE_LEN];
	struct vdi_header hdr;

	if (len < sizeof(raw))
		return false;
	memcpy(raw, head, sizeof(raw));
	img_put_le32(raw + VDI_PRE_MAGIC, VDI_MAGIC);
	img_put_le32(raw + VDI_PRE_VERSION, 0x10001);
	return vdi_header_decode(raw, sizeof(raw), &hdr, NULL) && hdr.n_blocks &&
	       hdr.data_off % VDI_SECTOR == 0;
}

/* At `at` stand the numbers of all blocks up to the highest, each once, and nothing else. */
static bool is_map(const uint8_t *head, size_t len, size_t at)
{
	uint8_t seen[ENTRIES_MAX] = { 0 };
	uint32_t n = 0, end = 0;

	for (; at + VDI_ENTRY_LEN <= len; at += VDI_ENTRY_LEN) {
		const uint32_t entry = img_get_le32(head + at);

		if (entry >= VDI_ENTRY_ZERO)
			continue;
		if (entry >= ENTRIES_MAX || seen[entry])
			break;
		seen[entry] = 1;
		n++;
		if (entry >= end)
			end = entry + 1;
	}
	return n >= ENTRIES_MIN && n == end;
}

bool vdi_remains(const uint8_t *head, size_t len)
{
	return is_header(head, len) || is_map(head, len, VDI_SECTOR);
}
