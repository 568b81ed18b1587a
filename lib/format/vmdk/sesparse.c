/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two headers of seSparse files, the snapshots of ESX on VMFS 6. */
#include <inttypes.h>
#include "base/bytes.h"
#include "base/err.h"
#include "base/num.h"
#include "format/vmdk/header.h"
#include "format/vmdk/layout.h"

static bool check_table(const uint8_t *raw, struct vmdk_header *out, struct img_err *err)
{
	const uint64_t sectors = img_get_le64(raw + VMDK_SE_GT_LEN);

	if (!sectors || sectors > VMDK_COWD_GT_ENTRIES)
		return img_fail(err, IMG_E_CORRUPT,
				_("grain tables of %" PRIu64 " sectors"), sectors);
	out->gt_entries = (uint32_t)(sectors * VMDK_SECTOR / VMDK_SE_ENTRY_LEN);
	return true;
}

static bool check_directory(const uint8_t *raw, struct vmdk_header *out, struct img_err *err)
{
	uint64_t len;

	if (!vmdk_header_validate(out, err) ||
	    !vmdk_sectors(img_get_le64(raw + VMDK_SE_GD_LEN), &len, err))
		return false;
	if (len / VMDK_SE_ENTRY_LEN < out->n_gd)
		return img_fail(err, IMG_E_CORRUPT,
				_("the grain directory has %" PRIu64 " entries, the disk needs %"
				  PRIu64), len / VMDK_SE_ENTRY_LEN, out->n_gd);
	return true;
}

bool vmdk_sesparse_decode(const uint8_t *raw, struct vmdk_header *out, struct img_err *err)
{
	const uint64_t version = img_get_le64(raw + VMDK_SE_VERSION);
	const uint64_t flags = img_get_le64(raw + VMDK_SE_FLAGS);

	if (version != VMDK_SE_VERSION_VALUE)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("version 0x%" PRIx64 " of the format is not known"), version);
	if (flags)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("flags 0x%" PRIx64 " of the format are not known"), flags);
	out->version = 1;
	out->entry_len = VMDK_SE_ENTRY_LEN;
	return check_table(raw, out, err) &&
	       vmdk_sectors(img_get_le64(raw + VMDK_SE_CAPACITY), &out->capacity, err) &&
	       vmdk_sectors(img_get_le64(raw + VMDK_SE_GRAIN), &out->grain, err) &&
	       vmdk_sectors(img_get_le64(raw + VMDK_SE_VOLATILE_AT), &out->volatile_at, err) &&
	       vmdk_sectors(img_get_le64(raw + VMDK_SE_GD_AT), &out->gd_at, err) &&
	       vmdk_sectors(img_get_le64(raw + VMDK_SE_GTS_AT), &out->gts_at, err) &&
	       vmdk_sectors(img_get_le64(raw + VMDK_SE_GRAINS_AT), &out->grains_at, err) &&
	       check_directory(raw, out, err);
}

bool vmdk_volatile_check(const uint8_t *raw, struct img_err *err)
{
	if (img_get_le64(raw + VMDK_SE_VOL_MAGIC) != VMDK_SE_VOL_MAGIC_VALUE)
		return img_fail(err, IMG_E_CORRUPT, _("the second header has a wrong magic number"));
	if (img_get_le64(raw + VMDK_SE_VOL_REPLAY))
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("the image was not closed properly, and its journal cannot be "
				  "replayed"));
	return true;
}
