/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an image stands on, changed in place, and an image that forgets what it holds. */
#include <string.h>
#include "format/qcow1/disk.h"

/* A name that does not fit where the old one is goes behind all that is in use. */
static bool write_name(struct qcow1 *q, const char *name, struct img_err *err)
{
	struct qcow1_header *hdr = &q->header;
	const uint32_t len = name ? (uint32_t)strlen(name) : 0;

	if (!len) {
		hdr->backing_off = 0;
		hdr->backing_len = 0;
		return true;
	}
	if (!hdr->backing_off || len > hdr->backing_len)
		hdr->backing_off = qcow1_disk_take(q, len);
	hdr->backing_len = len;
	return img_store_write(q->tables.file, hdr->backing_off, name, len, err);
}

bool qcow1_link(struct img_layer *ly, const struct img_layer_link *to, struct img_err *err)
{
	struct qcow1 *q = ly->priv;
	uint8_t raw[QCOW1_HDR_LEN];

	if (to->backing && strlen(to->backing) > QCOW1_NAME_MAX)
		return img_fail(err, IMG_E_RANGE,
				_("the name of the backing file has more than %d bytes"),
				QCOW1_NAME_MAX);
	if ((to->backing && !img_backing_check_linked(to, err)) || !write_name(q, to->backing, err))
		return false;
	qcow1_header_encode(&q->header, raw);
	return img_store_write(q->tables.file, 0, raw, sizeof(raw), err);
}

bool qcow1_empty(struct img_layer *ly, struct img_err *err)
{
	struct qcow1 *q = ly->priv;

	return img_store_zero(q->tables.file, q->header.l1_off,
			      (uint64_t)q->tables.n_l1 * QCOW1_ENTRY_LEN, true, err) &&
	       qcow1_disk_restart(q, err);
}
