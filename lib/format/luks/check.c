/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong with an image: its header, its key slots, and the length of the file.  No key. */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "cipher/luks.h"
#include "format/luks/luks.h"
#include "format/luks_check.h"

static const struct img_luks_kinds kinds = {
	.header = &luks_found_header_broken, .slot = &luks_found_slot_broken,
	.overlap = &luks_found_slot_overlap, .no_key = &luks_found_slot_none,
	.uuid = &luks_found_header_uuid,
};

static bool tell(struct img_findings *out, const struct img_finding_kind *kind, uint64_t host,
		 uint64_t expected, uint64_t found, struct img_err *err)
{
	const struct img_finding one = {
		.kind = kind, .n = 1, .host = host, .guest = IMG_NOWHERE, .expected = expected,
		.found = found,
	};

	return img_findings_add(out, one, 0, err);
}

/* Whether the file holds all that the header says is there. */
static bool check_length(const struct img_luks_volume *volume, uint64_t size,
			 struct img_findings *out, struct img_err *err)
{
	const uint64_t least = volume->payload_at + volume->payload_len;

	if (size < least)
		return tell(out, &luks_found_data_cut, size, least, size, err);
	if (volume->payload_len || (size - volume->payload_at) % volume->sector == 0)
		return true;
	return tell(out, &luks_found_data_ragged,
		    size - (size - volume->payload_at) % volume->sector, IMG_NOWHERE, size, err);
}

static bool luks_check(struct img_layer *ly, const struct img_checking *how,
		       struct img_findings *out, struct img_check_result *result,
		       struct img_err *err)
{
	struct img_luks_check header = { .kinds = &kinds, .file = ly->store };
	struct img_luks_volume volume;
	struct img_luks1 luks;
	bool usable;

	(void)how;
	ly->stands_alone = true;
	if (!img_store_size(ly->store, &header.len, err) ||
	    !img_luks1_check(&header, out, &luks, &usable, err))
		return false;
	if (!usable)
		return true;
	if (!img_luks_look(ly->store, 0, 0, &volume, err) ||
	    !check_length(&volume, header.len, out, err))
		return false;
	result->image_end = header.len;
	img_findings_sort(out, luks_finding_kinds);
	return true;
}

const struct img_check_ops luks_check_ops = {
	.kinds = luks_finding_kinds,
	.check = luks_check,
};
