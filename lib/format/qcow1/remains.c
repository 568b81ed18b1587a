/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a file seems to be an image whose magic number or version was overwritten. */
#include <string.h>
#include "base/bytes.h"
#include "format/qcow1/salvage.h"

/* Where tables of any size begin: a field that says so would be chance elsewhere. */
enum { L1_FAR = QCOW1_HDR_LEN + QCOW1_NAME_MAX + QCOW1_ENTRY_LEN, PADDING = 34 };

bool qcow1_remains(const uint8_t *head, size_t len)
{
	uint8_t raw[QCOW1_HDR_LEN];
	struct qcow1_header hdr;

	if (len < sizeof(raw))
		return false;
	memcpy(raw, head, sizeof(raw));
	img_put_be32(raw + QCOW1_HDR_MAGIC, QCOW1_MAGIC);
	img_put_be32(raw + QCOW1_HDR_VERSION, QCOW1_VERSION);
	return qcow1_header_decode(raw, sizeof(raw), &hdr, NULL) && hdr.size &&
	       hdr.size % QCOW1_SECTOR == 0 && hdr.l1_off % QCOW1_ENTRY_LEN == 0 &&
	       hdr.l1_off <= L1_FAR && !img_get_be16(raw + PADDING);
}
