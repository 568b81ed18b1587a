/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All that can be found in a VDI image, each once.  The map points to the same constants, so why an
 * extent is lost and what a check finds are the same.
 */
#ifndef VDI_FINDINGS_H
#define VDI_FINDINGS_H

#include "base/err.h"

#define VDI_FINDINGS(X) \
	X(header_broken, "vdi.header.broken", FATAL, \
	  N_("the header cannot be used")) \
	X(header_field, "vdi.header.field", CORRUPT, \
	  N_("the field of the header is contradicted by the block map and the length of the file")) \
	X(header_count, "vdi.header.count", CORRUPT, \
	  N_("the number of allocated blocks is wrong: who adds one may overwrite another")) \
	X(header_high, "vdi.header.high", LEAK, \
	  N_("more blocks are said to be allocated than there are")) \
	X(header_uuid, "vdi.header.uuid", NOTE, \
	  N_("the image has no UUID, or none of its last change; VirtualBox refuses it")) \
	X(header_unaligned, "vdi.header.unaligned", NOTE, \
	  N_("blocks do not begin at multiples of 512 bytes")) \
	X(header_behind, "vdi.header.behind", NOTE, \
	  N_("behind the last block the file goes on")) \
	X(map_cut, "vdi.map.cut", CORRUPT, \
	  N_("the block map reaches behind the end of the file")) \
	X(map_beyond, "vdi.map.beyond", CORRUPT, \
	  N_("the entry of the block map names a block that there cannot be")) \
	X(map_outside, "vdi.map.outside", CORRUPT, \
	  N_("the block reaches behind the end of the file")) \
	X(map_doubled, "vdi.map.doubled", CORRUPT, \
	  N_("another part of the disk has the same block of the file")) \
	X(map_fixed, "vdi.map.fixed", NOTE, \
	  N_("an image of fixed size lacks a block, or has it in another place")) \
	X(block_leak, "vdi.block.leak", LEAK, \
	  N_("nothing refers to the block"))

#define VDI_FINDING(name, id, severity, text) \
	extern const struct img_finding_kind vdi_found_##name;
VDI_FINDINGS(VDI_FINDING)
#undef VDI_FINDING

/* All of them; NULL ends it. */
extern const struct img_finding_kind *const vdi_finding_kinds[];

#endif
