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
	X(header_broken, "vmdk.header.broken", FATAL, \
	  N_("the header cannot be used")) \
	X(header_unclean, "vmdk.header.unclean", NOTE, \
	  N_("the image was not closed properly by what wrote it last")) \
	X(header_overhead, "vmdk.header.overhead", NOTE, \
	  N_("a grain lies where the header says that there are none yet")) \
	X(header_size, "vmdk.header.size", CORRUPT, \
	  N_("the file of an extent is for less of the disk than the descriptor says")) \
	X(header_larger, "vmdk.header.larger", NOTE, \
	  N_("the file of an extent is for more of the disk than the descriptor says")) \
	X(descriptor_broken, "vmdk.descriptor.broken", FATAL, \
	  N_("the descriptor cannot be used")) \
	X(descriptor_type, "vmdk.descriptor.type", NOTE, \
	  N_("the type in the descriptor is not that of its extents")) \
	X(descriptor_cid, "vmdk.descriptor.cid", NOTE, \
	  N_("the descriptor has no content identifier (CID)")) \
	X(descriptor_parent, "vmdk.descriptor.parent", CORRUPT, \
	  N_("the image stands on another one, but does not name it")) \
	X(extent_unread, "vmdk.extent.unread", FATAL, \
	  N_("the file of an extent cannot be read")) \
	X(directory_cut, "vmdk.directory.cut", CORRUPT, \
	  N_("the grain directory reaches behind the end of the file")) \
	X(directory_outside, "vmdk.directory.outside", CORRUPT, \
	  N_("the entry of the grain directory points behind the end of the file")) \
	X(directory_reserved, "vmdk.directory.reserved", CORRUPT, \
	  N_("the entry of the grain directory is of no known kind")) \
	X(second_outside, "vmdk.second.outside", CORRUPT, \
	  N_("an entry of the second grain directory or its tables points behind the end of the " \
	     "file")) \
	X(second_differs, "vmdk.second.differs", CORRUPT, \
	  N_("the second grain directory or its tables say something else than the first")) \
	X(second_behind, "vmdk.second.behind", NOTE, \
	  N_("an entry of the second grain tables lacks what that of the first has")) \
	X(overlap, "vmdk.overlap", CORRUPT, \
	  N_("tables, or a table and a grain, have the same place in the file")) \
	X(grain_outside, "vmdk.grain.outside", CORRUPT, \
	  N_("the grain lies behind the end of the file")) \
	X(grain_doubled, "vmdk.grain.doubled", CORRUPT, \
	  N_("another part of the disk has the same grain of the file")) \
	X(grain_unaligned, "vmdk.grain.unaligned", NOTE, \
	  N_("the grain does not begin at a multiple of its size")) \
	X(grain_reserved, "vmdk.grain.reserved", CORRUPT, \
	  N_("the entry of the grain table is of no known kind")) \
	X(grain_marker, "vmdk.grain.marker", CORRUPT, \
	  N_("at the place of a compressed grain lies something else")) \
	X(grain_leak, "vmdk.grain.leak", LEAK, \
	  N_("nothing refers to the grain")) \
	X(footer_missing, "vmdk.footer.missing", FATAL, \
	  N_("the file ends before its footer, which tells where the grain directory is")) \
	X(footer_differs, "vmdk.footer.differs", CORRUPT, \
	  N_("the footer says something else than the header")) \
	X(stream_end, "vmdk.stream.end", FATAL, \
	  N_("the stream ends before its end-of-stream marker")) \
	X(stream_marker, "vmdk.stream.marker", CORRUPT, \
	  N_("where a marker has to be in the stream is none")) \
	X(stream_unlisted, "vmdk.stream.unlisted", CORRUPT, \
	  N_("the grain tables of the stream do not lead to all of its grains")) \
	X(stream_unsorted, "vmdk.stream.unsorted", NOTE, \
	  N_("the grains of the stream are not in the order of the disk")) \
	X(stream_behind, "vmdk.stream.behind", NOTE, \
	  N_("behind the end of the stream the file goes on")) \
	X(flat_cut, "vmdk.flat.cut", CORRUPT, \
	  N_("the file of an extent ends before the extent does")) \
	X(flat_behind, "vmdk.flat.behind", NOTE, \
	  N_("the file of an extent goes on behind the extent"))

#define VMDK_FINDING(name, id, severity, text) \
	extern const struct img_finding_kind vmdk_found_##name;
VMDK_FINDINGS(VMDK_FINDING)
#undef VMDK_FINDING

/* All of them; NULL ends it. */
extern const struct img_finding_kind *const vmdk_finding_kinds[];

#endif
