/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A raw image has no structures but those of its guest.  What a partition table says of the disk that
 * it was made for tells whether the file is all of that.
 */
#include "format/raw/findings.h"
#include "format/raw/raw.h"

static bool tell(struct img_findings *out, const struct img_finding_kind *kind, uint64_t host,
		 uint64_t expected, uint64_t found, struct img_err *err)
{
	const struct img_finding one = {
		.kind = kind, .n = 1, .host = host, .guest = host, .expected = expected, .found = found,
	};

	return img_findings_add(out, one, 0, err);
}

static bool check_gpt(const struct raw_gpt *gpt, uint64_t size, struct img_findings *out,
		      struct img_err *err)
{
	const uint64_t second = gpt->end - gpt->sector;

	if (gpt->end > size)
		return tell(out, &raw_found_gpt_cut, size, gpt->end, size, err);
	if (!gpt->first &&
	    !tell(out, &raw_found_gpt_first, gpt->sector, IMG_NOWHERE, IMG_NOWHERE, err))
		return false;
	if (!gpt->second &&
	    !tell(out, &raw_found_gpt_second, second, IMG_NOWHERE, IMG_NOWHERE, err))
		return false;
	return gpt->end == size || tell(out, &raw_found_gpt_behind, gpt->end, gpt->end, size, err);
}

static bool raw_check(struct img_layer *ly, const struct img_checking *how,
		      struct img_findings *out, struct img_check_result *result,
		      struct img_err *err)
{
	struct raw_gpt gpt = { 0 };
	uint64_t size;

	(void)how;
	ly->stands_alone = true;
	if ((ly->store->caps & IMG_STORE_SEEK) && !raw_gpt_read(ly->store, &gpt, err))
		return false;
	ly->nothing_to_check = !gpt.end;
	if (ly->nothing_to_check)
		return true;
	if (!img_store_size(ly->store, &size, err))
		return false;
	result->image_end = size;
	return check_gpt(&gpt, size, out, err);
}

const struct img_check_ops raw_check_ops = {
	.kinds = raw_finding_kinds,
	.check = raw_check,
};
