/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who refers to which cluster of the file, found from the decoders alone: no cache, no map, and no
 * reference count of the image is believed.  Nothing here writes.
 */
#ifndef QCOW2_REFS_H
#define QCOW2_REFS_H

#include "format/qcow2/qcow2.h"

struct qcow2_refs;

struct qcow2_refs_how {
	const struct qcow2_header *hdr;
	struct img_store *file;
	bool with_refcounts;		/* count the refcount table and its blocks, too */
	struct img_findings *damage;	/* added to: what keeps references from being known */
	/*
	 * Only clusters from here on are counted, and no more of them than memory suffices for.
	 * memory 0: all, or failure.  What does not depend on counts is found when first is 0.
	 */
	uint64_t first, memory;
	unsigned threads;		/* 0: one */
	const struct img_job *job;	/* or NULL */
};

/* What the active tables hold, in clusters of the disk. */
struct qcow2_refs_stats {
	uint64_t allocated, compressed;
	uint64_t fragmented;		/* do not follow the one before them in the same table */
	bool odd_flags;			/* COPIED flags have to be looked at one by one */
	uint64_t empty_tables;		/* L2 tables without an entry ... */
	uint64_t empty_table;		/* ... the first of them: host */
};

/*
 * Counts every reference to a host cluster: header, active L1 and L2 tables and what they point to
 * (a compressed cluster counts once in each cluster that it touches), snapshots, bitmaps, the LUKS
 * header, and with_refcounts the refcount table and its blocks.  Guest clusters in a data file are
 * not counted.  Damage is found, not an error; a cluster that is not in the file has no count.
 * Errors: IMG_E_IO, IMG_E_NOMEM, IMG_E_CANCELLED; IMG_E_RANGE (see qcow2_counts_add()).
 */
struct qcow2_refs *qcow2_refs_collect(const struct qcow2_refs_how *how, struct img_err *err);
/* Accepts NULL. */
void qcow2_refs_free(struct qcow2_refs *refs);

/* Whether nothing was found, of what keeps references from being known; else IMG_E_CORRUPT. */
bool qcow2_refs_certain(const struct img_findings *damage, struct img_err *err) IMG_MUST_CHECK;
/* How often something was found to lie behind the end of the file. */
uint64_t qcow2_refs_outside(const struct img_findings *damage);
/* References to cluster number `cluster`. */
uint64_t qcow2_refs_get(const struct qcow2_refs *refs, uint64_t cluster);
/* Whether the cluster is in use for something else than the guest's bytes. */
bool qcow2_refs_is_table(const struct qcow2_refs *refs, uint64_t cluster);
/* References to each of the n clusters from `cluster` on, in bulk. */
void qcow2_refs_get_many(const struct qcow2_refs *refs, uint64_t cluster, uint64_t *counts,
			 size_t n);
/* The clusters that the file has; the last one may be cut short. */
uint64_t qcow2_refs_clusters(const struct qcow2_refs *refs);
/* The clusters in [start, end) are those that were counted. */
uint64_t qcow2_refs_start(const struct qcow2_refs *refs);
uint64_t qcow2_refs_end(const struct qcow2_refs *refs);
/* The first cluster from *cluster on that is referred to; false: there is none. */
bool qcow2_refs_next(struct qcow2_refs *refs, uint64_t *cluster, uint64_t *n);
/* The largest count and the first cluster that has it. */
uint64_t qcow2_refs_most(const struct qcow2_refs *refs, uint64_t *cluster);
const struct qcow2_refs_stats *qcow2_refs_stats(const struct qcow2_refs *refs);
/* L2 tables, those of snapshots among them. */
uint64_t qcow2_refs_tables(const struct qcow2_refs *refs);
/* Counts one reference to each of n further clusters, which nothing referred to. */
bool qcow2_refs_claim(struct qcow2_refs *refs, uint64_t cluster, uint64_t n, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- refs_compare.c ------------------------------------------------------------------------------ */

/*
 * Compares refs, collected with_refcounts, with the refcounts of the image, for the clusters that
 * were counted and that the file has.  *used: the end of the last cluster that is counted here or
 * there, raised.  Errors: IMG_E_IO, IMG_E_NOMEM.
 */
bool qcow2_refs_compare(struct qcow2_refs *refs, const struct qcow2_header *hdr,
			struct img_store *file, struct img_findings *found, uint64_t *used,
			struct img_err *err) IMG_MUST_CHECK;

/*
 * How often the image counts the cluster, after a comparison; one more than it is referred to stands
 * for all that is too high.  Without a comparison: how often it should.
 */
uint64_t qcow2_refs_stored(const struct qcow2_refs *refs, uint64_t cluster);

/*
 * Collects the references of an image of which every one is known, and counted, and compares them; job
 * may be NULL.  Errors: IMG_E_CORRUPT when that is not so, and those of both.
 */
bool qcow2_refs_collect_sound(const struct qcow2_header *hdr, struct img_store *file,
			      const struct img_job *job, struct qcow2_refs **out,
			      struct img_err *err) IMG_MUST_CHECK;

/* The same for who knows that the counts are wrong: they are not compared.  Owned by the caller. */
struct qcow2_refs *qcow2_refs_collect_certain(const struct qcow2_header *hdr, struct img_store *file,
					      struct img_err *err);

/* Counts that are too low, or too high. */
enum qcow2_mend { QCOW2_MEND_LOW, QCOW2_MEND_LEAKS };

/*
 * Sets the refcounts of one sort right, in place, as far as there is a block for them and they fit.
 * What is left differs still, as after a comparison.  Does not sync.  Errors: IMG_E_IO, IMG_E_NOMEM.
 */
bool qcow2_refs_mend(struct qcow2_refs *refs, const struct qcow2_header *hdr,
		     struct img_store *file, enum qcow2_mend which, struct img_err *err)
	IMG_MUST_CHECK;

struct qcow2_stretches;
/*
 * Changes the refcounts of the image, in place, by what the references to each cluster changed from
 * `before` to `now`, both collected with_refcounts; what they were wrong by, they stay wrong by.
 * freed: the clusters, rising, that became free; *used: the end of the last that is counted.  Does
 * not sync.  Errors: IMG_E_CORRUPT (a count would fall below 0, or has no place), IMG_E_RANGE (one
 * does not fit), IMG_E_IO, IMG_E_NOMEM.
 */
bool qcow2_refs_shift(const struct qcow2_refs *before, struct qcow2_refs *now,
		      const struct qcow2_header *hdr, struct img_store *file,
		      struct qcow2_stretches *freed, uint64_t *used, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- orphans.c ----------------------------------------------------------------------------------- */

/*
 * Among the clusters that are counted but that nothing refers to, after a comparison, finds L2
 * tables: what led to them may be lost.  everywhere: among all clusters that nothing refers to, for
 * who does not believe the refcounts.  Errors: IMG_E_IO, IMG_E_NOMEM.
 */
bool qcow2_find_orphans(struct qcow2_refs *refs, const struct qcow2_header *hdr,
			struct img_store *file, bool everywhere, struct img_findings *found,
			struct img_err *err) IMG_MUST_CHECK;
/* Whether the cluster at host, which is in the file, is such a table.  Errors as above. */
bool qcow2_is_orphan_table(struct qcow2_refs *refs, const struct qcow2_header *hdr,
			   struct img_store *file, uint64_t host, bool *is, struct img_err *err)
	IMG_MUST_CHECK;

/* The L1 table must have led to L2 tables that were found: told once, if it leads nowhere now. */
bool qcow2_tell_empty_l1(const struct qcow2_refs *refs, const struct qcow2_header *hdr,
			 struct img_findings *found, struct img_err *err) IMG_MUST_CHECK;

/* ---- lent.c -------------------------------------------------------------------------------------- */

/*
 * After a comparison that found counts that are too high: empty entries of the L1 table that may have
 * led to what snapshots still have.  memory: bytes for counting at most.  Errors: IMG_E_IO, IMG_E_NOMEM.
 */
bool qcow2_find_lent(const struct qcow2_refs *refs, const struct qcow2_header *hdr,
		     struct img_store *file, uint64_t memory, struct img_findings *found,
		     struct img_err *err) IMG_MUST_CHECK;

/* ---- crypt.c ------------------------------------------------------------------------------------- */

/*
 * Finds what is wrong in the LUKS header of an image that has one, after references to it were
 * collected.  Errors: IMG_E_IO, IMG_E_NOMEM.
 */
bool qcow2_crypt_check(const struct qcow2_header *hdr, struct img_store *file,
		       struct img_findings *found, struct img_err *err) IMG_MUST_CHECK;

/* ---- suspects.c ---------------------------------------------------------------------------------- */

/*
 * After a comparison that found clusters in use to which nothing refers: entries of the active
 * tables that tell where some may have been lost.  memory: bytes for counting at most.
 */
bool qcow2_find_suspects(const struct qcow2_refs *refs, const struct qcow2_header *hdr,
			 uint64_t memory, struct img_findings *found, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- twins.c ------------------------------------------------------------------------------------- */

/*
 * After a comparison that found counts that are too low: entries that lead where another one leads,
 * so that they are wrong rather than the count.  memory: bytes for counting at most.
 */
bool qcow2_find_twins(const struct qcow2_refs *refs, const struct qcow2_header *hdr,
		      uint64_t memory, struct img_findings *found, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- copied.c ------------------------------------------------------------------------------------ */

/*
 * §"Cluster mapping": the flag stands for a count of one, of an L2 table or a standard cluster.
 * Finds the entries of the active tables whose flag contradicts the references to clusters that
 * were counted or, if they were compared, the refcounts of the image.  repair: sets them right in
 * the file, in place; does not sync.  found NULL: they need not be listed.  IMG_E_IO, IMG_E_NOMEM.
 */
bool qcow2_copied_check(const struct qcow2_refs *refs, const struct qcow2_header *hdr,
			struct img_store *file, bool repair, struct img_findings *found,
			struct img_err *err) IMG_MUST_CHECK;

#endif
