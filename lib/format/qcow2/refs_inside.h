/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the reference map share while references are collected. */
#ifndef QCOW2_REFS_INSIDE_H
#define QCOW2_REFS_INSIDE_H

#include "format/qcow2/bulk.h"
#include "format/qcow2/counts.h"
#include "format/qcow2/refs.h"

#define QCOW2_NOT_ACTIVE UINT32_MAX

struct qcow2_refs {
	struct qcow2_counts *total;	/* all references */
	struct qcow2_counts *fixed;	/* those to what has its place by a header or a directory */
	struct qcow2_counts *l2;	/* those to L2 tables */
	uint64_t n_clusters;		/* that the file has */
	uint64_t start;			/* of what was counted */
	/* Clusters whose count in the image is another, which stands here plus one; or NULL. */
	struct qcow2_counts *otherwise;
	struct qcow2_cluster_list tables;	/* L2 tables: n_active in order of the disk, others */
	uint32_t *l1_indexes;		/* for each, the first that points to it; or NOT_ACTIVE; owned */
	size_t l1_indexes_cap, n_active;
	bool l1_in_use;			/* an entry of the active L1 table is not 0 */
	struct qcow2_refs_stats stats;
};

/* What a cluster can be in use for. */
enum qcow2_use {
	QCOW2_USE_HEADER,
	QCOW2_USE_REFTABLE,
	QCOW2_USE_REFBLOCK,
	QCOW2_USE_L1,
	QCOW2_USE_L2,
	QCOW2_USE_DATA,
	QCOW2_USE_COMPRESSED,
	QCOW2_USE_SNAPSHOTS,
	QCOW2_USE_SNAPSHOT_L1,
	QCOW2_USE_BITMAP_DIRECTORY,
	QCOW2_USE_BITMAP_TABLE,
	QCOW2_USE_BITMAP,
	QCOW2_USE_CRYPT,
	QCOW2_USES,
};

/* A cluster of which all uses are wanted. */
struct qcow2_watched {
	uint64_t cluster;
	uint32_t uses;			/* bit for each enum qcow2_use */
};

struct collection {
	const struct qcow2_refs_how *how;
	const struct qcow2_header *hdr;
	struct img_store *file;
	struct qcow2_geometry geo;
	uint64_t file_size, n_clusters;
	struct qcow2_counts *total;	/* all references */
	struct qcow2_counts *fixed;	/* those to what has its place by a header or a directory */
	struct qcow2_counts *tables;	/* those to L2 tables */
	struct img_findings *damage;
	struct qcow2_refs *refs;
	/* Instead of counting and finding, tell what these are in use for; borrowed. */
	struct qcow2_watched *watch;
	size_t n_watch;
};

/* ---- refs.c -------------------------------------------------------------------------------------- */

/* What stands at host; guest IMG_NOWHERE: not known, or it is no matter of the disk. */
bool qcow2_refs_found(struct collection *c, const struct img_finding_kind *kind, uint64_t host,
		      uint64_t guest, uint64_t value, struct img_err *err) IMG_MUST_CHECK;
/* n references to a cluster that is in the file. */
bool qcow2_refs_note(struct collection *c, enum qcow2_use use, uint64_t cluster, uint64_t n,
		     struct img_err *err) IMG_MUST_CHECK;
/*
 * Counts a reference to each cluster of [host, host + len), len > 0, which are tables that must be
 * nothing else.  *whole: they lie in the file and nobody else has claimed them.
 */
bool qcow2_refs_claim_table(struct collection *c, enum qcow2_use use, uint64_t host, uint64_t len,
			    bool *whole, struct img_err *err) IMG_MUST_CHECK;
/* Whether the file ends inside [host, host + len), which start in it. */
bool qcow2_refs_is_cut(const struct collection *c, uint64_t host, uint64_t len);
bool qcow2_refs_is_aligned(const struct collection *c, uint64_t host);
/* Puts an L2 table at the end of the list. */
bool qcow2_refs_add_table(struct collection *c, uint64_t host, uint32_t l1_index,
			  struct img_err *err) IMG_MUST_CHECK;
/* Does once more what `counted` did, to tell what n clusters are in use for. */
bool qcow2_refs_watch(const struct collection *counted, struct qcow2_watched *watch, size_t n,
		      struct img_err *err) IMG_MUST_CHECK;

/* ---- The other files ----------------------------------------------------------------------------- */

bool qcow2_refs_collect_bitmaps(struct collection *c, struct img_err *err) IMG_MUST_CHECK;
/* After all L1 tables. */
bool qcow2_refs_collect_l2(struct collection *c, struct img_err *err) IMG_MUST_CHECK;
/* After all else: clusters of tables to which somebody refers as something else. */
bool qcow2_refs_find_overlaps(struct collection *c, struct img_err *err) IMG_MUST_CHECK;

#endif
