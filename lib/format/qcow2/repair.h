/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of a repair know of each other. */
#ifndef QCOW2_REPAIR_H
#define QCOW2_REPAIR_H

#include "format/qcow2/decoder.h"
#include "format/qcow2/refs.h"

struct qcow2_repair {
	struct qcow2_header hdr;
	struct img_store *file;
	const struct img_checking *how;
	bool twins;			/* entries are wrong, rather than counts and flags */
	bool doubtful;			/* what an entry led to may be among what nothing refers to */
};

/*
 * Counts the references to clusters from first on and compares them with the refcounts; NULL on
 * failure.  damage: as in struct qcow2_refs_how, or NULL.
 */
struct qcow2_refs *qcow2_repair_refs(const struct qcow2_repair *r, uint64_t first,
				     struct img_findings *damage, struct img_err *err);

/* Those of struct img_check_ops, check.c and repair.c. */
bool qcow2_check(struct img_layer *ly, const struct img_checking *how, struct img_findings *out,
		 struct img_check_result *result, struct img_err *err) IMG_MUST_CHECK;
bool qcow2_repair(struct img_layer *ly, const struct img_checking *how,
		  enum img_repair_level level, struct img_err *err) IMG_MUST_CHECK;

/* ---- repair_entries.c ---------------------------------------------------------------------------- */

/*
 * Entries of the active tables that a single wrong bit has made to lead nowhere, or to what belongs
 * to somebody else, lead again where they did, if only one place is possible.
 */
bool qcow2_repair_entries(struct qcow2_repair *r, struct img_err *err) IMG_MUST_CHECK;

/* ---- repair_candidate.c -------------------------------------------------------------------------- */

/* Who answers which entry a damaged one was. */
struct qcow2_candidates {
	struct qcow2_repair *r;
	struct qcow2_refs *refs;	/* compared; what an entry is mended to is claimed there */
	struct qcow2_geometry geo;
	struct qcow2_decoder decoder;
	uint64_t own;			/* cluster that the entry in question refers to */
};

bool qcow2_candidates_open(struct qcow2_candidates *c, struct qcow2_repair *r,
			   struct qcow2_refs *refs, struct img_err *err) IMG_MUST_CHECK;
void qcow2_candidates_close(struct qcow2_candidates *c);
/* Whether the image counts the cluster and nothing but the entry that is mended refers to it. */
bool qcow2_is_lost(const struct qcow2_candidates *c, uint64_t host);
/* No entry is that. */
#define QCOW2_SEVERAL_ENTRIES UINT64_MAX
/*
 * The one entry that differs from `entry` by a single bit and leads to something that is in use and
 * that nothing else leads to; 0: there is none.  bitmap: the second half.
 */
bool qcow2_find_entry(struct qcow2_candidates *c, uint64_t entry, uint64_t bitmap, uint64_t *found,
		      struct img_err *err) IMG_MUST_CHECK;
/* Whether what lies at host, in the file, looks like an L2 table that leads somewhere. */
bool qcow2_is_table(struct qcow2_candidates *c, uint64_t host, bool *is, struct img_err *err)
	IMG_MUST_CHECK;
/* Whether an entry for which nothing was found is an empty one with a wrong bit. */
bool qcow2_was_empty(const struct qcow2_candidates *c, uint64_t entry);
/* The same for an entry of the L1 table, which must lead to what looks like an L2 table. */
bool qcow2_find_l1_entry(struct qcow2_candidates *c, uint64_t entry, uint64_t *found,
			 struct img_err *err) IMG_MUST_CHECK;

#endif
