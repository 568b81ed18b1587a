/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All that can be found in a cow image, each once.  The map points to the same constants, so why an
 * extent is lost and what a check finds are the same.
 */
#ifndef COW_FINDINGS_H
#define COW_FINDINGS_H

#include "base/err.h"

#define COW_FINDINGS(X) \
	X(header_broken, "cow.header.broken", FATAL, \
	  N_("the header cannot be used")) \
	X(header_bits, "cow.header.bits", NOTE, \
	  N_("the last sectors have no bits, and can only be read from the backing file")) \
	X(bitmap_cut, "cow.bitmap.cut", CORRUPT, \
	  N_("the bitmap reaches behind the end of the file")) \
	X(bitmap_behind, "cow.bitmap.behind", NOTE, \
	  N_("bits are set for sectors behind the end of the disk")) \
	X(data_outside, "cow.data.outside", CORRUPT, \
	  N_("the sectors should be in the file, but lie behind its end")) \
	X(data_unlisted, "cow.data.unlisted", LEAK, \
	  N_("the file has data of sectors whose bits are not set: what was written was never " \
	     "flushed, or the disk has lost it, and --salvage brings it back")) \
	X(data_behind, "cow.data.behind", NOTE, \
	  N_("behind the last sector of the disk the file goes on"))

#define COW_FINDING(name, id, severity, text) \
	extern const struct img_finding_kind cow_found_##name;
COW_FINDINGS(COW_FINDING)
#undef COW_FINDING

/* All of them; NULL ends it. */
extern const struct img_finding_kind *const cow_finding_kinds[];

#endif
