/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a LUKS1 header can open what it is the header of: what it says of itself and of its key
 * slots.  No key is needed.
 */
#ifndef IMG_FORMAT_LUKS_CHECK_H
#define IMG_FORMAT_LUKS_CHECK_H

#include "cipher/luks1_layout.h"
#include "format/format.h"

/* What a format calls what is found. */
struct img_luks_kinds {
	const struct img_finding_kind *header;	/* it cannot be used */
	const struct img_finding_kind *slot;	/* one contradicts itself */
	const struct img_finding_kind *overlap;	/* two share bytes */
	const struct img_finding_kind *no_key;	/* no slot is in use */
	const struct img_finding_kind *uuid;	/* is no text */
};

struct img_luks_check {
	const struct img_luks_kinds *kinds;
	struct img_store *file;
	uint64_t at, len;		/* of the header in the file, with its key slots */
	bool apart;			/* the data may be in another file, from its start on */
};

/* *usable: the header was decoded, to *luks.  Errors: IMG_E_IO, IMG_E_NOMEM. */
bool img_luks1_check(const struct img_luks_check *how, struct img_findings *out,
		     struct img_luks1 *luks, bool *usable, struct img_err *err) IMG_MUST_CHECK;

#endif
