/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether the LUKS header of an encrypted image can open it.  Where it lies is a matter of references
 * (refs.c).
 */
#include "base/num.h"
#include "format/luks_check.h"
#include "format/qcow2/refs.h"

static const struct img_luks_kinds kinds = {
	.header = &qcow2_found_crypt_header, .slot = &qcow2_found_crypt_slot,
	.overlap = &qcow2_found_crypt_overlap, .no_key = &qcow2_found_crypt_no_key,
	.uuid = &qcow2_found_crypt_uuid,
};

bool qcow2_crypt_check(const struct qcow2_header *hdr, struct img_store *file,
		       struct img_findings *found, struct img_err *err)
{
	const struct img_luks_check how = {
		.kinds = &kinds, .file = file, .at = hdr->crypt_off, .len = hdr->crypt_len,
	};
	struct img_luks1 luks;
	uint64_t size;
	bool usable;

	if (hdr->crypt != QCOW2_CRYPT_LUKS || img_findings_count(found, &qcow2_found_crypt_place))
		return true;
	if (!img_store_size(file, &size, err))
		return false;
	/* Otherwise it is told with the references: a table outside the file. */
	return hdr->crypt_off + img_min_u64(hdr->crypt_len, IMG_LUKS1_BYTES) > size ||
	       img_luks1_check(&how, found, &luks, &usable, err);
}
