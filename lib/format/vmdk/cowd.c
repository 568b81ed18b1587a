/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header of COWD files, the redo logs of ESX (vmfsSparse, vmfsThin). */
#include <inttypes.h>
#include "base/bytes.h"
#include "base/err.h"
#include "base/num.h"
#include "format/vmdk/header.h"
#include "format/vmdk/layout.h"

bool vmdk_cowd_decode(const uint8_t *raw, struct vmdk_header *out, struct img_err *err)
{
	const uint32_t n_gd = img_get_le32(raw + VMDK_COWD_GD_LEN);

	out->version = img_get_le32(raw + VMDK_COWD_VERSION);
	out->gt_entries = VMDK_COWD_GT_ENTRIES;
	out->entry_len = sizeof(uint32_t);
	out->capacity = img_get_le32(raw + VMDK_COWD_CAPACITY) * VMDK_SECTOR;
	out->grain = img_get_le32(raw + VMDK_COWD_GRAIN) * VMDK_SECTOR;
	out->gd_at = img_get_le32(raw + VMDK_COWD_GD_AT) * VMDK_SECTOR;
	if (out->version != 1)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("version %" PRIu32 " of the format is not known"), out->version);
	if (!vmdk_header_validate(out, err))
		return false;
	if (n_gd < out->n_gd)
		return img_fail(err, IMG_E_CORRUPT,
				_("the grain directory has %" PRIu32 " entries, the disk needs %"
				  PRIu64), n_gd, out->n_gd);
	return true;
}
