/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The space of a file that only grows: where the next clusters are, and the reference counts of
 * all that were taken.  Counts are final once the file has grown past them, so one refcount block
 * is in memory at a time, whatever the size of the image: a cluster, and 8 bytes for each block
 * that was written.
 */
#ifndef QCOW2_SPACE_H
#define QCOW2_SPACE_H

#include "store/store.h"

struct qcow2_space {
	struct img_store *store;
	unsigned cluster_bits, refcount_order;
	bool sparse;		/* what was never written reads as zeros */
	uint64_t end;		/* clusters [0, end) are taken */
	uint64_t counted;	/* clusters [0, counted) have their count in a block */
	uint64_t packed;	/* byte behind the last compressed unit; 0: its cluster is closed */
	uint8_t *block;		/* counts of the clusters from block_at on */
	uint64_t block_at;
	uint64_t *table;	/* where the blocks before this one were written */
	size_t n_table, cap_table;
	bool keep;		/* clusters will be shared: all blocks stay in memory to the end ... */
	uint8_t **kept;		/* ... those of table; owned */
	size_t n_kept, cap_kept;
};

/* One cluster is taken: the header's.  Fill in the first four members, and keep; rest zero. */
bool qcow2_space_init(struct qcow2_space *sp, struct img_err *err) IMG_MUST_CHECK;
void qcow2_space_free(struct qcow2_space *sp);
/* n clusters behind each other; *host in bytes.  IMG_E_RANGE beyond 64 PiB. */
bool qcow2_space_take(struct qcow2_space *sp, uint64_t n, uint64_t *host, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * len bytes (at most a cluster) directly behind the last ones if possible; a cluster that several
 * share is counted once for each.  *host + len stays below limit, else IMG_E_RANGE.
 */
bool qcow2_space_pack(struct qcow2_space *sp, uint32_t len, uint64_t limit, uint64_t *host,
		      struct img_err *err) IMG_MUST_CHECK;
/*
 * Counts one more reference to what lies in [host, host + len), taken before.  False: a count is at its
 * limit.  Only with keep.
 */
bool qcow2_space_share(struct qcow2_space *sp, uint64_t host, uint32_t len);
/* Takes and writes what is missing of the refcounts; sp->end is then the end of the file. */
bool qcow2_space_finish(struct qcow2_space *sp, uint64_t *table_host, uint32_t *table_clusters,
			struct img_err *err) IMG_MUST_CHECK;
/*
 * Writes a part of a table that lies in a taken cluster; pieces that are zero are left out where
 * the store has zeros anyway.
 */
bool qcow2_space_write(const struct qcow2_space *sp, uint64_t host, const uint8_t *bytes,
		       size_t len, struct img_err *err) IMG_MUST_CHECK;

#endif
