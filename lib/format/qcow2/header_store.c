/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header of an image in use, in the file: the numbers alone, in one sector that a loss of power
 * leaves old or new.
 */
#include "base/bytes.h"
#include "base/err.h"
#include "format/qcow2/qcow2.h"

bool qcow2_header_patch(struct qcow2 *q, struct img_err *err)
{
	_Alignas(QCOW2_SECTOR) uint8_t sector[QCOW2_SECTOR];

	if (!img_store_read(q->map.file, 0, sector, sizeof(sector), err))
		return img_within(err, _("header"));
	/* Whoever has put something else there must not lose it as well. */
	if (img_get_be32(sector + QCOW2_HDR_MAGIC) != QCOW2_MAGIC ||
	    img_get_be32(sector + QCOW2_HDR_VERSION) != q->header.version)
		return img_fail(err, IMG_E_CORRUPT,
				_("the header was overwritten while the image was in use"));
	qcow2_header_put_numbers(&q->header, sector);
	return img_store_write(q->map.file, 0, sector, sizeof(sector), err) ||
	       img_within(err, _("header"));
}
