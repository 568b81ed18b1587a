/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See luks_check.h. */
#include "format/luks_check.h"

#include "base/mem.h"
#include "base/num.h"
#include "cipher/luks1_layout.h"

struct check {
	const struct img_luks_check *how;
	struct img_findings *out;
	struct img_luks1 luks;
};

/* Something about the header at the offset `at` of it; detail is owned, or NULL. */
static bool tell(struct check *c, const struct img_finding_kind *kind, uint64_t at,
		 char *detail, struct img_err *err)
{
	const struct img_finding one = {
		.kind = kind, .n = 1, .host = c->how->at + at, .guest = IMG_NOWHERE,
		.expected = IMG_NOWHERE, .found = IMG_NOWHERE, .detail = detail,
	};

	return img_findings_add(c->out, one, 0, err);
}

static bool tell_why(struct check *c, const struct img_finding_kind *kind, uint64_t at,
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
static bool check_slots(struct check *c, unsigned *sound, struct img_err *err)
{
	struct img_err why = { 0 };

	for (unsigned i = 0; i < IMG_LUKS1_N_SLOTS; i++) {
		if (img_luks1_slot_validate(&c->luks, i, c->how->len, &why))
			*sound |= 1u << i;
		else if (!tell_why(c, c->how->kinds->slot, slot_at(i), &why, err))
			return false;
	}
	return true;
}

static bool tell_overlap(struct check *c, unsigned one, unsigned other, struct img_err *err)
{
	char *detail = img_format_text(err, _("key slots %u and %u"), one, other);

	return detail && tell(c, c->how->kinds->overlap, slot_at(other), detail, err);
}

/* Slots that contradict themselves are told already; where their keys lie is not known. */
static bool check_overlaps(struct check *c, unsigned sound, struct img_err *err)
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

static bool check_decoded(struct check *c, struct img_err *err)
{
	unsigned sound = 0;

	if (!check_slots(c, &sound, err) || !check_overlaps(c, sound, err))
		return false;
	if (!has_key(&c->luks) && !tell(c, c->how->kinds->no_key, IMG_LUKS1_SLOTS, NULL, err))
		return false;
	return c->luks.uuid_is_text ||
	       tell(c, c->how->kinds->uuid, IMG_LUKS1_UUID, NULL, err);
}

bool img_luks1_check(const struct img_luks_check *how, struct img_findings *out, struct img_luks1 *luks,
		     bool *usable, struct img_err *err)
{
	struct check c = { .how = how, .out = out };
	uint8_t raw[IMG_LUKS1_BYTES];
	struct img_err why = { 0 };
	size_t got;

	*usable = false;
	if (!img_store_read_some(how->file, how->at, raw, img_min_u64(how->len, sizeof(raw)), &got, err))
		return false;
	if (!img_luks1_decode(raw, got, &c.luks, &why) ||
	    (!how->apart && !img_luks1_holds_data(&c.luks, &why)))
		return tell_why(&c, how->kinds->header, 0, &why, err);
	*usable = true;
	*luks = c.luks;
	return check_decoded(&c, err);
}
