/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong with an image: its header, its key slots, and the length of the file.  No key. */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "cipher/luks1_layout.h"
#include "cipher/luks_header.h"
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

/* ---- Version 1 ----------------------------------------------------------------------------------- */

static bool check_version_1(struct img_store *file, struct img_findings *out, bool *usable,
			    struct img_err *err)
{
	struct img_luks_check how = { .kinds = &kinds, .file = file, .apart = true };
	struct img_luks1 luks;

	return img_store_size(file, &how.len, err) && img_luks1_check(&how, out, &luks, usable, err);
}

/* ---- Version 2 ----------------------------------------------------------------------------------- */

static bool tell_why(struct img_findings *out, const struct img_finding_kind *kind, uint64_t host,
		     const struct img_err *why, struct img_err *err)
{
	const struct img_finding one = {
		.kind = kind, .n = 1, .host = host, .guest = IMG_NOWHERE, .expected = IMG_NOWHERE,
		.found = IMG_NOWHERE, .detail = img_strdup(why->text, err),
	};

	return one.detail && img_findings_add(out, one, 0, err);
}

static bool check_copies(const struct img_luks *lk, struct img_findings *out, struct img_err *err)
{
	const struct img_luks2_copy *copies = img_luks2_copies(lk);

	for (unsigned i = 0; i < 2; i++)
		if (copies[i].why.code)
			return tell_why(out, &luks_found_header_copy, copies[i].at, &copies[i].why,
					err);
	if (copies[0].seqid == copies[1].seqid)
		return true;
	const unsigned older = copies[1].seqid < copies[0].seqid;
	return tell(out, &luks_found_header_older, copies[older].at, copies[!older].seqid,
		    copies[older].seqid, err);
}

/* What is only not known here is no damage. */
static bool check_slots(const struct img_luks *lk, struct img_findings *out, struct img_err *err)
{
	struct img_keyslot slot;

	for (unsigned i = 0; i < lk->ops->n_slots; i++) {
		struct img_err why = { 0 };

		if (lk->ops->used(lk, i) && !lk->ops->slot(lk, i, &slot, &why) &&
		    why.code != IMG_E_UNSUPPORTED) {
			img_within(&why, _("key slot %u"), i);
			if (!tell_why(out, &luks_found_slot_broken, IMG_NOWHERE, &why, err))
				return false;
		}
	}
	return img_luks_count(lk) || tell(out, &luks_found_slot_none, IMG_NOWHERE, IMG_NOWHERE,
					  IMG_NOWHERE, err);
}

static bool check_version_2(struct img_store *file, struct img_findings *out, bool *usable,
			    struct img_err *err)
{
	struct img_err why = { 0 };
	struct img_luks *lk = img_luks_open(file, 0, 0, &why);
	bool ok;

	*usable = lk;
	if (!lk && !img_code_is_damage(why.code))
		return img_fail(err, why.code, "%s", why.text);
	if (!lk)
		return tell_why(out, &luks_found_header_broken, 0, &why, err);
	ok = check_copies(lk, out, err) && check_slots(lk, out, err);
	img_luks_close(lk);
	return ok;
}

/* ---- Either -------------------------------------------------------------------------------------- */

static bool check_header(struct img_store *file, struct img_findings *out, bool *usable,
			 struct img_err *err)
{
	uint8_t head[IMG_LUKS1_VERSION + 2] = { 0 };
	size_t got;

	if (!img_store_read_some(file, 0, head, sizeof(head), &got, err))
		return false;
	if (img_get_be16(head + IMG_LUKS1_VERSION) == 1)
		return check_version_1(file, out, usable, err);
	return check_version_2(file, out, usable, err);
}

/* Whether there are data as the header, which is sound, says. */
static bool check_data(const struct img_layer *ly, uint64_t size, struct img_findings *out,
		       struct img_err *err)
{
	struct img_luks_volume volume;
	struct img_err why = { 0 };

	if (img_luks_look(luks_header(ly), 0, 0, &volume, &why))
		return volume.payload_at || ly->header
			       ? check_length(&volume, size, out, err)
			       : tell(out, &luks_found_data_apart, 0, IMG_NOWHERE, IMG_NOWHERE, err);
	if (!img_code_is_damage(why.code))
		return img_fail(err, why.code, "%s", why.text);
	return tell_why(out, &luks_found_header_broken, 0, &why, err);
}

static bool luks_check(struct img_layer *ly, const struct img_checking *how,
		       struct img_findings *out, struct img_check_result *result,
		       struct img_err *err)
{
	uint64_t size;
	bool usable;

	(void)how;
	ly->stands_alone = true;
	if (!img_store_size(ly->store, &size, err) ||
	    !check_header(luks_header(ly), out, &usable, err) ||
	    (usable && !check_data(ly, size, out, err)))
		return false;
	if (usable)
		result->image_end = size;
	img_findings_sort(out, luks_finding_kinds);
	return true;
}

const struct img_check_ops luks_check_ops = {
	.kinds = luks_finding_kinds,
	.check = luks_check,
	.repair = luks_repair,
};
