/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All that can be found in a VDI image, each once.  The map points to the same constants, so why an
 * extent is lost and what a check finds are the same.
 */
#ifndef VDI_FINDINGS_H
#define VDI_FINDINGS_H

#include "base/err.h"

#define VDI_FINDINGS(X) \
	X(map_cut, "vdi.map.cut", CORRUPT, \
	  N_("the block map reaches behind the end of the file")) \
	X(map_beyond, "vdi.map.beyond", CORRUPT, \
	  N_("the entry of the block map names a block that there cannot be")) \
	X(map_outside, "vdi.map.outside", CORRUPT, \
	  N_("the block reaches behind the end of the file"))

#define VDI_FINDING(name, id, severity, text) \
	extern const struct img_finding_kind vdi_found_##name;
VDI_FINDINGS(VDI_FINDING)
#undef VDI_FINDING

#endif
