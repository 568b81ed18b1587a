/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All that can be found in a cloop image, each once.  The index points to the same constants, so why
 * an extent is lost and what a check finds are the same.
 */
#ifndef CLOOP_FINDINGS_H
#define CLOOP_FINDINGS_H

#include "base/err.h"

#define CLOOP_FINDINGS(X) \
	X(header_broken, "cloop.header.broken", FATAL, \
	  N_("the header cannot be used")) \
	X(header_behind, "cloop.header.behind", NOTE, \
	  N_("behind the last block the file goes on")) \
	X(index_cut, "cloop.index.cut", CORRUPT, \
	  N_("the index reaches behind the end of the file")) \
	X(index_gap, "cloop.index.gap", NOTE, \
	  N_("the first block does not follow the index at once; extract_compressed_fs fails")) \
	X(index_inside, "cloop.index.inside", CORRUPT, \
	  N_("by its entry in the index the block begins inside the index or the header")) \
	X(index_order, "cloop.index.order", CORRUPT, \
	  N_("by its entry in the index the block ends before it begins")) \
	X(index_size, "cloop.index.size", CORRUPT, \
	  N_("by the index the block has a size that it cannot have")) \
	X(index_compressor, "cloop.index.compressor", CORRUPT, \
	  N_("the entry of the index names a compressor that there is not")) \
	X(block_outside, "cloop.block.outside", CORRUPT, \
	  N_("the block reaches behind the end of the file, or into the index"))

#define CLOOP_FINDING(name, id, severity, text) \
	extern const struct img_finding_kind cloop_found_##name;
CLOOP_FINDINGS(CLOOP_FINDING)
#undef CLOOP_FINDING

/* All of them; NULL ends it. */
extern const struct img_finding_kind *const cloop_finding_kinds[];

#endif
