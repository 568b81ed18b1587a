/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who refers to which cluster of the file, found from the decoders alone: no cache, no map, and no
 * reference count of the image is believed.  Nothing here writes.
 */
#ifndef QCOW2_REFS_H
#define QCOW2_REFS_H

#include "format/qcow2/qcow2.h"

/* One kind of damage. */
struct qcow2_damage {
	uint64_t n;			/* how often it was found */
	uint64_t at;			/* the first: host offset of the entry or of the cluster */
	const char *why;		/* of that one: an English phrase marked for translation */
};

/* What keeps the references from being known for certain. */
struct qcow2_refs_damage {
	struct qcow2_damage outside;	/* something should lie behind the end of the file */
	struct qcow2_damage broken;	/* an entry breaks the specification: see why */
	struct qcow2_damage overlap;	/* a cluster of tables is in use for something else, too */
};

/* The kind that was found, or NULL: none. */
const struct qcow2_damage *qcow2_refs_worst(const struct qcow2_refs_damage *damage);

struct qcow2_refs;

/*
 * Counts every reference to a host cluster: header, active L1 and L2 tables and what they point to
 * (a compressed cluster counts once in each cluster that it touches), snapshots, bitmaps, the LUKS
 * header, and with_refcounts the refcount table and its blocks.  Guest clusters in a data file are
 * not counted.  Damage is counted, not an error; a cluster that is not in the file has no count.
 * Errors: IMG_E_IO, IMG_E_NOMEM, IMG_E_RANGE (see qcow2_counts_add()).
 */
struct qcow2_refs *qcow2_refs_collect(const struct qcow2_header *hdr, struct img_store *file,
				      bool with_refcounts, struct qcow2_refs_damage *damage,
				      struct img_err *err);
/* Accepts NULL. */
void qcow2_refs_free(struct qcow2_refs *refs);

/* References to cluster number `cluster`. */
uint64_t qcow2_refs_get(const struct qcow2_refs *refs, uint64_t cluster);
/* The clusters that the file has; the last one may be cut short. */
uint64_t qcow2_refs_clusters(const struct qcow2_refs *refs);
/* The first cluster from *cluster on that is referred to; false: there is none. */
bool qcow2_refs_next(struct qcow2_refs *refs, uint64_t *cluster, uint64_t *n);
/* The largest count and the first cluster that has it. */
uint64_t qcow2_refs_most(const struct qcow2_refs *refs, uint64_t *cluster);
/* Counts one reference to each of n further clusters, which nothing referred to. */
bool qcow2_refs_claim(struct qcow2_refs *refs, uint64_t cluster, uint64_t n, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- refs_compare.c ------------------------------------------------------------------------------ */

/* What the refcounts of the image say otherwise.  The first cluster of each, when n > 0. */
struct qcow2_refs_diff {
	uint64_t leaks, first_leak;	/* the count is too high: space is lost, nothing else */
	uint64_t corruptions, first_corruption;	/* too low: a cluster in use counts as free */
	uint64_t broken_table;		/* entries of the refcount table without a block in the file */
};

/*
 * Compares refs, collected with_refcounts, with the refcounts of the image, for the clusters that
 * the file has.  Errors: IMG_E_IO, IMG_E_NOMEM.
 */
bool qcow2_refs_compare(struct qcow2_refs *refs, const struct qcow2_header *hdr,
			struct img_store *file, struct qcow2_refs_diff *diff, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- copied.c ------------------------------------------------------------------------------------ */

/* Entries of the active tables whose COPIED flag contradicts the count. */
struct qcow2_copied {
	uint64_t n;
	uint64_t first;			/* host offset of the first entry, when n > 0 */
};

/*
 * §"Cluster mapping": the flag stands for a count of one, of an L2 table or a standard cluster.
 * repair: sets them right in the file, in place; does not sync.  Errors: IMG_E_IO, IMG_E_NOMEM.
 */
bool qcow2_copied_check(const struct qcow2_refs *refs, const struct qcow2_header *hdr,
			struct img_store *file, bool repair, struct qcow2_copied *found,
			struct img_err *err) IMG_MUST_CHECK;

#endif
