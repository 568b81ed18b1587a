/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All that can be found in a LUKS image, each once.  Extents point to the same constants, so why one is
 * lost and what a check finds are the same.
 */
#ifndef LUKS_FINDINGS_H
#define LUKS_FINDINGS_H

#include "base/err.h"

#define LUKS_FINDINGS(X) \
	X(header_broken, "luks.header.broken", FATAL, \
	  N_("the header cannot be used, so nothing can be deciphered")) \
	X(header_copy, "luks.header.copy", CORRUPT, \
	  N_("one of the two copies of the header is damaged, the other is not")) \
	X(header_older, "luks.header.older", NOTE, \
	  N_("one of the two copies of the header is older than the other")) \
	X(header_uuid, "luks.header.uuid", NOTE, \
	  N_("the UUID of the header is no text")) \
	X(slot_broken, "luks.slot.broken", CORRUPT, \
	  N_("a key slot contradicts itself")) \
	X(slot_overlap, "luks.slot.overlap", CORRUPT, \
	  N_("the keys of two slots share bytes")) \
	X(slot_none, "luks.slot.none", NOTE, \
	  N_("no key slot is in use, so no key opens the image")) \
	X(data_apart, "luks.data.apart", NOTE, \
	  N_("the header is that of data in another file")) \
	X(data_cut, "luks.data.cut", CORRUPT, \
	  N_("the file ends before the encrypted data do")) \
	X(data_ragged, "luks.data.ragged", NOTE, \
	  N_("the file ends inside a sector, which is no part of the disk"))

#define LUKS_FINDING(name, id, severity, text) \
	extern const struct img_finding_kind luks_found_##name;
LUKS_FINDINGS(LUKS_FINDING)
#undef LUKS_FINDING

/* All of them; NULL ends it. */
extern const struct img_finding_kind *const luks_finding_kinds[];

#endif
