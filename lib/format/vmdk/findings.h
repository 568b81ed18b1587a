/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All that can be found in a VMDK image, each once: its name in programs, its stable id, how bad it
 * is, and what it means.  Decoders point to these, so what a reader is told, why an extent is lost
 * and what a check finds are the same.
 */
#ifndef VMDK_FINDINGS_H
#define VMDK_FINDINGS_H

#include "base/err.h"

#define VMDK_FINDINGS(X) \
	X(header_size, "vmdk.header.size", CORRUPT, \
	  N_("the file of an extent is for less of the disk than the descriptor says")) \
	X(directory_cut, "vmdk.directory.cut", CORRUPT, \
	  N_("the grain directory reaches behind the end of the file")) \
	X(directory_outside, "vmdk.directory.outside", CORRUPT, \
	  N_("the entry of the grain directory points behind the end of the file")) \
	X(directory_reserved, "vmdk.directory.reserved", CORRUPT, \
	  N_("the entry of the grain directory is of no known kind")) \
	X(grain_outside, "vmdk.grain.outside", CORRUPT, \
	  N_("the grain lies behind the end of the file")) \
	X(grain_reserved, "vmdk.grain.reserved", CORRUPT, \
	  N_("the entry of the grain table is of no known kind")) \
	X(grain_marker, "vmdk.grain.marker", CORRUPT, \
	  N_("at the place of a compressed grain lies something else")) \
	X(flat_cut, "vmdk.flat.cut", CORRUPT, \
	  N_("the file of an extent ends before the extent does"))

#define VMDK_FINDING(name, id, severity, text) \
	extern const struct img_finding_kind vmdk_found_##name;
VMDK_FINDINGS(VMDK_FINDING)
#undef VMDK_FINDING

/* All of them; NULL ends it. */
extern const struct img_finding_kind *const vmdk_finding_kinds[];

#endif
