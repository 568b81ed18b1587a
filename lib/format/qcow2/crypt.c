/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether the LUKS header of an encrypted image can open it: what it says of itself and of its key
 * slots.  Where it lies is a matter of references (refs.c), and no key is needed.
 */
#include "base/mem.h"
#include "base/num.h"
#include "cipher/luks1_layout.h"
#include "format/qcow2/refs.h"

struct crypt_check {
	const struct qcow2_header *hdr;
	struct img_findings *out;
	struct img_luks1 luks;
};

/* Something about the header at the offset `at` of it; detail is owned, or NULL. */
static bool tell(struct crypt_check *c, const struct img_finding_kind *kind, uint64_t at,
		 char *detail, struct img_err *err)
{
	const struct img_finding one = {
		.kind = kind, .n = 1, .host = c->hdr->crypt_off + at, .guest = IMG_NOWHERE,
		.expected = IMG_NOWHERE, .found = IMG_NOWHERE, .detail = detail,
	};

	return img_findings_add(c->out, one, 0, err);
}

static bool tell_why(struct crypt_check *c, const struct img_finding_kind *kind, uint64_t at,
		     const struct img_err *why, struct img_err *err)
{
	char *detail = img_strdup(why->text, err);

	return detail && tell(c, kind, at, detail, err);
}

static uint64_t slot_at(unsigned i)
{
	return IMG_LUKS1_SLOTS + (uint64_t)i * IMG_LUKS1_SLOT_BYTES;
}

/* *sound: a bit for each slot that does not contradict itself. */
static bool check_slots(struct crypt_check *c, unsigned *sound, struct img_err *err)
{
	struct img_err why = { 0 };

	for (unsigned i = 0; i < IMG_LUKS1_N_SLOTS; i++) {
		if (img_luks1_slot_validate(&c->luks, i, c->hdr->crypt_len, &why))
			*sound |= 1u << i;
		else if (!tell_why(c, &qcow2_found_crypt_slot, slot_at(i), &why, err))
			return false;
	}
	return true;
}

static bool tell_overlap(struct crypt_check *c, unsigned one, unsigned other, struct img_err *err)
{
	char *detail = img_format_text(err, _("key slots %u and %u"), one, other);

	return detail && tell(c, &qcow2_found_crypt_overlap, slot_at(other), detail, err);
}

/* Slots that contradict themselves are told already; where their keys lie is not known. */
static bool check_overlaps(struct crypt_check *c, unsigned sound, struct img_err *err)
{
	for (unsigned one = 0; one < IMG_LUKS1_N_SLOTS; one++)
		for (unsigned other = one + 1; other < IMG_LUKS1_N_SLOTS; other++)
			if ((sound >> one & sound >> other & 1) &&
			    img_luks1_slots_overlap(&c->luks, one, other) &&
			    !tell_overlap(c, one, other, err))
				return false;
	return true;
}

static bool has_key(const struct img_luks1 *luks)
{
	for (unsigned i = 0; i < IMG_LUKS1_N_SLOTS; i++)
		if (luks->slots[i].state != IMG_LUKS1_INACTIVE)
			return true;
	return false;
}

static bool check_decoded(struct crypt_check *c, struct img_err *err)
{
	unsigned sound = 0;

	if (!check_slots(c, &sound, err) || !check_overlaps(c, sound, err))
		return false;
	if (!has_key(&c->luks) && !tell(c, &qcow2_found_crypt_no_key, IMG_LUKS1_SLOTS, NULL, err))
		return false;
	return c->luks.uuid_is_text ||
	       tell(c, &qcow2_found_crypt_uuid, IMG_LUKS1_UUID, NULL, err);
}

bool qcow2_crypt_check(const struct qcow2_header *hdr, struct img_store *file,
		       struct img_findings *found, struct img_err *err)
{
	struct crypt_check c = { .hdr = hdr, .out = found };
	uint8_t raw[IMG_LUKS1_BYTES];
	const size_t len = img_min_u64(hdr->crypt_len, sizeof(raw));
	struct img_err why = { 0 };
	size_t got;

	if (hdr->crypt != QCOW2_CRYPT_LUKS || img_findings_count(found, &qcow2_found_crypt_place))
		return true;
	if (!img_store_read_some(file, hdr->crypt_off, raw, len, &got, err))
		return false;
	if (got < len)
		return true;	/* told with the references: a table outside the file */
	if (!img_luks1_decode(raw, len, &c.luks, &why) || !img_luks1_holds_data(&c.luks, &why))
		return tell_why(&c, &qcow2_found_crypt_header, 0, &why, err);
	return check_decoded(&c, err);
}
