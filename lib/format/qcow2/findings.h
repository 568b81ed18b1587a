/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All that can be found in a qcow2 image, each once: its name in programs, its stable id, how bad it
 * is, and what it means.  Decoders point to the kind of damage that they met, so what a reader is
 * told, why an extent is lost and what a check finds are the same.
 */
#ifndef QCOW2_FINDINGS_H
#define QCOW2_FINDINGS_H

#include "base/err.h"

#define QCOW2_FINDINGS(X) \
	X(header_broken, "qcow2.header.broken", FATAL, \
	  N_("the header cannot be used")) \
	X(header_dirty, "qcow2.header.dirty", NOTE, \
	  N_("the image was not closed properly; its reference counts may be behind")) \
	X(header_corrupt, "qcow2.header.corrupt", NOTE, \
	  N_("a program has marked the image as damaged")) \
	X(header_autoclear, "qcow2.header.autoclear", NOTE, \
	  N_("the header has features that are not known here and that writing would clear")) \
	X(header_behind, "qcow2.header.behind", NOTE, \
	  N_("behind the end of what the image uses, the file goes on")) \
	X(l1_reserved, "qcow2.l1.reserved", CORRUPT, \
	  N_("the L1 entry has reserved bits set")) \
	X(l1_unaligned, "qcow2.l1.unaligned", CORRUPT, \
	  N_("the L1 entry does not point to the start of a cluster")) \
	X(l1_outside, "qcow2.l1.outside", CORRUPT, \
	  N_("the L1 entry points behind the end of the file")) \
	X(l1_nowhere, "qcow2.l1.nowhere", CORRUPT, \
	  N_("the L1 entry is in use but has no L2 table")) \
	X(l1_copied, "qcow2.l1.copied", CORRUPT, \
	  N_("the COPIED flag of the L1 entry contradicts the number of references")) \
	X(l1_empty, "qcow2.l1.empty", CORRUPT, \
	  N_("the L1 table leads nowhere, but there are L2 tables to which it must have led")) \
	X(l1_missing, "qcow2.l1.missing", NOTE, \
	  N_("the L1 entry is empty while a snapshot has an L2 table there that is counted for one " \
	     "more: it may have led there")) \
	X(l1_twin, "qcow2.l1.twin", NOTE, \
	  N_("the L1 entry leads to the same L2 table as another one, which is counted less often: " \
	     "one of them may have been overwritten, or entries were moved")) \
	X(l2_orphan, "qcow2.l2.orphan", NOTE, \
	  N_("nothing refers to this L2 table: if the disk misses anything, it is here")) \
	X(l2_empty, "qcow2.l2.empty", NOTE, \
	  N_("the L2 table is empty while clusters are in use that nothing refers to: it may have " \
	     "lost them")) \
	X(l2_gap, "qcow2.l2.gap", NOTE, \
	  N_("part of the L2 table is empty while many clusters with data are in use that nothing " \
	     "refers to: it may have lost them")) \
	X(l2_missing, "qcow2.l2.missing", NOTE, \
	  N_("the empty L2 entry lies between two that leave place for just one cluster, which is " \
	     "in use and which nothing refers to: it may have led there")) \
	X(l2_shared, "qcow2.l2.shared", NOTE, \
	  N_("the L2 entry leads to the same cluster as another one while clusters are in use that " \
	     "nothing refers to: it may have been overwritten")) \
	X(l2_twin, "qcow2.l2.twin", NOTE, \
	  N_("the L2 entry leads to the same cluster as another one, which is counted less often: " \
	     "one of them may have been overwritten, or entries were moved")) \
	X(l2_reserved, "qcow2.l2.reserved", CORRUPT, \
	  N_("the L2 entry has reserved bits set")) \
	X(l2_unaligned, "qcow2.l2.unaligned", CORRUPT, \
	  N_("the L2 entry does not point to the start of a cluster")) \
	X(l2_outside, "qcow2.l2.outside", CORRUPT, \
	  N_("the L2 entry points behind the end of the file")) \
	X(l2_cut, "qcow2.l2.cut", CORRUPT, \
	  N_("the file ends inside the cluster to which the L2 entry points")) \
	X(l2_copied, "qcow2.l2.copied", CORRUPT, \
	  N_("the COPIED flag of the L2 entry contradicts the number of references")) \
	X(l2_nowhere, "qcow2.l2.nowhere", CORRUPT, \
	  N_("the L2 entry is in use but has no host cluster")) \
	X(l2_misplaced, "qcow2.l2.misplaced", CORRUPT, \
	  N_("the place in the data file differs from the place on the disk")) \
	X(l2_both, "qcow2.l2.both", CORRUPT, \
	  N_("a subcluster has data and reads as zeros at once")) \
	X(l2_subcluster_nowhere, "qcow2.l2.subcluster-nowhere", CORRUPT, \
	  N_("a subcluster has data but no host cluster")) \
	X(compressed_data_file, "qcow2.compressed.data-file", CORRUPT, \
	  N_("a compressed cluster in an external data file")) \
	X(compressed_reserved, "qcow2.compressed.reserved", CORRUPT, \
	  N_("the offset of a compressed cluster has reserved bits set")) \
	X(compressed_subclusters, "qcow2.compressed.subclusters", CORRUPT, \
	  N_("a compressed cluster has subclusters")) \
	X(compressed_copied, "qcow2.compressed.copied", CORRUPT, \
	  N_("a compressed cluster has the COPIED flag")) \
	X(compressed_outside, "qcow2.compressed.outside", CORRUPT, \
	  N_("a compressed cluster reaches behind the end of the file")) \
	X(reftable_reserved, "qcow2.reftable.reserved", CORRUPT, \
	  N_("the refcount table entry has reserved bits set")) \
	X(reftable_unaligned, "qcow2.reftable.unaligned", CORRUPT, \
	  N_("the refcount table entry does not point to the start of a cluster")) \
	X(reftable_outside, "qcow2.reftable.outside", CORRUPT, \
	  N_("the refcount table entry points behind the end of the file")) \
	X(refcount_leak, "qcow2.refcount.leak", LEAK, \
	  N_("the reference count is higher than the number of references")) \
	X(refcount_low, "qcow2.refcount.low", CORRUPT, \
	  N_("the reference count is lower than the number of references")) \
	X(overlap, "qcow2.overlap", CORRUPT, \
	  N_("a cluster of tables is in use for something else, too")) \
	X(snapshot_table, "qcow2.snapshot.table", CORRUPT, \
	  N_("the snapshot table cannot be used")) \
	X(snapshot_l1, "qcow2.snapshot.l1", CORRUPT, \
	  N_("the L1 table of a snapshot has an impossible place or size")) \
	X(bitmap_directory, "qcow2.bitmap.directory", CORRUPT, \
	  N_("the bitmap directory cannot be used")) \
	X(bitmap_table, "qcow2.bitmap.table", CORRUPT, \
	  N_("a bitmap's table has an impossible place or size")) \
	X(bitmap_entry, "qcow2.bitmap.entry", CORRUPT, \
	  N_("an entry of a bitmap's table breaks the specification")) \
	X(bitmap_outside, "qcow2.bitmap.outside", CORRUPT, \
	  N_("an entry of a bitmap's table points behind the end of the file")) \
	X(bitmap_in_use, "qcow2.bitmap.in-use", NOTE, \
	  N_("the bitmap was not closed properly and cannot be relied on")) \
	X(crypt_place, "qcow2.crypt.place", CORRUPT, \
	  N_("the encryption header has an impossible place or size")) \
	X(crypt_header, "qcow2.crypt.header", CORRUPT, \
	  N_("the encryption header cannot be used, so nothing can be deciphered")) \
	X(crypt_slot, "qcow2.crypt.slot", CORRUPT, \
	  N_("a key slot of the encryption header contradicts itself")) \
	X(crypt_overlap, "qcow2.crypt.overlap", CORRUPT, \
	  N_("the keys of two slots of the encryption header share bytes")) \
	X(crypt_no_key, "qcow2.crypt.no-key", NOTE, \
	  N_("no key slot is active: no passphrase opens the image")) \
	X(crypt_uuid, "qcow2.crypt.uuid", NOTE, \
	  N_("the UUID of the encryption header is no text")) \
	X(table_outside, "qcow2.table.outside", CORRUPT, \
	  N_("a table reaches behind the end of the file"))

#define QCOW2_FINDING(name, id, severity, text) \
	extern const struct img_finding_kind qcow2_found_##name;
QCOW2_FINDINGS(QCOW2_FINDING)
#undef QCOW2_FINDING

/* All of them; NULL ends it. */
extern const struct img_finding_kind *const qcow2_finding_kinds[];

#endif
