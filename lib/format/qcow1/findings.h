/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All that can be found in a qcow image of version 1, each once.  The map points to the same
 * constants, so why an extent is lost and what a check finds are the same.
 */
#ifndef QCOW1_FINDINGS_H
#define QCOW1_FINDINGS_H

#include "base/err.h"

#define QCOW1_FINDINGS(X) \
	X(header_broken, "qcow.header.broken", FATAL, \
	  N_("the header cannot be used")) \
	X(header_small, "qcow.header.small", NOTE, \
	  N_("QEMU opens no disk of less than 2 bytes")) \
	X(l1_cut, "qcow.l1.cut", CORRUPT, \
	  N_("the L1 table reaches behind the end of the file")) \
	X(l1_unaligned, "qcow.l1.unaligned", CORRUPT, \
	  N_("the L2 table does not begin at a cluster")) \
	X(l1_outside, "qcow.l1.outside", CORRUPT, \
	  N_("the L2 table reaches behind the end of the file")) \
	X(l1_doubled, "qcow.l1.doubled", CORRUPT, \
	  N_("what the entry takes for an L2 table is in use for something else")) \
	X(l1_empty, "qcow.l1.empty", LEAK, \
	  N_("the L1 table leads nowhere, but there are L2 tables: what was written was never flushed, " \
	     "or the disk has lost them, and --salvage brings it back")) \
	X(l2_orphan, "qcow.l2.orphan", NOTE, \
	  N_("nothing refers to this L2 table: if the disk misses anything, it is here")) \
	X(l2_unaligned, "qcow.l2.unaligned", CORRUPT, \
	  N_("the data do not begin at a cluster")) \
	X(l2_outside, "qcow.l2.outside", CORRUPT, \
	  N_("the data reach behind the end of the file")) \
	X(l2_empty, "qcow.l2.empty", CORRUPT, \
	  N_("the cluster is said to be compressed to no bytes")) \
	X(l2_doubled, "qcow.l2.doubled", CORRUPT, \
	  N_("the bytes of the file are in use for something else, too")) \
	X(cluster_leak, "qcow.cluster.leak", LEAK, \
	  N_("nothing refers to the cluster"))

#define QCOW1_FINDING(name, id, severity, text) \
	extern const struct img_finding_kind qcow1_found_##name;
QCOW1_FINDINGS(QCOW1_FINDING)
#undef QCOW1_FINDING

/* All of them; NULL ends it. */
extern const struct img_finding_kind *const qcow1_finding_kinds[];

#endif
