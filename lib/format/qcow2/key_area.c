/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the LUKS header of an encrypted image lies in its file. */
#include "format/qcow2/qcow2.h"

bool qcow2_key_area(struct img_store *st, uint64_t *at, uint64_t *len, struct img_err *err)
{
	struct qcow2_header hdr;

	if (!qcow2_header_read(st, &hdr, err))
		return false;
	if (hdr.crypt != QCOW2_CRYPT_LUKS || !hdr.crypt_len)
		return img_fail(err, IMG_E_UNSUPPORTED, _("it has no key slots"));
	*at = hdr.crypt_off;
	*len = hdr.crypt_len;
	return true;
}
