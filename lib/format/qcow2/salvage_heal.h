/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files that heal L2 tables in a salvage share. */
#ifndef QCOW2_SALVAGE_HEAL_H
#define QCOW2_SALVAGE_HEAL_H

#include "format/qcow2/counts.h"
#include "format/qcow2/salvage.h"
#include "format/qcow2/salvage_streams.h"

/* An L2 table of the disk while it is looked at. */
struct qcow2_sick {
	uint64_t host, guest;		/* where it lies, and what it starts with */
	uint8_t *raw;			/* as it is in the overlay; borrowed */
	size_t n, step;			/* entries, and the bytes of each */
};

struct qcow2_healing {
	struct qcow2_salvage *s;
	struct qcow2_streams streams;	/* of the table that is looked at */
	struct qcow2_counts *uses;	/* of clusters of the file by L2 entries; owned */
	uint64_t orphans;		/* clusters of which nobody knows the place */
	/* Entries that cannot be right and for which nothing was found, and the last of them. */
	size_t n_bad;
	bool bad_is_lost;		/* as long as nothing is found for it */
	uint64_t bad_at, bad_guest;
	uint8_t bad[16];
};

/* ---- salvage_entry.c ----------------------------------------------------------------------------- */

/* raw: an entry; false: it is not legal. */
bool qcow2_heal_decode(const struct qcow2_healing *h, const uint8_t *raw,
		       struct qcow2_cluster *out);
/* It leads to a cluster of the image that is not compressed. */
bool qcow2_heal_is_standard(const struct qcow2_healing *h, const struct qcow2_cluster *cluster);
/* Where entry i leads, if that is a standard cluster; 0: it is not, or there is no such entry. */
uint64_t qcow2_heal_host(const struct qcow2_healing *h, const struct qcow2_sick *t, size_t i);
/* What refers to the cluster at host is not more than the image counts. */
bool qcow2_heal_is_counted(const struct qcow2_healing *h, uint64_t host);
/* The cluster at host is in the file, in use, no table, and nothing leads to it. */
bool qcow2_heal_is_free(const struct qcow2_healing *h, uint64_t host);
/* Makes entry i, in memory and in the overlay, lead to the cluster at host, and tells it. */
bool qcow2_heal_lead(struct qcow2_healing *h, const struct qcow2_sick *t, size_t i, uint64_t host,
		     struct img_err *err) IMG_MUST_CHECK;
/* Writes entry i of the table in memory to the overlay, as a guess, and tells it. */
bool qcow2_heal_write(struct qcow2_healing *h, const struct qcow2_sick *t, size_t i,
		      struct img_err *err) IMG_MUST_CHECK;
/*
 * Whatever is wrong with entry i, of a table whose streams were judged.  *shares: it leads where
 * another one does, and nobody knows which of them is right.
 */
bool qcow2_heal_one(struct qcow2_healing *h, const struct qcow2_sick *t, size_t i, bool *shares,
		    struct img_err *err) IMG_MUST_CHECK;
/* After all tables: one bad entry and one cluster without a place belong together. */
bool qcow2_heal_last(struct qcow2_healing *h, struct img_err *err) IMG_MUST_CHECK;

/* ---- salvage_slide.c ----------------------------------------------------------------------------- */

enum qcow2_slide {
	QCOW2_SLIDE_NONE,
	QCOW2_SLIDE_MAYBE,		/* two entries are alike; that may have another reason */
	QCOW2_SLIDE_SURE,
};

/* Whether entries of the table were moved one place up. */
bool qcow2_slide_look(struct qcow2_healing *h, const struct qcow2_sick *t, enum qcow2_slide *out,
		      struct img_err *err) IMG_MUST_CHECK;
/* Moves them back, in memory and in the overlay. */
bool qcow2_slide_undo(struct qcow2_healing *h, const struct qcow2_sick *t, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- salvage_lent.c ------------------------------------------------------------------------------ */

/* *raw: the table that the latest snapshot has in this place, to be freed; NULL: none has another. */
bool qcow2_heal_lender(const struct qcow2_healing *h, const struct qcow2_sick *t, uint8_t **raw,
		       struct img_err *err) IMG_MUST_CHECK;
/* Empty entries whose clusters snapshots have, and which are counted for the disk, too. */
bool qcow2_heal_from_snapshots(struct qcow2_healing *h, const struct qcow2_sick *t,
			       struct img_err *err) IMG_MUST_CHECK;

#endif
